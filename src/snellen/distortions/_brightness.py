"""Brightness: curves that brighten or darken, and a shift of the mean, as in KADID-10k."""

from collections.abc import Sequence

import torch
from torch import Tensor

from snellen.distortions._colorspaces import lab_to_rgb, rgb_to_lab
from snellen.distortions._each import each_image
from snellen.distortions._strengths import checked
from snellen.distortions._type import DistortionType


def _curve(values: Tensor, middle: float) -> Tensor:
    """Follow the parabola through (0, 0), (0.5, middle) and (1, 1), clipped at 0 and 1."""
    return (values * ((2 - 4 * middle) * values + (4 * middle - 1))).clamp(0, 1)


def _brighten(batch: Tensor, amount: float, seeds: Sequence[int]) -> Tensor:
    """Lift the middle tones, two parts in RGB and one in the lightness of Lab."""
    middle = 0.5 + checked("brighten", amount, 0) / 2

    def brighten(image: Tensor, seed: int) -> Tensor:
        lab = rgb_to_lab(image)
        lightness, colors = lab[:, :1], lab[:, 1:]
        lifted = lab_to_rgb(torch.cat([_curve(lightness / 100, middle) * 100, colors], 1))
        return (2 * _curve(image, middle) + lifted) / 3

    return each_image(batch, seeds, brighten)


def _darken(batch: Tensor, amount: float, seeds: Sequence[int]) -> Tensor:
    return _curve(batch, 0.5 - checked("darken", amount, 0) / 2)


def _mean_shift(batch: Tensor, shift: float, seeds: Sequence[int]) -> Tensor:
    """Add a constant.

    Notes
    -----
    The levels are in the order of KADID-10k, where level 3 is the original; ARNIQA sorts them
    by size. The generator published with KADIS-700k finally stretches every image to its full
    range, which would undo most of a shift; that is left out here as in ARNIQA.
    """
    return (batch + checked("mean-shift", shift, -1, 1)).clamp(0, 1)


TYPES = (
    DistortionType(
        name="brighten",
        group="brightness",
        levels=(0.1, 0.2, 0.4, 0.7, 1.1),
        apply=_brighten,
        parameter="amount a: mid-grey goes to 0.5 + a/2",
        source="KADID-10k type 16",
    ),
    DistortionType(
        name="darken",
        group="brightness",
        levels=(0.05, 0.1, 0.2, 0.4, 0.8),
        apply=_darken,
        parameter="amount a: mid-grey goes to 0.5 - a/2",
        source="KADID-10k type 17",
    ),
    DistortionType(
        name="mean-shift",
        group="brightness",
        levels=(0.15, 0.08, 0, -0.08, -0.15),
        apply=_mean_shift,
        parameter="shift, image in [0, 1]",
        source="KADID-10k type 18",
        signed=True,
    ),
)
