"""Colour spaces on tensors: CIE Lab, the YCbCr of television and of JPEG, and grey."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

Matrix = Sequence[Sequence[float]]

# sRGB to XYZ and the white point D65 for the 2-degree observer, as in MATLAB and scikit-image.
_RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_WHITE = (0.95047, 1.0, 1.08883)
_KNEE = 6 / 29

# Rec. 601 with head and foot room: Y in [16, 235], Cb and Cr in [16, 240], over 255.
STUDIO = (
    (65.481 / 255, 128.553 / 255, 24.966 / 255),
    (-37.797 / 255, -74.203 / 255, 112.0 / 255),
    (112.0 / 255, -93.786 / 255, -18.214 / 255),
)
STUDIO_OFFSET = (16 / 255, 128 / 255, 128 / 255)

# Rec. 601 over the full range, the YCbCr of JPEG; without its offset of 1/2.
FULL = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)


def inverse(matrix: Matrix) -> Matrix:
    """Invert a colour matrix."""
    inverted: list[list[float]] = np.linalg.inv(np.array(matrix)).tolist()
    return inverted


def mix(batch: Tensor, matrix: Matrix) -> Tensor:
    """Multiply every pixel by a matrix, one product and one sum at a time.

    Parameters
    ----------
    batch
        Tensor (N, 3, H, W).
    matrix
        3 by 3: a row per channel of the result.

    Returns
    -------
    mixed
        Tensor (N, 3, H, W).
    """
    first, second, third = batch.unbind(1)
    return torch.stack([first * a + second * b + third * c for a, b, c in matrix], 1)


def channels(values: Sequence[float], batch: Tensor) -> Tensor:
    """Lay out one value per channel so that it broadcasts over a batch."""
    return torch.tensor(values, dtype=batch.dtype, device=batch.device).view(1, -1, 1, 1)


def rgb_to_lab(batch: Tensor) -> Tensor:
    """Turn sRGB into CIE Lab.

    Parameters
    ----------
    batch
        Tensor (N, 3, H, W) in [0, 1].

    Returns
    -------
    lab
        Tensor (N, 3, H, W), float64: L from 0 to 100, a and b in the same unit.
    """
    encoded = batch.double()
    linear = torch.where(
        encoded > 0.04045, ((encoded + 0.055) / 1.055).clamp(min=0) ** 2.4, encoded / 12.92
    )
    ratios = mix(linear, _RGB_TO_XYZ) / channels(_WHITE, linear)
    x, y, z = torch.where(
        ratios > _KNEE**3, ratios ** (1 / 3), ratios / (3 * _KNEE**2) + 4 / 29
    ).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Turn CIE Lab into sRGB; colours that sRGB lacks are clipped, channel by channel.

    Parameters
    ----------
    lab
        Tensor (N, 3, H, W), float64.

    Returns
    -------
    batch
        Tensor (N, 3, H, W), float32, in [0, 1].
    """
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    roots = torch.stack([y + a / 500, y, y - b / 200], 1)
    ratios = torch.where(roots > _KNEE, roots**3, 3 * _KNEE**2 * (roots - 4 / 29))
    linear = mix(ratios * channels(_WHITE, lab), inverse(_RGB_TO_XYZ)).clamp(0, 1)
    encoded = torch.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, linear * 12.92)
    return encoded.clamp(0, 1).float()
