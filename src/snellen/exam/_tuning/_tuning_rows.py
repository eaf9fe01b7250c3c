"""From answers to gratings to a row per channel."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snellen.exam._tuning._contrast_response import fit_contrast_response
from snellen.exam._tuning._perceptual_efficacy import (
    Array,
    Sensitivity,
    frequency_sensitivity,
    orientation_sensitivity,
    perceptual_efficacy,
)
from snellen.exam._tuning._presentations import Reading, Seen, reading_of
from snellen.exam._tuning._tuning_measures import (
    circular_variance,
    find_peak,
    orientation_selectivity,
    phase_modulation,
)
from snellen.exam._tuning._tuning_stimuli import TuningStimuli
from snellen.records import Row

_SAME = 1e-6


@dataclass(frozen=True)
class TuningCurves:
    """Curves of all channels of one layer.

    Parameters
    ----------
    layer
        Name of the layer.
    reading
        ``"mean"`` of the activation map, or its ``"modulation"``.
    blank
        (C,), response to the uniform field; not taken off any curve but those that say so.
    rings
        (C, R), over `ring_frequencies`.
    bars
        (C, B), over orientations from -90 to 90 degrees.
    frequency
        (C, F), over `frequencies` at the preferred one of the grid's orientations, less blank.
    orientation
        (C, O), over `orientations` at the preferred one of the grid's frequencies, less blank.
    contrast
        (C, K), over `contrasts` at the preferred frequency and orientation, less blank.
    color
        (C, 3), strongest response to each colour, less blank.
    """

    layer: str
    reading: Reading
    blank: Array
    rings: Array
    bars: Array
    frequency: Array
    orientation: Array
    contrast: Array
    color: Array


def efficacy_of(
    seen: Mapping[str, Seen], stimuli: TuningStimuli, csf: Sensitivity, reading: Reading
) -> tuple[Array, Array, Array]:
    """Return mu1, mu2 and PE of every channel of a layer."""
    read = reading_of(reading, seen)
    first = frequency_sensitivity(
        seen["rings"].response(read).T, stimuli.ring_frequencies or (), csf
    )
    second = orientation_sensitivity(seen["bars"].response(read).T)
    return first, second, perceptual_efficacy(first, second)


def curves_of(
    layer: str, seen: Mapping[str, Seen], reading: Reading
) -> tuple[TuningCurves, NDArray[np.bool_], Array]:
    """Take the curves of a layer, which of its channels are dead, and their phase modulation."""
    read = reading_of(reading, seen)
    answers = {name: one.response(read) for name, one in seen.items()}
    blank = answers["blank"][0]
    grid = answers["grid"] - blank
    each = np.arange(grid.shape[-1])
    f, o = np.unravel_index(grid.reshape(-1, len(each)).argmax(0), grid.shape[:2])
    series = answers["contrast"] - blank
    at = series[-1].reshape(-1, len(each)).argmax(0)
    curves = TuningCurves(
        layer,
        read,
        blank,
        answers["rings"].T,
        answers["bars"].T,
        grid[:, o, each].T,
        grid[f, :, each],
        series.reshape(len(series), -1, len(each))[:, at, each].T,
        (answers["color"] - blank).max((1, 2)).T,
    )
    f0 = seen["grid"].f0[f, o, each] - seen["blank"].f0[0]
    return curves, _dead(answers), phase_modulation(f0, seen["grid"].f1[f, o, each])


def _dead(answers: Mapping[str, Array]) -> NDArray[np.bool_]:
    channels = next(iter(answers.values())).shape[-1]
    everything = np.concatenate([one.reshape(-1, channels) for one in answers.values()])
    return np.asarray(np.ptp(everything, axis=0) <= _SAME * np.abs(everything).max())


def rows_of(
    curves: TuningCurves,
    dead: NDArray[np.bool_],
    modulation: Array,
    efficacy: tuple[Array, Array, Array],
    stimuli: TuningStimuli,
) -> Iterator[Row]:
    """Yield what every channel of a layer is tuned to; NaN for what it does not show."""
    measured = (
        _frequency_columns(curves, stimuli)
        | _orientation_columns(curves, stimuli)
        | {"phase_modulation": modulation}
        | _contrast_columns(curves, stimuli)
        | _color_columns(curves, stimuli)
    )
    mu1, mu2, pe = efficacy
    for c in range(len(dead)):
        row: Row = {
            "layer": curves.layer,
            "channel": c,
            "reading": curves.reading,
            "dead": bool(dead[c]),
            "blank": float(curves.blank[c]),
        }
        for name, values in measured.items():
            if values.dtype.kind == "U":
                row[name] = "none" if dead[c] else str(values[c])
            else:
                row[name] = float("nan") if dead[c] else float(values[c])
        yield row | {"mu1": float(mu1[c]), "mu2": float(mu2[c]), "efficacy": float(pe[c])}


def _frequency_columns(curves: TuningCurves, stimuli: TuningStimuli) -> dict[str, Array]:
    peak = find_peak(curves.frequency, np.log2(stimuli.frequencies or ()))
    rings = find_peak(curves.rings - curves.blank[:, None], np.log2(stimuli.ring_frequencies or ()))
    return {
        "response": peak.height,
        "preferred_frequency": 2**peak.position,
        "frequency_low": 2**peak.low,
        "frequency_high": 2**peak.high,
        "bandwidth_octaves": peak.width,
        "ring_frequency": 2**rings.position,
    }


def _orientation_columns(curves: TuningCurves, stimuli: TuningStimuli) -> dict[str, Array]:
    peak = find_peak(curves.orientation, stimuli.orientations, period=180)
    return {
        "preferred_orientation": peak.position,
        "orientation_half_width": peak.width / 2,
        "circular_variance": circular_variance(curves.orientation, stimuli.orientations),
        "osi": orientation_selectivity(curves.orientation, stimuli.orientations),
    }


def _contrast_columns(curves: TuningCurves, stimuli: TuningStimuli) -> dict[str, Array]:
    fit = fit_contrast_response(curves.contrast, stimuli.contrasts)
    return {
        "contrast_exponent": fit.exponent,
        "contrast_c50": fit.c50,
        "contrast_half": fit.half,
        "contrast_explained": fit.explained,
    }


def _color_columns(curves: TuningCurves, stimuli: TuningStimuli) -> dict[str, NDArray[Any]]:
    strongest = curves.color.clip(0)
    names = np.array(stimuli.colors)
    columns: dict[str, NDArray[Any]] = {
        f"response_{name.replace('-', '_')}": strongest[:, i] for i, name in enumerate(names)
    }
    chosen = np.where(strongest.max(1) > 0, names[strongest.argmax(1)], "none")
    grey = names == "achromatic"
    if not grey.any() or grey.all():
        return columns | {"color_preference": chosen}
    chromatic = strongest[:, ~grey].max(1)
    total = chromatic + strongest[:, grey][:, 0]
    opponency = np.where(total > 0, chromatic / np.where(total > 0, total, 1), np.nan)
    return columns | {"color_preference": chosen, "color_opponency": opponency}
