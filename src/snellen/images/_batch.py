"""Anything a person calls an image becomes an image batch."""

import os
from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from snellen.errors import ImageError
from snellen.images._files import Source
from snellen.images._policy import DEFAULT_POLICY, ImagePolicy
from snellen.images._read import decode_pil, read_image
from snellen.images._samples import Samples, to_planes

ImageLike: TypeAlias = (
    Source
    | Image.Image
    | npt.NDArray[Any]
    | torch.Tensor
    | Sequence["Source | Image.Image | npt.NDArray[Any] | torch.Tensor"]
)

# How far over 0 or 1 a value may be: a few float32 roundings (networks give 1.0000001), or one
# rounding of the half precisions. Such values are set to 0 or 1; their gradient passes unchanged.
TOLERANCE = 1e-6

_WHITE = {torch.uint8: 255, torch.uint16: 65535, torch.bool: 1}


def as_image_batch(
    source: ImageLike, policy: ImagePolicy = DEFAULT_POLICY, *, name: str = "image"
) -> torch.Tensor:
    """Turn files, Pillow images, arrays and tensors into one image batch.

    Parameters
    ----------
    source
        One of

        - a path, bytes or binary file: read by `read_image`;
        - a Pillow image: read by the same rules, its embedded profile and EXIF orientation
          included (16-bit colour stays exact only if the image has not been loaded yet);
        - a numpy array (H, W), (H, W, C) or (N, H, W, C), C = 1, 3 or 4 (with alpha): uint8 and
          uint16 are divided by their full range, bool is black and white, floats are in [0, 1];
        - a tensor (C, H, W) or (N, C, H, W), C = 1 or 3: floats in [0, 1], uint8, uint16 or
          bool; it stays on its device, and gradients flow through;
        - a list or tuple of these, all of one size.
    policy
        How files and Pillow images are decoded; its background also serves arrays with alpha.
    name
        What to call the image in messages, "reference" for instance.

    Returns
    -------
    batch
        Tensor (N, 3, H, W), float32, RGB, sRGB-encoded, in [0, 1].

    Raises
    ------
    ImageError
        If values lie outside [0, 1] or are not finite, or the shape or type is none of these.

    Examples
    --------
    >>> as_image_batch(np.full((4, 5), 255, dtype=np.uint8)).shape
    torch.Size([1, 3, 4, 5])
    >>> as_image_batch(torch.full((3, 4, 5), 128.0), name="reference")
    Traceback (most recent call last):
    ...
    snellen.errors.ImageError: reference: values from 128 to 128, expected [0, 1]; this looks like
    0-255: divide by 255
    """
    if isinstance(source, torch.Tensor):
        return _from_tensor(source, name)
    if isinstance(source, np.ndarray):
        return _from_array(source, policy, name)
    if isinstance(source, Image.Image):
        return decode_pil(source, policy, name).image(policy)[None]
    if isinstance(source, (list, tuple)):
        return _from_sequence(source, policy, name)
    if isinstance(source, (str, bytes, bytearray, os.PathLike)) or hasattr(source, "read"):
        return read_image(cast("Source", source), policy)[None]
    raise ImageError(
        f"{name}: expected a path, a Pillow image, a numpy array, a tensor or a list of these, "
        f"got {type(source).__name__}"
    )


def _from_sequence(sources: Sequence[Any], policy: ImagePolicy, name: str) -> torch.Tensor:
    if not sources:
        raise ImageError(f"{name}: an empty list holds no image")
    batches = [
        as_image_batch(item, policy, name=f"{name}[{index}]") for index, item in enumerate(sources)
    ]
    for index, batch in enumerate(batches):
        if batch.shape[-2:] != batches[0].shape[-2:]:
            raise ImageError(
                f"{name}[0] is {size_text(batches[0])} and {name}[{index}] is {size_text(batch)}: "
                "images of one batch must have one size; score them one by one, or resize them"
            )
        if batch.device != batches[0].device:
            raise ImageError(
                f"{name}[0] is on {batches[0].device} and {name}[{index}] on {batch.device}: "
                "move them to one device"
            )
    return torch.cat(batches)


def _from_tensor(tensor: torch.Tensor, name: str) -> torch.Tensor:
    shape = tuple(tensor.shape)
    if tensor.ndim not in (3, 4):
        raise ImageError(f"{name}: expected a tensor (3, H, W) or (N, 3, H, W), got {shape}")
    batch = tensor if tensor.ndim == 4 else tensor[None]
    _refuse_empty(shape, name)
    if batch.shape[1] not in (1, 3):
        raise ImageError(f"{name}: expected 1 or 3 channels, got {shape}{_layout_hint(batch)}")
    return _in_unit_range(batch, name).expand(-1, 3, -1, -1)


