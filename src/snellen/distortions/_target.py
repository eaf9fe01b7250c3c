"""Searching for the damage that gives a wanted peak signal-to-noise ratio.

TID2013 set most of its types, image by image, to about 33, 30, 27, 24 and 21 dB.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

TID_DECIBELS = (33.0, 30.0, 27.0, 24.0, 21.0)
"""PSNR of TID2013's five levels."""

_MOST_TRIALS = 24


def psnr(distorted: Image.Image, reference: Image.Image) -> float:
    """Return the peak signal-to-noise ratio over R, G and B of two 8-bit images, in dB."""
    difference = np.asarray(distorted, np.float64) - np.asarray(reference, np.float64)
    error = float(np.square(difference).mean())
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


@dataclass(frozen=True)
class Trial:
    """An amount of damage, what it made of the image, and how good that is."""

    amount: float
    image: Image.Image
    decibels: float


def nearest_psnr(
    damage: Callable[[float], Image.Image],
    reference: Image.Image,
    decibels: float,
    bounds: tuple[float, float],
    *,
    whole: bool = False,
    tolerance: float = 0.1,
) -> tuple[Trial, Trial | None]:
    """Find by bisection of its logarithm the amount of damage that gives a wanted PSNR.

    Parameters
    ----------
    damage
        Amount -> damaged image; more damage means a lower PSNR, at least by and large.
    reference
        What to compare with.
    decibels
        The PSNR wanted.
    bounds
        Least and largest amount, both positive.
    whole
        Amounts are whole numbers.
    tolerance
        Stop this near, in dB.

    Returns
    -------
    nearest
        The nearest of all that were tried.
    beyond
        The least amount tried that was too much; None if none was.
    """

    def attempt(amount: float) -> Trial:
        image = damage(amount)
        return Trial(amount, image, psnr(image, reference))

    trials = [attempt(bounds[0])]
    low, high = bounds
    for _ in range(_MOST_TRIALS):
        amount = math.sqrt(low * high)
        amount = float(round(amount)) if whole else amount
        if abs(trials[-1].decibels - decibels) <= tolerance or amount in (low, high):
            break
        trials.append(attempt(amount))
        low, high = (amount, high) if trials[-1].decibels > decibels else (low, amount)
    if whole and high == bounds[1]:
        trials.append(attempt(high))
    nearest = min(trials, key=lambda trial: abs(trial.decibels - decibels))
    beyond = [trial for trial in trials if trial.decibels < decibels]
    return nearest, min(beyond, key=lambda trial: trial.amount, default=None)
