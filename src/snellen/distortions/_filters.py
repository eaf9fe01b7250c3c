"""Linear filters whose pixels are the same in every batch and on every device.

Each tap is one product and one sum, both rounded alike everywhere. A library's convolution picks
its algorithm, and with it its last bits (on GPUs its first ones, too: TF32), by the input's shape.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from snellen.distortions._kernels import Array, gaussian_taps

Border = Literal["replicate", "constant"]


def correlate(batch: Tensor, kernel: Array, border: Border = "replicate") -> Tensor:
    """Filter images with one kernel; for the symmetric ones of this room that is convolution.

    Parameters
    ----------
    batch
        Tensor (N, C, H, W).
    kernel
        Array (K, L), both odd.
    border
        What lies outside: the nearest pixel, or 0.

    Returns
    -------
    filtered
        Tensor (N, C, H, W).
    """
    above, left = kernel.shape[0] // 2, kernel.shape[1] // 2
    padded = functional.pad(batch, (left, left, above, above), mode=border)
    height, width = batch.shape[-2:]
    total, product = torch.zeros_like(batch), torch.empty_like(batch)
    for row, column in zip(*kernel.nonzero(), strict=True):
        window = padded[..., row : row + height, column : column + width]
        total += torch.mul(window, float(kernel[row, column]), out=product)
    return total


def separable(batch: Tensor, taps: Sequence[float], border: Border = "replicate") -> Tensor:
    """Filter images along their columns, then along their rows.

    Parameters
    ----------
    batch
        Tensor (N, C, H, W).
    taps
        Weights, an odd number.
    border
        What lies outside: the nearest pixel, or 0.

    Returns
    -------
    filtered
        Tensor (N, C, H, W).
    """
    reach = len(taps) // 2
    columns = functional.pad(batch, (0, 0, reach, reach), mode=border)
    rows = functional.pad(_along(columns, taps, 2), (reach, reach, 0, 0), mode=border)
    return _along(rows, taps, 3)


def _along(padded: Tensor, taps: Sequence[float], dim: int) -> Tensor:
    size = padded.shape[dim] - len(taps) + 1
    total = torch.zeros_like(padded.narrow(dim, 0, size))
    product = torch.empty_like(total)
    for offset, tap in enumerate(taps):
        if tap:
            total += torch.mul(padded.narrow(dim, offset, size), tap, out=product)
    return total


def gaussian_blur(batch: Tensor, sigma: float) -> Tensor:
    """Blur images as MATLAB's ``imgaussfilt`` does.

    Parameters
    ----------
    batch
        Tensor (N, C, H, W).
    sigma
        In pixels; the kernel has ``2 * ceil(2 * sigma) + 1`` taps, the border is replicated.

    Returns
    -------
    blurred
        Tensor (N, C, H, W).
    """
    return separable(batch, gaussian_taps(sigma, math.ceil(2 * sigma)))


def box_blur(batch: Tensor, size: int) -> Tensor:
    """Average over squares of an odd size; the border is replicated."""
    return separable(batch, [1 / size] * size)