def _layout_hint(batch: torch.Tensor) -> str:
    if batch.shape[-1] in (1, 3):
        return ": channels come last here; use x.permute(0, 3, 1, 2), or (2, 0, 1) for one image"
    if batch.shape[1] == 4:
        return ": composite the alpha channel on a background, or drop it: x[..., :3, :, :]"
    return ""


def _in_unit_range(batch: torch.Tensor, name: str) -> torch.Tensor:
    if batch.dtype in _WHITE:
        return batch.to(torch.float32) / _WHITE[batch.dtype]
    if not batch.is_floating_point():
        raise ImageError(
            f"{name}: values of type {batch.dtype} have no known range; expected floating point "
            "in [0, 1], or uint8, uint16 or bool"
        )
    low, high = (float(value) for value in torch.aminmax(batch.detach()))
    tolerance = max(TOLERANCE, torch.finfo(batch.dtype).eps)
    if not (low >= -tolerance and high <= 1 + tolerance):  # also true for NaN
        raise ImageError(f"{name}: {_range_text(low, high)}")
    batch = batch.to(torch.float32)
    if low < 0 or high > 1:
        return batch + (batch.clamp(0, 1) - batch).detach()
    return batch


def _range_text(low: float, high: float) -> str:
    if not (np.isfinite(low) and np.isfinite(high)):
        return "contains NaN or infinite values, expected [0, 1]"
    return f"values from {low:g} to {high:g}, expected [0, 1]; {_range_hint(low, high)}"


def _range_hint(low: float, high: float) -> str:
    if low >= 0 and 2 < high <= 255:
        return "this looks like 0-255: divide by 255"
    if low >= 0 and 255 < high <= 65535:
        return "this looks like 0-65535: divide by 65535"
    if -1.01 <= low < -0.1 and high <= 1.01:
        return "this looks like [-1, 1]: use (x + 1) / 2"
    if -3 <= low < -1 and high <= 3:
        return "this looks like mean and deviation were normalised: undo it with x * std + mean"
    return "if a network overshoots, cut it off with x.clamp(0, 1)"


def _from_array(array: npt.NDArray[Any], policy: ImagePolicy, name: str) -> torch.Tensor:
    shape = array.shape
    if array.ndim not in (2, 3, 4) or (array.ndim > 2 and shape[-1] not in (1, 3, 4)):
        raise ImageError(
            f"{name}: expected an array (H, W), (H, W, C) or (N, H, W, C) with C = 1, 3 or 4, "
            f"got {shape}{_array_hint(shape)}"
        )
    _refuse_empty(shape, name)
    images = array if array.ndim == 4 else array[None]
    white = _array_white(images, name)
    if white == 1:
        images = _in_unit_range(_as_float_tensor(images), name).numpy()
    samples = (_array_samples(image, white) for image in images)
    planes = [to_planes(sample, None, policy, name) for sample in samples]
    return torch.from_numpy(planes[0][None] if len(planes) == 1 else np.stack(planes))


def _array_hint(shape: tuple[int, ...]) -> str:
    if len(shape) in (3, 4) and shape[-3] in (1, 3):
        return ": channels come first here; move them last, or pass a torch tensor"
    return ""


def _array_white(array: npt.NDArray[Any], name: str) -> int:
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return 255 if array.dtype.itemsize == 1 else 65535
    if array.dtype.kind in "fb":
        return 1
    raise ImageError(
        f"{name}: values of type {array.dtype} have no known range; expected uint8, uint16, "
        "bool, or floating point in [0, 1]"
    )


def _as_float_tensor(array: npt.NDArray[Any]) -> torch.Tensor:
    # float64 first where needed, so that the range is checked before precision is lost
    dtype = np.float32 if array.dtype.kind == "b" or array.dtype.itemsize <= 4 else np.float64
    values = np.require(array, dtype, ("C", "W"))
    return torch.from_numpy(values)


def _array_samples(image: npt.NDArray[Any], white: int) -> Samples:
    if image.ndim == 2:
        return Samples(image, None, white)
    color = image[..., 0] if image.shape[-1] == 1 else image[..., :3]
    return Samples(color, image[..., 3] if image.shape[-1] == 4 else None, white)


def _refuse_empty(shape: tuple[int, ...], name: str) -> None:
    if 0 in shape:
        raise ImageError(f"{name}: zero size, got {shape}")


def size_text(batch: torch.Tensor) -> str:
    """Write the size of a batch as people do: WIDTHxHEIGHT."""
    return f"{batch.shape[-1]}x{batch.shape[-2]}"
