"""Images of 8 bits: the values of files, in which TID2013 was made."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_values(batch: Tensor) -> Tensor:
    """Return the 8-bit values of an image batch: whole numbers from 0 to 255 in float64."""
    return (batch.double() * 255).round()


def from_values(values: Tensor) -> Tensor:
    """Round values half up, clip them at 0 and 255 and scale them to an image batch.

    Parameters
    ----------
    values
        Tensor (N, C, H, W) on the scale from 0 to 255.

    Returns
    -------
    batch
        Tensor (N, C, H, W), float32, every value a multiple of 1/255 as files have it.
    """
    return torch.floor(values + 0.5).clamp(0, 255).float() / 255


def to_pil(image: Tensor) -> Image.Image:
    """Make a Pillow image of an image batch that holds one image."""
    values = to_values(image)[0].permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(values.astype(np.uint8))


def from_pil(picture: Image.Image, like: Tensor) -> Tensor:
    """Make an image batch of one image, on the device of another."""
    values = torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)[None]
    return values.to(like.device).float() / 255
