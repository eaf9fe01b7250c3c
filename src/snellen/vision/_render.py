"""Gratings as image batches, and the grey between them."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from snellen.errors import ImageError
from snellen.vision._grating import Grating


def render_gratings(gratings: Iterable[Grating]) -> Tensor:
    """Draw several gratings of one size as an image batch.

    Parameters
    ----------
    gratings
        At least one.

    Returns
    -------
    Tensor
        Image batch (N, 3, H, W).

    Raises
    ------
    ImageError
        There are none, or their sizes differ.
    """
    chosen: Sequence[Grating] = list(gratings)
    shapes = {grating.shape for grating in chosen}
    if len(shapes) != 1:
        raise ImageError(f"expected gratings of one size, at least one; got sizes {shapes or '{}'}")
    return torch.stack([grating.render() for grating in chosen])


def uniform_field(mean: float = 0.5, size: int | tuple[int, int] = 256) -> Tensor:
    """Draw the grey about which gratings swing: (3, H, W).

    Parameters
    ----------
    mean
        Code value.
    size
        Pixels: one number for a square, or height and width.

    Returns
    -------
    Tensor
        Image (3, H, W).

    Raises
    ------
    ImageError
        The code value or the size is out of range.
    """
    return Grating(0.0, contrast=0.0, mean=mean, size=size).render()
