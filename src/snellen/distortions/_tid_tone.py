"""Tone, colour and blur of TID2013, pixel by pixel as its published images have them."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from snellen.distortions._color import quantize_colors
from snellen.distortions._colorspaces import STUDIO, channels, inverse, mix
from snellen.distortions._each import each_image
from snellen.distortions._eight_bit import from_values, to_values
from snellen.distortions._filters import separable
from snellen.distortions._kernels import gaussian_taps
from snellen.distortions._strengths import checked
from snellen.distortions._type import DistortionType

_STUDIO_255000 = [[round(weight * 255000) for weight in row] for row in STUDIO]


def _quantization(batch: Tensor, step: float, seeds: Sequence[int]) -> Tensor:
    checked("tid-quantization", step, 1)
    return from_values((to_values(batch) / step).round() * step)


def _gaussian_blur(batch: Tensor, sigma: float, seeds: Sequence[int]) -> Tensor:
    """Blur with a kernel of 11 taps; black lies outside the image, as for MATLAB's ``imfilter``."""
    taps = gaussian_taps(checked("tid-gaussian-blur", sigma, 0), 5)
    return from_values(separable(to_values(batch), taps, "constant"))


def _mean_shift(batch: Tensor, shift: float, seeds: Sequence[int]) -> Tensor:
    return from_values(to_values(batch) + checked("tid-mean-shift", shift, -255, 255))


def _contrast(batch: Tensor, factor: float, seeds: Sequence[int]) -> Tensor:
    """Scale the distance from the mean over all pixels and channels."""
    checked("tid-contrast", factor, 0)

    def scale(image: Tensor, seed: int) -> Tensor:
        values = to_values(image)
        mean = values.sum() / values.numel()
        return from_values((values - mean) * factor + mean)

    return each_image(batch, seeds, scale)


def _saturation(batch: Tensor, factor: float, seeds: Sequence[int]) -> Tensor:
    """Scale Cb and Cr of 8 bits (MATLAB's ``rgb2ycbcr`` and back)."""
    values = to_values(batch)
    offset = channels((16, 128, 128), values)
    # Whole numbers until the division: halves, which are to be rounded up, come out exactly.
    ycbcr = _rounded(mix(values, _STUDIO_255000) / 255000 + offset)
    chroma = _rounded(128 + factor * (ycbcr[:, 1:] - 128))
    changed = torch.cat([ycbcr[:, :1], chroma], 1)
    return from_values(mix(changed - offset, inverse(STUDIO)))


def _rounded(values: Tensor) -> Tensor:
    return torch.floor(values + 0.5).clamp(0, 255)


def _color_quantization(batch: Tensor, colors: float, seeds: Sequence[int]) -> Tensor:
    checked("tid-color-quantization-dither", colors, 2, 256, whole=True)
    return quantize_colors(batch, int(colors))


def _chromatic_aberration(batch: Tensor, shift: float, seeds: Sequence[int]) -> Tensor:
    """Shift red to the right and blue to the left, interpolated linearly."""
    checked("tid-chromatic-aberration", shift, 0)
    values = to_values(batch)
    red, blue = _shifted(values[:, :1], shift, -1), _shifted(values[:, 2:], shift, 1)
    return from_values(torch.cat([red, values[:, 1:2], blue], 1))


def _shifted(values: Tensor, shift: float, side: int) -> Tensor:
    """Fetch each pixel from `shift` pixels to the left (-1) or to the right (1)."""
    whole = math.floor(shift)
    part = shift - whole
    columns = torch.arange(values.shape[3], device=values.device)
    near, far = (
        values[..., (columns + side * distance).clamp(0, len(columns) - 1)]
        for distance in (whole, whole + 1)
    )
    return near * (1 - part) + far * part


TYPES = (
    DistortionType(
        name="tid-quantization",
        group="spatial",
        levels=(19, 27, 39, 55, 76),
        apply=_quantization,
        parameter="step in 8-bit values",
        source="TID2013 type 7",
    ),
    DistortionType(
        name="tid-gaussian-blur",
        group="blur",
        levels=(0.5, 0.65, 1, 1.7, 4),
        apply=_gaussian_blur,
        parameter="sigma in pixels",
        source="TID2013 type 8",
    ),
    DistortionType(
        name="tid-mean-shift",
        group="brightness",
        levels=(-6, 10, -20, 30, -40),
        apply=_mean_shift,
        parameter="shift in 8-bit values",
        source="TID2013 type 16",
        signed=True,
    ),
    DistortionType(
        name="tid-contrast",
        group="sharpness-contrast",
        levels=(0.9, 1.2, 0.75, 1.45, 0.5),
        apply=_contrast,
        parameter="factor of the contrast",
        source="TID2013 type 17",
        signed=True,
    ),
    DistortionType(
        name="tid-saturation",
        group="color",
        levels=(0.709, 0.586, 0.414, 0.173, -0.17),
        apply=_saturation,
        parameter="factor of Cb and Cr",
        source="TID2013 type 18, medians over its images",
    ),
    DistortionType(
        name="tid-color-quantization-dither",
        group="color",
        levels=(174, 58, 20, 9, 4),
        apply=_color_quantization,
        parameter="number of colours",
        source="ours, after TID2013 type 22",
    ),
    DistortionType(
        name="tid-chromatic-aberration",
        group="color",
        levels=(0.444, 0.792, 1.36, 1.86, 4.37),
        apply=_chromatic_aberration,
        parameter="shift of red and of blue in pixels",
        source="TID2013 type 23; shifts fitted to its published PSNR",
    ),
)
