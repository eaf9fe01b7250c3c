"""Psychophysics on a metric: what it detects, as people are asked what they see.

A grating on a uniform grey is shown to a full-reference metric, with the uniform grey as the
reference. Its *threshold* is the smallest contrast at which the distance, averaged over phases,
reaches a criterion: one distance for all frequencies, orientations and colours.

By default the criterion is the distance at the *anchor*: the frequency at which people see best,
at `multiple` times the contrast that they just see. Sensitivity is `multiple` over the threshold,
so that the metric and people agree at the anchor by construction, and the rest of the curve is the
metric's own. The multiple is 10 by default: at the threshold of people itself, a quarter of a step
of 8-bit code values, some metrics (SSIM) drown in the rounding of single precision, and no 8-bit
image shows it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from snellen.errors import MetricError
from snellen.exam._psychophysics._metric_csf import MetricCSF
from snellen.exam._psychophysics._observer import Observer, as_metric, find_criterion
from snellen.exam._psychophysics._threshold_search import Crossing
from snellen.metrics import Metric
from snellen.records import Row
from snellen.vision import COLORS, HUMAN_CSF, Grating, find_csf

Progress = Callable[[int], None]

DEFAULT_FREQUENCIES = tuple(0.5 * 2 ** (k / 2) for k in range(12))
"""Half-octave steps from 0.5 to 22.6 cycles per degree."""


def metric_csf(
    metric: Metric | str,
    frequencies: Sequence[float] = DEFAULT_FREQUENCIES,
    orientations: Sequence[float | None] = (0.0,),
    *,
    colors: Sequence[str] = ("achromatic",),
    stimulus: Grating | None = None,
    phases: int = 4,
    criterion: float | None = None,
    multiple: float = 10.0,
    human: str = "measured",
    luminance: float = 100.0,
    progress: Progress | None = None,
) -> MetricCSF:
    """Measure the contrast sensitivity of a metric.

    Parameters
    ----------
    metric
        A full-reference metric, or its name.
    frequencies
        Cycles per degree.
    orientations
        Directions of the wave vector in degrees; None: concentric rings.
    colors
        Of ``"achromatic"``, ``"red-green"`` and ``"blue-yellow"``.
    stimulus
        Everything else about the gratings: mean, encoding, envelope, size and viewing geometry.
        Its own frequency, orientation, color and contrast do not matter.
    phases
        Number of phases over which distances are averaged.
    criterion
        The distance to be reached; None: that at the anchor. A metric of which higher is better
        is taken with its sign changed.
    multiple
        Contrast of the anchor over the human threshold; with a criterion of your own, 1 is usual.
    human
        Curve of people that sets the anchor and stands beside the metric's: ``"measured"`` or
        ``"barten"``. Chromatic rows always stand beside the measured curve.
    luminance
        Of the grey, in cd/m2, for the human curve.
    progress
        Called with the number of conditions done.

    Returns
    -------
    MetricCSF
        Thresholds and sensitivities, one row a condition.

    Raises
    ------
    MetricError
        A list is empty, or the human curve has no thresholds.
    ImageError
        A grating cannot be drawn.

    Warns
    -----
    AliasingWarning
        A frequency lies above what the pixels hold.

    Examples
    --------
    >>> found = metric_csf("psnr", [2.0, 8.0], stimulus=Grating(4.0, size=60), phases=1)
    >>> [row["status"] for row in found.rows]
    ['found', 'found']
    """
    if not (frequencies and orientations and colors):
        raise MetricError(
            "metric_csf: expected at least one frequency, orientation and color; got "
            f"{len(frequencies)}, {len(orientations)} and {len(colors)}."
        )
    template = stimulus or Grating(4.0)
    observer = Observer(as_metric(metric), phases)
    anchor, level = find_criterion(observer, template, criterion, multiple, human, luminance)
    rows = []
    for target in _conditions(template, frequencies, orientations, colors):
        crossing = observer.threshold(target, level)
        rows.append(_row(target, crossing, multiple, human, luminance))
        if progress is not None:
            progress(1)
    return MetricCSF(observer.metric, rows, level, anchor, multiple, phases, human, luminance)


def _conditions(
    template: Grating,
    frequencies: Sequence[float],
    orientations: Sequence[float | None],
    colors: Sequence[str],
) -> Iterator[Grating]:
    for color in colors:
        if color not in COLORS:
            raise MetricError(f"color must be one of {', '.join(COLORS)}; got {color!r}.")
        for orientation in orientations:
            for f in frequencies:
                yield replace(
                    template,
                    frequency=f,
                    orientation=orientation,
                    color=color,
                    contrast=0.0,
                )


def _row(target: Grating, crossing: Crossing, multiple: float, human: str, luminance: float) -> Row:
    contrasts: dict[str, float | None] = {"code": None, "luminance": None, "cones": None}
    if crossing.contrast is not None:
        contrasts.update(replace(target, contrast=crossing.contrast).contrasts())
    cones = contrasts["cones"]
    return {
        "color": target.color,
        "orientation": target.orientation,
        "frequency": target.frequency,
        "threshold": crossing.contrast,
        **{f"threshold_{unit}": value for unit, value in contrasts.items()},
        "sensitivity": None if cones is None else multiple / cones,
        "human_sensitivity": _human(target, human, luminance),
        "status": crossing.status,
        "monotone": crossing.monotone,
    }


def _human(target: Grating, human: str, luminance: float) -> float:
    if target.color == "achromatic":
        curve = find_csf(human)
        return float(curve(target.frequency, luminance=luminance, area=target.area))
    return float(
        HUMAN_CSF.sensitivity(target.frequency, target.color, luminance=luminance, area=target.area)
    )
