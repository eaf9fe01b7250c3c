"""A network looks at gratings: what every channel of every layer answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snellen.backbones import Backbone
from snellen.errors import BackboneError
from snellen.exam._exam_run import ExamRun
from snellen.exam._tuning._tuning_stimuli import Presentation
from snellen.records import Arrays
from snellen.vision import Grating, render_gratings

Array = NDArray[np.float64]
Reading = Literal["auto", "mean", "modulation"]

READINGS: tuple[Reading, ...] = ("auto", "mean", "modulation")


@dataclass(frozen=True)
class Seen:
    """Answers of one layer to one series of gratings.

    Parameters
    ----------
    mean, variance
        (*series, C): over the positions of the map and the phases of the grating.
    f0, f1
        (*series, C): of the unit at the middle of the map, the mean over phases and the
        amplitude of the first harmonic.
    least
        Smallest feature of the layer.
    """

    mean: Array
    variance: Array
    f0: Array
    f1: Array
    least: float

    def response(self, reading: Reading) -> Array:
        """Mean, or the amplitude of a sinusoid of this variance."""
        return self.mean if reading == "mean" else np.sqrt(2 * self.variance)


@dataclass(frozen=True)
class Look:
    """How a network is looked at.

    Parameters
    ----------
    center
        Share of the height and width of every map that is averaged.
    batch
        Images at a time, at least the phases of one grating.
    """

    center: float = 1.0
    batch: int = 16

    def __post_init__(self) -> None:
        if not 0 < self.center <= 1 or self.batch < 1:
            raise BackboneError(
                f"expected 0 < center <= 1 and batch >= 1; got {self.center!r} and {self.batch!r}."
            )


def present(
    backbone: Backbone,
    layers: Sequence[str],
    series: Sequence[Presentation],
    look: Look,
    run: ExamRun,
) -> dict[str, dict[str, Seen]]:
    """Show every series of gratings to a network, once.

    Parameters
    ----------
    backbone, layers
        Network, and names of layers.
    series
        What it is shown.
    look
        How.
    run
        Keeps each finished series; told of images.

    Returns
    -------
    dict
        Answers by layer, then by name of the series.
    """
    backbone.to(run.device)
    found: dict[str, dict[str, Seen]] = {name: {} for name in layers}
    for one in series:
        arrays = _series(backbone, layers, one, look, run)
        for layer in layers:
            values = {
                key: arrays[f"{key}/{layer}"].astype(np.float64).reshape(*one.shape, -1)
                for key in ("mean", "variance", "f0", "f1")
            }
            found[layer][one.name] = Seen(**values, least=float(arrays[f"least/{layer}"]))
    return found


def reading_of(reading: Reading, seen: Mapping[str, Seen]) -> Reading:
    """Choose how responses are read: ``"auto"`` is the mean, unless features are signed."""
    if reading not in READINGS:
        raise BackboneError(f"reading: expected one of {', '.join(READINGS)}; got {reading!r}.")
    if reading != "auto":
        return reading
    return "modulation" if min(one.least for one in seen.values()) < 0 else "mean"


def _series(
    backbone: Backbone, layers: Sequence[str], one: Presentation, look: Look, run: ExamRun
) -> Arrays:
    store = run.store(_manifest(backbone, layers, one, look.center))
    measure = partial(_measure, backbone, layers, one, look, run)
    return run.once(store, [one.name], one.images, measure)


def _measure(
    backbone: Backbone, layers: Sequence[str], one: Presentation, look: Look, run: ExamRun
) -> Arrays:
    parts = list(_batches(backbone, layers, one, look, run))
    return {
        key: np.min([part[key] for part in parts])
        if key.startswith("least/")
        else np.concatenate([part[key] for part in parts])
        for key in parts[0]
    }


def _manifest(
    backbone: Backbone, layers: Sequence[str], one: Presentation, center: float
) -> dict[str, Any]:
    return {
        "version": 1,
        "backbone": backbone.manifest(),
        "layers": list(layers),
        "gratings": [repr(grating) for grating in one.gratings],
        "phases": one.phases,
        "center": center,
    }


@torch.inference_mode()
def _batches(
    backbone: Backbone, layers: Sequence[str], one: Presentation, look: Look, run: ExamRun
) -> Iterator[Arrays]:
    step = max(1, look.batch // one.phases)
    for i in range(0, len(one.gratings), step):
        chosen = one.gratings[i : i + step]
        images = _render(chosen, one.phases).to(run.device)
        yield {
            f"{key}/{layer}": values
            for layer, features in backbone.stream(images, layers)
            for key, values in _answers(features, one.phases, look.center).items()
        }
        run.done(len(images))


def _render(gratings: Sequence[Grating], phases: int) -> Tensor:
    return render_gratings(shown for grating in gratings for shown in grating.phases(phases))


def _answers(features: Tensor, phases: int, center: float) -> Arrays:
    """Sum up the maps (G * P, C, h, w) of G gratings at P phases, each (G, C)."""
    height, width = features.shape[2:]
    window = features[..., _middle(height, center), _middle(width, center)].float()
    variance, mean = torch.var_mean(window, dim=(2, 3), correction=0)
    unit = features[..., height // 2, width // 2].float()
    variance, mean, unit = (x.reshape(-1, phases, x.shape[1]) for x in (variance, mean, unit))
    # Over phases and positions together: the mean of variances and the variance of means.
    pooled = variance.mean(1) + mean.var(1, correction=0)
    harmonics = torch.fft.fft(unit, dim=1)
    f1 = 2 * harmonics[:, 1].abs() / phases if phases > 2 else torch.zeros_like(pooled)
    sums = {"mean": mean.mean(1), "variance": pooled, "f0": unit.mean(1), "f1": f1}
    arrays: Arrays = {key: value.cpu().numpy() for key, value in sums.items()}
    return arrays | {"least": features.min().float().cpu().numpy()}


def _middle(length: int, share: float) -> slice:
    count = max(1, round(share * length))
    start = (length - count) // 2
    return slice(start, start + count)
