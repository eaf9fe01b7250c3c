"""What every channel of every layer of a network is tuned to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from snellen.backbones import Backbone
from snellen.errors import BackboneError
from snellen.exam._exam_run import ExamRun
from snellen.exam._networks import chosen_layers
from snellen.exam._tuning._presentations import Look, Reading, present
from snellen.exam._tuning._tuning_rows import TuningCurves, curves_of, efficacy_of, rows_of
from snellen.exam._tuning._tuning_stimuli import DEFAULT_SIZE, TuningStimuli
from snellen.records import Row
from snellen.vision import find_csf


@dataclass(frozen=True)
class TuningExam:
    """Tuning of the channels of a network; made by `tuning`.

    Parameters
    ----------
    rows
        One per layer and channel.
    curves
        By layer, what the rows were read off.
    stimuli
        What the network was shown.
    facts
        Network, and how responses were read.
    """

    rows: tuple[Row, ...]
    curves: Mapping[str, TuningCurves]
    stimuli: TuningStimuli
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers."""
        return tuple(self.curves)

    def of_layer(self, layer: str) -> list[Row]:
        """Return the rows of one layer.

        Raises
        ------
        BackboneError
            The exam has no such layer.
        """
        if layer not in self.curves:
            known = ", ".join(self.curves)
            raise BackboneError(f"The exam has no layer {layer!r}; it has {known}.")
        return [row for row in self.rows if row["layer"] == layer]

    def to_table(self) -> Any:
        """Return the rows as an Arrow table."""
        import pyarrow

        return pyarrow.Table.from_pylist(list(self.rows))

    def curve_table(self) -> Any:
        """Return the curves as an Arrow table: a row per channel, a list per curve."""
        import pyarrow

        names = ("rings", "bars", "frequency", "orientation", "contrast", "color")
        return pyarrow.Table.from_pylist(
            [
                {"layer": layer, "channel": c, "blank": float(curves.blank[c])}
                | {name: getattr(curves, name)[c].tolist() for name in names}
                for layer, curves in self.curves.items()
                for c in range(len(curves.blank))
            ]
        )

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        return {"exam": "tuning", **self.facts, "stimuli": self.stimuli.manifest()}


def tuning(
    backbone: Backbone,
    layers: str | Sequence[str] | None = None,
    *,
    stimuli: TuningStimuli | None = None,
    reading: Reading = "auto",
    center: float = 1.0,
    csf: str = "tariq",
    batch: int = 16,
    checkpoint: str | Path | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] | None = None,
) -> TuningExam:
    r"""Measure what every channel of every layer is tuned to.

    The network sees every grating once; all layers are read in the same pass.

    Parameters
    ----------
    backbone
        Network.
    layers
        Names of layers; all listed ones by default.
    stimuli
        Gratings and viewing geometry; see `TuningStimuli`.
    reading
        ``"mean"``: the response of a channel is the mean of its map over positions, as published;
        ``"modulation"``: the amplitude of a sinusoid with the variance of the map, over positions
        and phases; ``"auto"``: the mean where no feature of the layer is negative, else the
        modulation, since the mean of a signed response over a whole period tells nothing.
    center
        Share of the height and width of every map that is read. Below 1 it leaves out borders,
        where padding answers.
    csf
        Name of the human contrast sensitivity curve in :math:`\mu_1`; see `find_csf`.
    batch
        Images at a time.
    checkpoint
        Folder where each finished series of gratings is kept, so that an exam that was cut off
        goes on where it was.
    device
        Where to compute.
    progress
        Called with the number of images done since the last call, ``stimuli.images`` in all.

    Returns
    -------
    TuningExam
        Rows and curves.

    Raises
    ------
    BackboneError
        A layer does not exist, the network does not take images of this size, or an option makes
        no sense.
    MetricError
        There is no such CSF.

    Notes
    -----
    Columns of the rows. Tuning is that of the response less the response to the uniform field,
    at the best frequency and orientation of the grid:

    - ``preferred_frequency`` (cycles per degree), ``frequency_low`` and ``frequency_high`` at half
      height, ``bandwidth_octaves`` between them; ``ring_frequency`` is the peak for concentric
      gratings.
    - ``preferred_orientation`` in degrees, **of the wave vector**: 0 for vertical bars, growing
      clockwise on screen. The bars themselves lie at 90 degrees to it.
      ``orientation_half_width`` is half the width at half height.
    - ``circular_variance`` and ``osi``: see `circular_variance` and `orientation_selectivity`.
    - ``phase_modulation`` of the unit at the middle of the map: see `phase_modulation`.
    - ``contrast_exponent``, ``contrast_c50``, ``contrast_half``, ``contrast_explained``: see
      `ContrastResponse`.
    - ``response_*`` by colour, all at the same contrast of the primary that is modulated most;
      ``color_opponency`` is the stronger chromatic response over itself plus the achromatic one.
    - ``mu1``, ``mu2``, ``efficacy``: Tariq et al., Eqs. 2 to 5, from the responses themselves,
      blank included, as published.

    A channel is ``dead`` where no grating changes its response.
    """
    chosen = stimuli or TuningStimuli()
    chosen = replace(chosen, size=chosen.size or backbone.fixed_size or DEFAULT_SIZE)
    names, curve = chosen_layers(backbone, layers), find_csf(csf)
    run = ExamRun(checkpoint, device, progress)
    seen = present(backbone, names, chosen.everything, Look(center, batch), run)
    rows: list[Row] = []
    curves = {}
    for name in names:
        own, dead, modulation = curves_of(name, seen[name], reading)
        efficacy = efficacy_of(seen[name], chosen, curve, own.reading)
        rows.extend(rows_of(own, dead, modulation, efficacy, chosen))
        curves[name] = own
    facts = {
        "backbone": backbone.manifest(),
        "reading": reading,
        "center": center,
        "csf": csf,
        "torch": torch.__version__,
    }
    return TuningExam(tuple(rows), curves, chosen, facts)
