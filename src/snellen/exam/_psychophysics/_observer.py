"""A metric that is asked what it sees, and the contrast at which it is asked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from snellen.errors import ImageError, MetricError
from snellen.exam._psychophysics._threshold_search import Array, Crossing, find_crossing
from snellen.metrics import Metric, create_metric
from snellen.vision import Grating, find_csf

LOWEST_CONTRAST = 1e-4
"""Least contrast that is shown: single precision resolves it to a thousandth."""

# Images that a metric is given at once: more cost memory and gain no time.
_BATCH = 8


@dataclass(frozen=True)
class Observer:
    """A metric that is asked whether it sees a grating.

    Parameters
    ----------
    metric
        Any full-reference metric.
    phases
        Number of phases over which distances are averaged.
    """

    metric: Metric
    phases: int = 4

    def distance(self, target: Grating, contrasts: Sequence[float], mask: Grating | None) -> Array:
        """Return the distance of a target from its background, for each contrast.

        Parameters
        ----------
        target
            The grating that is to be seen.
        contrasts
            Of the target.
        mask
            A grating that stays in the background, in step with the target's phases; None: the
            background is uniform.

        Returns
        -------
        numpy.ndarray
            One distance a contrast: larger = further, whatever the direction of the metric.
        """
        values = np.zeros((self.phases, len(contrasts)))
        for k in range(self.phases):
            shift = 360 * k / self.phases
            wave = _shifted(target, shift).wave()
            ground = np.zeros_like(wave)
            if mask is not None:
                ground = mask.contrast * _shifted(mask, shift).wave()
            reference = self.metric.prepare(target.show(ground)[None])
            for start in range(0, len(contrasts), _BATCH):
                chosen = contrasts[start : start + _BATCH]
                images = torch.stack([target.show(ground + c * wave) for c in chosen])
                scores = self.metric(images, reference)
                values[k, start : start + _BATCH] = scores.double().cpu().numpy()
        sign = 1 if self.metric.lower_better else -1
        return np.asarray(sign * values.mean(axis=0))

    def threshold(self, target: Grating, criterion: float, mask: Grating | None = None) -> Crossing:
        """Find the smallest contrast of a target at which its distance reaches a criterion."""
        target.warn_of_aliasing()
        free = target.largest_contrast - (0.0 if mask is None else mask.contrast)
        if free <= LOWEST_CONTRAST:
            raise ImageError(
                f"a mask of contrast {0.0 if mask is None else mask.contrast:g} about mean "
                f"{target.mean:g} leaves no room for a target; use masks below "
                f"{target.largest_contrast:.4g}."
            )
        return find_crossing(
            lambda contrasts: self.distance(target, contrasts, mask),
            criterion,
            LOWEST_CONTRAST,
            free,
        )


def _shifted(grating: Grating, degrees: float) -> Grating:
    return replace(grating, phase=grating.phase + degrees)


def as_metric(metric: Metric | str) -> Metric:
    """Make a metric of its name; a metric stays what it is."""
    return create_metric(metric) if isinstance(metric, str) else metric


def anchor_grating(
    stimulus: Grating, multiple: float = 1.0, human: str = "measured", luminance: float = 100.0
) -> Grating:
    """Return the grating that people just see, or a multiple of it, where they see best.

    Parameters
    ----------
    stimulus
        Everything but its frequency, contrast and colour, which is achromatic.
    multiple
        Contrast over the human threshold.
    human
        ``"measured"`` or ``"barten"``.
    luminance
        Of the grey, in cd/m2.

    Returns
    -------
    Grating
        Its contrast of luminance is the human threshold times the multiple.

    Raises
    ------
    MetricError
        The curve is relative: a shape without thresholds.
    """
    curve = find_csf(human)
    if curve.relative:
        raise MetricError(
            f"the curve {human!r} is a shape without thresholds; give a criterion, or use "
            "'measured' or 'barten'."
        )
    octaves = np.geomspace(0.25, min(32.0, stimulus.viewing.nyquist), 200)
    sensitivity = curve(octaves, luminance=luminance, area=stimulus.area)
    best = int(sensitivity.argmax())
    grating = replace(stimulus, frequency=float(octaves[best]), color="achromatic")
    return at_luminance_contrast(grating, multiple / float(sensitivity[best]))


def at_luminance_contrast(grating: Grating, contrast: float) -> Grating:
    """Return an achromatic grating with a stated Michelson contrast of luminance.

    Parameters
    ----------
    grating
        Everything else about it.
    contrast
        Michelson contrast of luminance.

    Returns
    -------
    Grating
        Its own contrast is that in its encoding.

    Raises
    ------
    MetricError
        No contrast about this mean reaches it.
    """
    from scipy.optimize import brentq

    def gap(log_contrast: float) -> float:
        shown = replace(grating, contrast=math.exp(log_contrast))
        return shown.contrasts()["luminance"] - contrast

    low, high = math.log(contrast) - 3, math.log(grating.largest_contrast)
    if contrast <= 0 or gap(high) < 0:
        raise MetricError(
            f"a luminance contrast of {contrast:g} about mean {grating.mean:g} cannot be shown."
        )
    return replace(grating, contrast=math.exp(brentq(gap, low, high, xtol=1e-9)))


def find_criterion(
    observer: Observer,
    template: Grating,
    criterion: float | None,
    multiple: float,
    human: str,
    luminance: float,
) -> tuple[Grating | None, float]:
    """Return the anchor, if the criterion is not given, and the distance to be reached."""
    if criterion is not None:
        return None, criterion
    anchor = anchor_grating(template, multiple, human, luminance)
    return anchor, float(observer.distance(anchor, [anchor.contrast], None)[0])
