"""Structure in TID2013: denoising, moved patches, damaged blocks, lost samples."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from snellen.distortions._dct import hard_threshold
from snellen.distortions._each import each_image
from snellen.distortions._eight_bit import from_values, to_values
from snellen.distortions._filters import separable
from snellen.distortions._kernels import gaussian_taps
from snellen.distortions._random import generator, normal
from snellen.distortions._spatial import move_patches
from snellen.distortions._strengths import checked
from snellen.distortions._type import DistortionType

_BLOCK = 32
# TID2013 keeps the error of all blocks together the same (24 to 25 dB at 512 x 384), so that
# fewer blocks stand out more: one block differs by this much, n blocks by its share of sqrt(n).
_BLOCK_CONTRAST = 210.0
_THRESHOLDS = (50.0, 30.0, 18.0, 11.0, 7.0, 4.0)


def _denoise(batch: Tensor, deviation: float, seeds: Sequence[int]) -> Tensor:
    """Add white noise, then take it away by the sliding cosine transform."""
    checked("tid-denoise", deviation, 0)
    noise = normal(batch, seeds, "tid-denoise") * deviation
    noisy = (to_values(batch).float() + noise).clamp(0, 255)
    return from_values(each_image(noisy, seeds, lambda x, _: hard_threshold(x, 3 * deviation)))


def _non_eccentricity_patch(batch: Tensor, count: float, seeds: Sequence[int]) -> Tensor:
    checked("tid-non-eccentricity-patch", count, 0, whole=True)
    moved = move_patches(batch, int(count), 15, seeds, "tid-non-eccentricity-patch")
    return from_values(to_values(moved))


def _block(batch: Tensor, count: float, seeds: Sequence[int]) -> Tensor:
    """Brighten or darken blocks, away from the nearer end of the scale."""
    checked("tid-block", count, 1, whole=True)
    contrast = _BLOCK_CONTRAST / math.sqrt(count)

    def damage(image: Tensor, seed: int) -> Tensor:
        values = to_values(image)
        rows, columns = (math.ceil(side / _BLOCK) for side in values.shape[-2:])
        cells = torch.randperm(rows * columns, generator=generator(seed, "tid-block"))
        for cell in cells[: int(count)].tolist():
            top, left = cell // columns * _BLOCK, cell % columns * _BLOCK
            block = values[..., top : top + _BLOCK, left : left + _BLOCK]
            block += torch.where(block.mean() < 127.5, contrast, -contrast)
        return from_values(values)

    return each_image(batch, seeds, damage)


def _sparse_sampling(batch: Tensor, missing: float, seeds: Sequence[int]) -> Tensor:
    """Lose a share of the pixels and rebuild them from the others.

    Notes
    -----
    The lost pixels start as Gaussian averages of their surroundings and are then denoised in
    the sliding cosine transform under a falling threshold, while the pixels that are left keep
    their values (Guleryuz, "Nonlinear approximation based image recovery", 2006).
    """
    checked("tid-sparse-sampling", missing, 0, 0.999)

    def rebuild(image: Tensor, seed: int) -> Tensor:
        draws = torch.rand(image.shape[-2:], generator=generator(seed, "tid-sparse-sampling"))
        known = (draws >= missing).to(image.device)
        values = to_values(image).float()
        estimate = _spread(values, known, missing)
        for threshold in _THRESHOLDS:
            estimate = torch.where(known, values, hard_threshold(estimate, threshold, step=4))
        return from_values(estimate)

    return each_image(batch, seeds, rebuild)


def _spread(values: Tensor, known: Tensor, missing: float) -> Tensor:
    """Average the known pixels around each pixel, as widely as they are apart."""
    sigma = 0.7 / math.sqrt(1 - missing)
    taps = gaussian_taps(sigma, math.ceil(6 * sigma))
    weights = known.to(values).expand(1, 1, -1, -1)
    # A pixel with no neighbour in reach takes the mean of the image, which weighs next to nothing.
    trace = 1e-9
    total = separable(values * weights, taps) + trace * values.mean()
    return torch.where(known, values, total / (separable(weights, taps) + trace))


TYPES = (
    DistortionType(
        name="tid-denoise",
        group="noise",
        levels=(7.08, 10.3, 18.2, 35.8, 80),
        apply=_denoise,
        parameter="deviation of the noise before denoising, in 8-bit values",
        source="ours, after TID2013 type 9",
        random=True,
    ),
    DistortionType(
        name="tid-non-eccentricity-patch",
        group="spatial",
        levels=(28, 50, 100, 139, 223),
        apply=_non_eccentricity_patch,
        parameter="number of patches of 15 x 15 pixels",
        source="ours, after TID2013 type 14",
        random=True,
    ),
    DistortionType(
        name="tid-block",
        group="spatial",
        levels=(16, 8, 4, 2, 1),
        apply=_block,
        parameter="number of blocks of 32 x 32 pixels; the fewer, the stronger each",
        source="ours, after TID2013 type 15",
        signed=True,
        random=True,
    ),
    DistortionType(
        name="tid-sparse-sampling",
        group="spatial",
        levels=(0.288, 0.433, 0.582, 0.772, 0.927),
        apply=_sparse_sampling,
        parameter="share of the pixels that is lost",
        source="ours, after TID2013 type 24",
        random=True,
    ),
)
