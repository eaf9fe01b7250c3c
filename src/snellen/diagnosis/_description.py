"""From an image to the numbers that a diagnosis is made from."""

import torch
from torch import Tensor

from snellen.backbones import Backbone
from snellen.diagnosis._statistics import pixel_statistics
from snellen.errors import ImageError
from snellen.images import as_image_batch
from snellen.readouts import Statistics

SMALLEST_SIDE = 32
"""Pixels; a smaller image holds too few positions to take statistics of."""

_WHOLE = 768
_CROP = 512
_MOMENTS = Statistics("mean-std")
_UNIT = 1e-3  # features below this are taken as they are, above on a logarithmic scale


@torch.inference_mode()
def describe(backbone: Backbone, layers: tuple[str, ...], batch: Tensor) -> Tensor:
    """Describe images by the features of a network and by statistics of their pixels.

    Parameters
    ----------
    backbone
        Network.
    layers
        Names of the layers, in order of depth.
    batch
        Image batch. Sides over 768 pixels are seen through three crops of 512 pixels, at
        both ends and in the middle: nine crops of an image that is large both ways.
        Pixels are never resampled.

    Returns
    -------
    description
        (N, D): signed logarithms of means and standard deviations of every channel, then
        `pixel_statistics`; the mean over crops.

    Raises
    ------
    ImageError
        A side has less than 32 pixels.
    """
    if min(batch.shape[2:]) < SMALLEST_SIDE:
        raise ImageError(
            f"{batch.shape[3]}x{batch.shape[2]} pixels are too few for a diagnosis: expected at "
            f"least {SMALLEST_SIDE}x{SMALLEST_SIDE}."
        )
    rounded = (as_image_batch(batch) * 255).round() / 255
    seen = [_describe(backbone, layers, crop) for crop in _crops(rounded)]
    return torch.stack(seen).mean(0)


def _crops(batch: Tensor) -> list[Tensor]:
    rows, columns = (_places(side) for side in batch.shape[2:])
    return [batch[:, :, row][:, :, :, column].contiguous() for row in rows for column in columns]


def _places(side: int) -> list[slice]:
    """Where crops lie along one side; multiples of 16, which keeps the grids of coders."""
    if side <= _WHOLE:
        return [slice(0, side)]
    last = (side - _CROP) // 16 * 16
    return [slice(start, start + _CROP) for start in (0, last // 32 * 16, last)]


def _describe(backbone: Backbone, layers: tuple[str, ...], crop: Tensor) -> Tensor:
    pooled = [_MOMENTS.describe(features.float()) for _, features in backbone.stream(crop, layers)]
    logarithms = torch.asinh(torch.cat(pooled, 1) / _UNIT).cpu()
    # On the CPU in any case: the same numbers on every device, and nothing is slow about them.
    return torch.cat([logarithms, pixel_statistics(crop.cpu())], 1)


def layers_of(backbone: Backbone) -> tuple[str, ...]:
    """Choose what to look at: every listed layer of a network.

    The simple cells of the Gabor bank are left out: with energies in hand they add nothing.
    """
    return tuple(info.name for info in backbone.layers if not info.name.startswith("simple"))
