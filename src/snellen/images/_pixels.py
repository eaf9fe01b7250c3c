"""Large images: decoded, but made an image batch only window by window."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from snellen.errors import ImageError
from snellen.images._batch import ImageLike, as_image_batch
from snellen.images._files import Source, explained
from snellen.images._policy import DEFAULT_POLICY, ImagePolicy
from snellen.images._profiles import to_srgb
from snellen.images._read import Decoded, decode, decode_pil
from snellen.images._samples import Samples, to_planes

Window: TypeAlias = tuple[int, int, int, int]
"""Top, bottom, left, right: pixels from top to bottom - 1 and from left to right - 1."""


@dataclass(frozen=True)
class Pixels:
    """One decoded image of which windows are read as image batches.

    Its samples stay in the type in which they are stored: an image of 100 megapixels and 8 bits
    takes 0.3 GB, its image batch would take 1.2 GB.

    Attributes
    ----------
    height, width
        Size in pixels.
    """

    height: int
    width: int
    _read: Callable[[Window], torch.Tensor]
    _origin: tuple[int, int] = (0, 0)

    def window(self, window: Window) -> torch.Tensor:
        """Return a window, given by top, bottom, left and right, as a batch (1, 3, h, w).

        Values are to the bit those of the image batch of the whole image.

        Raises
        ------
        ImageError
            The window holds values outside [0, 1].
        """
        top, bottom, left, right = window
        down, across = self._origin
        return self._read((top + down, bottom + down, left + across, right + across))

    def batch(self) -> torch.Tensor:
        """Return the whole image as a batch (1, 3, H, W)."""
        return self.window((0, self.height, 0, self.width))

    def centre(self, height: int, width: int) -> "Pixels":
        """Cut to a size around the centre, as ``match_sizes(..., "crop")`` does."""
        down, across = (self.height - height) // 2, (self.width - width) // 2
        origin = (self._origin[0] + down, self._origin[1] + across)
        return replace(self, height=height, width=width, _origin=origin)


def as_pixels(
    source: ImageLike | Pixels, policy: ImagePolicy = DEFAULT_POLICY, *, name: str = "image"
) -> Pixels:
    """Decode one image, and leave its samples as they are stored.

    Parameters
    ----------
    source
        One image of those that `as_image_batch` takes.
    policy
        How pixels are decoded.
    name
        What to call the image in messages.

    Returns
    -------
    Pixels
        Windows of the image.

    Raises
    ------
    ImageError
        The image cannot be read, or there are several.

    Examples
    --------
    >>> image = as_pixels(np.full((4, 5, 3), 255, np.uint8))
    >>> image.window((0, 2, 1, 4)).shape
    torch.Size([1, 3, 2, 3])
    """
    if isinstance(source, Pixels):
        return source
    if isinstance(source, torch.Tensor | np.ndarray):
        return _of_values(source, policy, name)
    if isinstance(source, Image.Image):
        return _of_samples(decode_pil(source, policy, name), policy)
    if isinstance(source, list | tuple) and len(source) == 1:
        return as_pixels(source[0], policy, name=name)
    if isinstance(source, (str, bytes, bytearray, os.PathLike)) or hasattr(source, "read"):
        return _of_samples(decode(cast("Source", source), policy), policy)
    several = isinstance(source, list | tuple)
    what = f"{len(source)} images" if several else type(source).__name__
    raise ImageError(f"{name}: expected one image, a path, array or tensor, got {what}")


def _of_samples(decoded: Decoded, policy: ImagePolicy) -> Pixels:
    samples, icc, name = decoded.upright(), decoded.icc, decoded.name
    if icc is not None and policy.color == "srgb":
        corner = samples.color[:1, :1]
        if to_srgb(corner, samples.white, icc, name)[0] is corner:
            icc = None  # a profile that changes nothing; one that is damaged is warned of once

    def read(window: Window) -> torch.Tensor:
        top, bottom, left, right = window
        part = Samples(
            samples.color[top:bottom, left:right],
            None if samples.alpha is None else samples.alpha[top:bottom, left:right],
            samples.white,
        )
        with explained(name, decoded.kind):
            return torch.from_numpy(to_planes(part, icc, policy, name))[None]

    height, width = samples.color.shape[:2]
    return Pixels(height, width, read)


def _of_values(source: torch.Tensor | npt.NDArray[Any], policy: ImagePolicy, name: str) -> Pixels:
    """Leave an array or tensor as it is, once its shape is known to be that of one image."""
    shape = tuple(source.shape)
    is_tensor = isinstance(source, torch.Tensor)
    row_axis = source.ndim - 2 if is_tensor or source.ndim == 2 else source.ndim - 3
    if source.ndim not in (2, 3, 4) or 0 in shape or (is_tensor and source.ndim == 2):
        as_image_batch(source, policy, name=name)  # says what is wrong
    if source.ndim == 4 and shape[0] != 1:
        raise ImageError(f"{name}: expected one image, got {shape[0]}")

    def read(window: Window) -> torch.Tensor:
        top, bottom, left, right = window
        index = (slice(None),) * row_axis + (slice(top, bottom), slice(left, right))
        return as_image_batch(source[index], policy, name=name)

    read((0, 1, 0, 1))  # the type and the number of channels
    return Pixels(shape[row_axis], shape[row_axis + 1], read)
