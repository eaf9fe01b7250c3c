"""Spatial distortions of KADID-10k: jitter, moved and coloured patches, coarse pixels and tones."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from snellen.distortions._each import each_image
from snellen.distortions._eight_bit import to_values
from snellen.distortions._otsu import otsu_thresholds
from snellen.distortions._random import generator
from snellen.distortions._strengths import checked
from snellen.distortions._type import DistortionType

_JITTERS = 5


def _jitter(batch: Tensor, amount: float, seeds: Sequence[int]) -> Tensor:
    """Fetch every pixel from a random place nearby, five times over."""
    checked("jitter", amount, 0)

    def scatter(image: Tensor, seed: int) -> Tensor:
        random = generator(seed, "jitter")
        for _ in range(_JITTERS):
            shifts = torch.randn((*image.shape[-2:], 2), generator=random) * amount
            image = _warp(image, shifts.to(image.device))
        return image.clamp(0, 1)

    return each_image(batch, seeds, scatter)


def _warp(image: Tensor, shifts: Tensor) -> Tensor:
    """Fetch each pixel `shifts` (H, W, 2: right, down) away, by cubic convolution."""
    height, width = image.shape[-2:]
    rows = torch.arange(height, device=image.device)[:, None] + shifts[..., 1]
    columns = torch.arange(width, device=image.device) + shifts[..., 0]
    across = _cubic_taps(columns, width)
    pixels = image[0].flatten(1).T.contiguous()
    total = torch.zeros_like(pixels)
    for row, row_weight in _cubic_taps(rows, height):
        for column, column_weight in across:
            fetched = pixels.index_select(0, (row * width + column).flatten())
            total += fetched * (row_weight * column_weight).view(-1, 1)
    return total.T.reshape(image.shape)


def _cubic_taps(places: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    """Return four neighbours and their weights, after Keys with a = -1/2, as MATLAB has it."""
    first = places.floor()
    t = places - first
    s = 1 - t
    weights = [
        -t * s * s / 2,
        1 + t * t * (1.5 * t - 2.5),
        1 + s * s * (1.5 * s - 2.5),
        -s * t * t / 2,
    ]
    return [
        ((first.long() + offset).clamp(0, size - 1), weight)
        for offset, weight in zip(range(-1, 3), weights, strict=True)
    ]


def move_patches(batch: Tensor, count: int, size: int, seeds: Sequence[int], stream: str) -> Tensor:
    """Copy square patches to places nearby, one after the other.

    Parameters
    ----------
    batch
        Image batch (N, C, H, W).
    count
        Number of patches.
    size
        Their side in pixels; a patch moves up to half as far along each axis.
    seeds
        One per image.
    stream
        What the random numbers are for.

    Returns
    -------
    batch
        Image batch of which every pixel was one of the original.
    """

    def move(image: Tensor, seed: int) -> Tensor:
        image = image.clone()
        draws = torch.rand((count, 4), generator=generator(seed, stream)).double()
        for down, right, across, along in draws.tolist():
            top, to_top = _place(down, across - 0.5, image.shape[2], size)
            left, to_left = _place(right, along - 0.5, image.shape[3], size)
            patch = image[..., top : top + size, left : left + size].clone()
            image[..., to_top : to_top + size, to_left : to_left + size] = patch
        return image

    return each_image(batch, seeds, move)


def _place(position: float, offset: float, side: int, size: int) -> tuple[int, int]:
    """Where a patch starts and where it goes along one axis, inside the image in any case."""
    last = max(0, side - size)
    margin = min(size, last // 2)
    start = margin + round(position * (last - 2 * margin))
    return start, min(max(0, round(start + offset * size)), last)


def _non_eccentricity_patch(batch: Tensor, count: float, seeds: Sequence[int]) -> Tensor:
    checked("non-eccentricity-patch", count, 0, whole=True)
    return move_patches(batch, int(count), 16, seeds, "non-eccentricity-patch")


def _color_block(batch: Tensor, count: float, seeds: Sequence[int]) -> Tensor:
    """Cover squares of 32 pixels with one random colour each."""
    checked("color-block", count, 0, whole=True)

    def cover(image: Tensor, seed: int) -> Tensor:
        image = image.clone()
        draws = torch.rand((int(count), 5), generator=generator(seed, "color-block"))
        for draw in draws:
            top = int(draw[3].item() * max(0, image.shape[2] - 32))
            left = int(draw[4].item() * max(0, image.shape[3] - 32))
            color = draw[:3].view(1, 3, 1, 1).to(image.device)
            image[..., top : top + 32, left : left + 32] = color
        return image

    return each_image(batch, seeds, cover)


def _pixelate(batch: Tensor, strength: float, seeds: Sequence[int]) -> Tensor:
    """Shrink to 0.95 - strength^0.6 of the size and enlarge again, by the nearest pixel."""
    scale = 0.95 - checked("pixelate", strength, 0, 0.9) ** 0.6
    for dim in (2, 3):
        size = batch.shape[dim]
        small = math.ceil(scale * size)
        there = _nearest(size, small)
        back = _nearest(small, size)
        batch = batch.index_select(dim, there[back].to(batch.device))
    return batch


def _nearest(size: int, resized: int) -> Tensor:
    """For each pixel of a resized axis, the pixel under its centre."""
    return (2 * torch.arange(resized) + 1) * size // (2 * resized)


def _quantization(batch: Tensor, count: float, seeds: Sequence[int]) -> Tensor:
    """Reduce the tones of an image by thresholds that Otsu's criterion chooses.

    Notes
    -----
    The thresholds serve all three channels; tones below the first become black, those above the
    last white, and those between two thresholds the upper one, as in KADID-10k's own code.
    MATLAB searches the thresholds by descent, here they are the best there are. ARNIQA's port
    spaces them evenly.
    """
    checked("quantization", count, 1, 254, whole=True)

    def quantize(image: Tensor, seed: int) -> Tensor:
        values = to_values(image).long()
        thresholds = otsu_thresholds(torch.bincount(values.flatten(), minlength=256), int(count))
        tones = torch.tensor([0, *thresholds[1:], 255], dtype=torch.float32) / 255
        table = tones[torch.searchsorted(torch.tensor(thresholds), torch.arange(256))]
        return table.to(image.device)[values]

    return each_image(batch, seeds, quantize)


TYPES = (
    DistortionType(
        name="jitter",
        group="spatial",
        levels=(0.05, 0.1, 0.2, 0.5, 1),
        apply=_jitter,
        parameter="deviation of each of five random shifts in pixels",
        source="KADID-10k type 19",
        random=True,
    ),
    DistortionType(
        name="non-eccentricity-patch",
        group="spatial",
        levels=(20, 40, 60, 80, 100),
        apply=_non_eccentricity_patch,
        parameter="number of patches of 16 x 16 pixels",
        source="KADID-10k type 20",
        random=True,
    ),
    DistortionType(
        name="pixelate",
        group="spatial",
        levels=(0.01, 0.05, 0.1, 0.2, 0.5),
        apply=_pixelate,
        parameter="strength s: the image is shrunk to 0.95 - s^0.6 of its size",
        source="KADID-10k type 21",
    ),
    DistortionType(
        name="quantization",
        group="spatial",
        levels=(20, 16, 13, 10, 7),
        apply=_quantization,
        parameter="number of thresholds between tones",
        source="KADID-10k type 22",
    ),
    DistortionType(
        name="color-block",
        group="spatial",
        levels=(2, 4, 6, 8, 10),
        apply=_color_block,
        parameter="number of blocks of 32 x 32 pixels",
        source="KADID-10k type 23",
        random=True,
    ),
)
