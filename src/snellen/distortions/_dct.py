"""Cosine transforms of blocks: shrinkage of small coefficients, the classical denoiser."""

import functools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

BLOCK = 8


def hard_threshold(image: Tensor, threshold: float, step: int = 2) -> Tensor:
    """Denoise by the sliding cosine transform.

    Every block of 8 by 8 pixels, taken every `step` pixels, loses the coefficients below the
    threshold, except its mean; overlapping blocks are averaged.

    Parameters
    ----------
    image
        Tensor (1, C, H, W).
    threshold
        On the scale of the image; about three times the deviation of the noise.
    step
        1, 2, 4 or 8; the blocks of 8 do not overlap.

    Returns
    -------
    denoised
        Tensor (1, C, H, W).

    Notes
    -----
    Yaroslavsky's local transform filtering; with it the makers of TID2013 denoise, too
    (Lukin et al., "Image filtering based on discrete cosine transform", 2007).
    """
    height, width = image.shape[-2:]
    padded = _continued(_continued(image, BLOCK, 2), BLOCK, 3)
    total = torch.zeros_like(image)
    shifts = range(0, BLOCK, step)
    for down in shifts:
        for right in shifts:
            window = _whole_blocks(padded[..., down:, right:])
            shrunk = _in_blocks(window, lambda c: _shrink(c, threshold))
            above, left = BLOCK - down, BLOCK - right
            total += shrunk[..., above : above + height, left : left + width]
    return total / len(shifts) ** 2


def in_blocks(image: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Change an image in the cosine domain of its blocks.

    Parameters
    ----------
    image
        Tensor (1, C, H, W); sides that are no multiple of 8 are continued for the transform.
    change
        Coefficients (1, C, rows, columns, 64), the mean of the block first -> coefficients.

    Returns
    -------
    changed
        Tensor (1, C, H, W).
    """
    height, width = image.shape[-2:]
    padded = _continued(_continued(image, 0, 2), 0, 3)
    return _in_blocks(padded, change)[..., :height, :width]


def _continued(image: Tensor, margin: int, dim: int) -> Tensor:
    """Mirror an image by a margin on both sides, and to whole blocks."""
    size = image.shape[dim]
    places = torch.arange(-margin, size + margin + -size % BLOCK, device=image.device)
    places = places % (2 * size)
    return image.index_select(dim, torch.where(places < size, places, 2 * size - 1 - places))


def _whole_blocks(image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    return image[..., : height - height % BLOCK, : width - width % BLOCK]


def _in_blocks(image: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    basis = _basis().to(image)
    count, channels, height, width = image.shape
    grid = (count, channels, height // BLOCK, width // BLOCK)
    blocks = image.reshape(*grid[:3], BLOCK, grid[3], BLOCK).transpose(3, 4)
    changed = change(blocks.flatten(4) @ basis.T) @ basis
    return changed.reshape(*grid, BLOCK, BLOCK).transpose(3, 4).reshape(image.shape)


@functools.cache
def _basis() -> Tensor:
    """Rows: the 64 cosine patterns of a block, the constant one first."""
    from scipy.fft import dct

    waves = dct(np.eye(BLOCK), axis=0, norm="ortho")
    return torch.from_numpy(np.kron(waves, waves))


def _shrink(coefficients: Tensor, threshold: float) -> Tensor:
    kept = coefficients.abs() >= threshold
    kept[..., 0] = True
    return coefficients * kept
