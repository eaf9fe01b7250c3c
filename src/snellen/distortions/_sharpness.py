"""Sharpness and contrast: oversharpening and tone curves."""

from collections.abc import Sequence

import torch
from torch import Tensor

from snellen.distortions._colorspaces import lab_to_rgb, rgb_to_lab
from snellen.distortions._each import each_image
from snellen.distortions._filters import gaussian_blur
from snellen.distortions._strengths import checked
from snellen.distortions._type import DistortionType


def _sharpen(batch: Tensor, amount: float, seeds: Sequence[int]) -> Tensor:
    """Subtract a blurred lightness.

    Notes
    -----
    MATLAB's ``imsharpen`` with radius 3, which KADID-10k uses: unsharp masking of the L of Lab
    with a Gaussian of sigma 3. ARNIQA's port has sigma 6, and red and blue exchanged.
    """
    checked("sharpen", amount, 0)

    def sharpen(image: Tensor, seed: int) -> Tensor:
        lab = rgb_to_lab(image)
        lightness, colors = lab[:, :1], lab[:, 1:]
        sharp = lightness + (lightness - gaussian_blur(lightness, 3)) * amount
        return lab_to_rgb(torch.cat([sharp, colors], 1))

    return each_image(batch, seeds, sharpen)


def _contrast(batch: Tensor, amount: float, seeds: Sequence[int]) -> Tensor:
    """Bend the tones into an S, upright or lying.

    Notes
    -----
    KADID-10k draws MATLAB's spline through (0, 0), (0.3, 0.25 - a/4), (0.5, 0.5),
    (0.7, 0.75 + a/4) and (1, 1). These five points are symmetric about the third, and one odd
    cubic passes through all of them: it is that spline. Level 3 is close to the original.
    """
    cubic = -(0.125 + 0.625 * checked("contrast", amount, -1, 1)) / 0.105
    from_middle = batch - 0.5
    bent = from_middle * (1 - 0.25 * cubic + cubic * from_middle.square())
    return (bent + 0.5).clamp(0, 1)


def _contrast_compression(batch: Tensor, half_range: float, seeds: Sequence[int]) -> Tensor:
    """Compress all tones linearly around mid-grey.

    Notes
    -----
    ARNIQA calls this a non-linear contrast change; it is linear.
    """
    checked("contrast-compression", half_range, 0, 0.5)
    return 0.5 + (batch - 0.5) * (2 * half_range)


def _gamma_contrast(batch: Tensor, exponent: float, seeds: Sequence[int]) -> Tensor:
    checked("gamma-contrast", exponent, 0)
    return each_image(batch, seeds, lambda image, _: (image.double() ** exponent).float())


TYPES = (
    DistortionType(
        name="sharpen",
        group="sharpness-contrast",
        levels=(1, 2, 3, 6, 12),
        apply=_sharpen,
        parameter="amount of the unsharp mask",
        source="KADID-10k type 24",
    ),
    DistortionType(
        name="contrast",
        group="sharpness-contrast",
        levels=(0.3, 0.15, 0, -0.4, -0.6),
        apply=_contrast,
        parameter="amount a: tones 0.3 and 0.7 go to 0.25 - a/4 and 0.75 + a/4",
        source="KADID-10k type 25",
        signed=True,
    ),
    DistortionType(
        name="contrast-compression",
        group="sharpness-contrast",
        levels=(0.4, 0.3, 0.2, 0.1, 0.05),
        apply=_contrast_compression,
        parameter="half the range that remains around mid-grey",
        source="ARNIQA, non-linear contrast change",
    ),
    DistortionType(
        name="gamma-contrast",
        group="sharpness-contrast",
        levels=(1.2, 1.5, 2, 2.7, 3.6),
        apply=_gamma_contrast,
        parameter="exponent of the tone curve",
        source="ours",
    ),
)
