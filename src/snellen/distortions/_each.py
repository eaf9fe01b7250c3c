"""Image by image, for operations whose last bits depend on the shape of their input."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def each_image(
    batch: Tensor, seeds: Sequence[int], function: Callable[[Tensor, int], Tensor]
) -> Tensor:
    """Apply a function to every image alone.

    Reductions, matrix products and vectorised powers may round differently in a larger tensor;
    one image at a time, laid out alike, an image gets the same pixels in every batch.

    Parameters
    ----------
    batch
        Image batch (N, C, H, W).
    seeds
        One per image.
    function
        Image (1, C, H, W), contiguous, and its seed -> image.

    Returns
    -------
    batch
        The images, in order.
    """
    return torch.cat(
        [function(image[None].contiguous(), seed) for image, seed in zip(batch, seeds, strict=True)]
    )
