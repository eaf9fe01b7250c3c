"""Whether channels with perceptual efficacy agree with people better than controls do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from snellen.agreement import RankAgreement, Resampling
from snellen.backbones import Backbone
from snellen.datasets import Dataset
from snellen.errors import MetricError
from snellen.exam._agreement._responses import Responses, respond
from snellen.exam._efficacy._activity import Activity, activity
from snellen.exam._efficacy._channel_groups import ChannelWeights, efficacy_weights, high_group
from snellen.exam._efficacy._efficacy_sets import (
    ChannelEfficacy,
    agreement_rows,
    difference_rows,
    mean_over_layers,
    set_agreements,
)
from snellen.exam._exam_run import ExamRun
from snellen.exam._networks import chosen_layers
from snellen.exam._tuning._perceptual_efficacy import (
    Sensitivity,
    frequency_sensitivity,
    gain_normalized,
    orientation_sensitivity,
    perceptual_efficacy,
)
from snellen.exam._tuning._presentations import Look, Reading, Seen, present, reading_of
from snellen.exam._tuning._tuning_stimuli import DEFAULT_SIZE, TuningStimuli
from snellen.metrics import Protocol
from snellen.records import Row
from snellen.vision import find_csf

MEAN_OF_LAYERS = "mean of layers"
"""Name of the rows that average over the layers of the exam."""


@dataclass(frozen=True)
class EfficacyExam:
    """Efficacy of the channels of layers, and what it is worth; made by `efficacy`.

    Parameters
    ----------
    channels
        By layer.
    rows
        Agreement with people of every set of channels, a row per layer, set and x.
    differences
        Paired differences between sets, a row per layer, x and pair.
    facts
        Network, dataset, protocol, stimuli and options.
    """

    channels: Mapping[str, ChannelEfficacy]
    rows: tuple[Row, ...]
    differences: tuple[Row, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def weights(self, group: str = "soft", x: float = 10) -> list[ChannelWeights]:
        """Turn efficacy into weights of channels; see `efficacy_weights`."""
        values = {layer: one.efficacy for layer, one in self.channels.items()}
        return efficacy_weights(values, group=group, x=x)

    def to_table(self) -> Any:
        """Return agreement of every set as an Arrow table."""
        return _table(self.rows)

    def difference_table(self) -> Any:
        """Return differences between sets as an Arrow table."""
        return _table(self.differences)

    def channel_table(self) -> Any:
        """Return efficacy and activity of every channel as an Arrow table."""
        return _table([row for one in self.channels.values() for row in one.rows()])

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        return {"exam": "efficacy", **self.facts}


def _table(rows: Sequence[Row]) -> Any:
    import pyarrow

    return pyarrow.Table.from_pylist(list(rows))


def efficacy(
    backbone: Backbone,
    layers: str | Sequence[str] | None,
    dataset: Dataset,
    *,
    x: Sequence[float] = (2, 5, 10, 25, 50),
    stimuli: TuningStimuli | None = None,
    reading: Reading = "auto",
    center: float = 1.0,
    csf: str = "tariq",
    draws: int = 200,
    seed: int = 0,
    resize: str = "native",
    resampling: Resampling | None = None,
    batch: int = 16,
    checkpoint: str | Path | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] | None = None,
) -> EfficacyExam:
    """Measure perceptual efficacy, and whether channels that have it agree better with people.

    Agreement is SRCC of the distance of Tariq et al., Eq. 1, mean squared difference over a set
    of the channels of one layer. Every layer is examined by itself.

    Parameters
    ----------
    backbone, layers, dataset
        Network, its layers (None for all listed ones), and images with human scores.
    x
        Percent of the groups: of x percent of a layer's channels.
    stimuli, reading, center, csf
        How efficacy is measured; see `tuning`. Only the published gratings are shown.
    draws, seed
        Number of random sets of channels for each layer and x, and their seed.
    resize
        Rule of the protocol of the dataset's images.
    resampling
        How intervals are made: contents are resampled, the same ones for all sets.
    batch, checkpoint, device
        See `tuning`.
    progress
        Called with the number of images done since the last call; `efficacy_images` gives how
        many there are.

    Returns
    -------
    EfficacyExam
        Efficacy by channel, agreement of all sets, and differences between them.

    Raises
    ------
    BackboneError
        A layer does not exist, or an option makes no sense.
    MetricError
        An x is out of range, there are no draws, or no such CSF or resize rule.
    DatasetError
        An image has no reference.

    Notes
    -----
    Sets of channels:

    - ``F``: all. ``H``, ``L``: H-x and L-x, as published. ``soft``: all, weighted by efficacy.
    - Controls of the size of H-x, none of which is in the paper. ``random``: the median over
      `draws` random sets; its interval is that of the median, and ``spread_low`` and
      ``spread_high`` hold 95 % of the sets. ``top-activation``, ``top-variance``: the channels
      with the largest mean and variance on the dataset's references. ``H-normalized``: the
      channels with the highest efficacy of curves divided by their largest response.

    ``above_random`` is the share of random sets that agree less; those that agree as much count by
    halves. A set whose channels see nothing has agreement 0.
    """
    names, curve = chosen_layers(backbone, layers), find_csf(csf)
    percents = _checked(x, draws)
    shown = stimuli or TuningStimuli()
    shown = replace(shown, size=shown.size or backbone.fixed_size or DEFAULT_SIZE)
    protocol = Protocol(resize)
    run = ExamRun(checkpoint, device, progress)
    seen = present(backbone, names, (shown.blank, *shown.published), Look(center, batch), run)
    active = activity(backbone, dataset, names, protocol=protocol, run=run)
    answers = respond(backbone, dataset, names, {}, protocol=protocol, by_channel=True, run=run)
    how = resampling or Resampling()
    channels = {
        name: _channels(name, seen[name], active[name], shown, curve, reading) for name in names
    }
    rows, differences = _compare(channels, answers, dataset, percents, how, draws, seed)
    facts = {
        "backbone": backbone.manifest(),
        "dataset": {"name": dataset.name, "images": len(dataset)},
        "protocol": protocol.manifest(),
        "stimuli": shown.manifest(),
        "reading": reading,
        "center": center,
        "csf": csf,
        "draws": draws,
        "seed": seed,
        "resamples": how.resamples,
        "torch": torch.__version__,
    }
    return EfficacyExam(channels, tuple(rows), tuple(differences), facts)


def efficacy_images(dataset: Dataset, stimuli: TuningStimuli | None = None) -> int:
    """Return how many images `efficacy` takes: gratings, references and distorted images."""
    shown = stimuli or TuningStimuli()
    return shown.published_images + len(set(dataset.reference)) + len(dataset)


def _checked(x: Sequence[float], draws: int) -> tuple[float, ...]:
    if draws < 1 or not len(x):
        raise MetricError(
            f"efficacy: expected at least one draw and one x; got {draws} and {tuple(x)}."
        )
    for percent in x:
        high_group([0.0], percent)
    return tuple(sorted({float(percent) for percent in x}))


def _channels(
    layer: str,
    seen: Mapping[str, Seen],
    active: Activity,
    stimuli: TuningStimuli,
    csf: Sensitivity,
    reading: Reading,
) -> ChannelEfficacy:
    read = reading_of(reading, seen)
    rings, bars = (seen[name].response(read).T for name in ("rings", "bars"))
    frequencies = stimuli.ring_frequencies or ()
    first = frequency_sensitivity(rings, frequencies, csf)
    second = orientation_sensitivity(bars)
    normalized = perceptual_efficacy(
        frequency_sensitivity(gain_normalized(rings), frequencies, csf),
        orientation_sensitivity(gain_normalized(bars)),
    )
    return ChannelEfficacy(
        layer,
        read,
        first,
        second,
        perceptual_efficacy(first, second),
        normalized,
        active.mean,
        active.variance,
    )


def _compare(
    channels: Mapping[str, ChannelEfficacy],
    answers: Responses,
    dataset: Dataset,
    x: Sequence[float],
    how: Resampling,
    draws: int,
    seed: int,
) -> tuple[list[Row], list[Row]]:
    quality = dataset.score if dataset.higher_better else -dataset.score
    ranks = RankAgreement(quality, dataset.content, how)
    found = {
        name: set_agreements(one, answers.channels[name], ranks, x, draws=draws, seed=seed)
        for name, one in channels.items()
    }
    if len(found) > 1:
        found[MEAN_OF_LAYERS] = mean_over_layers(list(found.values()))
    rows = [row for name, one in found.items() for row in agreement_rows(name, one, ranks)]
    differences = [row for name, one in found.items() for row in difference_rows(name, one, ranks)]
    return rows, differences
