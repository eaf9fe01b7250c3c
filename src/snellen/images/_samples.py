"""Images in any of Pillow's modes as arrays of samples, and samples as planes in [0, 1]."""

from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from snellen.errors import ImageError
from snellen.images._depth import (
    bits_per_sample,
    grey_white,
    prepare,
    read_deep_color,
    refuse_unreadable,
    stored_inverted,
)
from snellen.images._netpbm import needs_own_reader, read_netpbm
from snellen.images._policy import ImagePolicy
from snellen.images._profiles import cmyk_to_rgb, lab_to_rgb, to_srgb

_GREY_MODES = ("1", "L", "LA", "La")
_BAND_PIXELS = 1 << 22
_COLOR_MODES = ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr", "HSV")


@dataclass(frozen=True)
class Samples:
    """Pixels as stored: colour (H, W) or (H, W, 3), opacity (H, W), and what white is."""

    color: npt.NDArray[Any]
    alpha: npt.NDArray[Any] | None
    white: int


def file_samples(
    image: ImageFile.ImageFile, stream: IO[bytes], policy: ImagePolicy, name: str
) -> Samples:
    """Decode an opened file, at the depth at which it is stored."""
    if needs_own_reader(image):
        color, white = read_netpbm(image, stream, name)
        return Samples(color, None, white)
    position = stream.tell()
    bits = bits_per_sample(image, stream)
    stream.seek(position)
    refuse_unreadable(image, bits, name)
    prepare(image)
    if bits > 8 and not image.mode.startswith(("I", "F")):
        return _deep_samples(*read_deep_color(image, stream, bits, name), image)
    _rescale_transparency(image, bits)
    inverted, stated = stored_inverted(image, bits), image.size
    image.load()
    if image.size != stated:
        raise ImageError(
            f"{name}: damaged {image.format} file: its header says {stated[0]}x{stated[1]}, its "
            f"pixels are {image.width}x{image.height}"
        )
    samples = image_samples(image, policy, name, grey_white(image, bits))
    if inverted:
        return Samples(samples.white - samples.color, samples.alpha, samples.white)
    return samples


def image_samples(
    image: Image.Image, policy: ImagePolicy, name: str, white: int | None = None
) -> Samples:
    """Read the pixels of a decoded image; `white` replaces the full range of a grey mode."""
    mode = image.mode
    if mode in _GREY_MODES or mode in _COLOR_MODES:
        return _byte_samples(image, white or 255)
    if mode == "CMYK":
        icc = embedded_profile(image) if policy.color == "srgb" else None
        return Samples(np.asarray(cmyk_to_rgb(image, icc, name)), None, 255)
    if mode == "LAB":
        return Samples(np.asarray(lab_to_rgb(image)), None, 255)
    if mode == "F":
        return Samples(_checked_float(np.asarray(image), name), None, 1)
    if mode == "I":
        _refuse_unknown_range(image, white, name)
    if mode == "I" or mode.startswith("I;16"):
        return _grey16_samples(image, white if white and white > 255 else 65535, name)
    raise ImageError(f"{name}: pixels of mode {mode!r} are not known; convert them to RGB")


def embedded_profile(image: Image.Image) -> bytes | None:
    """Return the colour profile inside the file, if there is one."""
    icc = image.info.get("icc_profile")
    return icc if isinstance(icc, bytes) and icc else None


def to_planes(
    samples: Samples, icc: bytes | None, policy: ImagePolicy, name: str
) -> npt.NDArray[np.float32]:
    """Turn samples into (3, H, W) planes: profile, scale, background, in that order."""
    color, white = samples.color, samples.white
    if icc and policy.color == "srgb":
        color, white = to_srgb(color, white, icc, name)
    _refuse_outside(color, white, name)
    planes = np.empty((3, *color.shape[:2]), dtype=np.float32)
    source = color[None] if color.ndim == 2 else color.transpose(2, 0, 1)
    if white == 1:
        planes[:] = source
    else:
        np.divide(source, np.float32(white), out=planes)
    if samples.alpha is not None and np.any(samples.alpha != samples.white):
        _refuse_outside(samples.alpha, samples.white, name)
        opacity = np.divide(samples.alpha, samples.white, dtype=np.float32)
        _composite(planes, opacity, policy.background)
    return planes


def _refuse_outside(values: npt.NDArray[Any], white: int, name: str) -> None:
    """Refuse samples below black, above white, or NaN: the last look before they become planes."""
    if values.dtype.kind == "u" and np.iinfo(values.dtype).max <= white:
        return
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= white):  # also true for NaN
        raise ImageError(f"{name}: samples from {low:g} to {high:g}, expected 0 to {white}")


def _composite(
    planes: npt.NDArray[np.float32],
    opacity: npt.NDArray[np.float32],
    background: tuple[float, float, float],
) -> None:
    planes *= opacity
    for plane, level in zip(planes, background, strict=True):
        plane += np.float32(level) * (1 - opacity)


def _byte_samples(image: Image.Image, white: int) -> Samples:
    grey = image.mode in _GREY_MODES
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        full = np.asarray(image.convert("RGBA"))
        return Samples(full[..., 0] if grey else full[..., :3], full[..., 3], 255)
    mode = "L" if grey else "RGB"
    return Samples(_bytes_of(image if image.mode == mode else image.convert(mode)), None, white)


def _bytes_of(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Copy the pixels of a grey or RGB image; of a large one in bands.

    Pillow copies a whole image twice on its way to an array, which for large ones decides how
    much memory reading takes.
    """
    width, height = image.size
    if width * height <= _BAND_PIXELS:
        return np.asarray(image)
    shape = (height, width) if image.mode == "L" else (height, width, 3)
    values = np.empty(shape, np.uint8)
    step = max(1, _BAND_PIXELS // width)
    for top in range(0, height, step):
        bottom = min(height, top + step)
        values[top:bottom] = np.asarray(image.crop((0, top, width, bottom)))
    return values


def _refuse_unknown_range(image: Image.Image, white: int | None, name: str) -> None:
    """Refuse Pillow's mode "I", 32 bits, unless a file said that its values fill 16 of them."""
    if image.format != "PPM" and (white is None or white <= 255):
        raise ImageError(
            f'{name}: whole numbers of Pillow\'s mode "I" have no known range; expected 8 bits '
            '(image.convert("L") of values up to 255) or 16 bits '
            '(image.convert("I;16") of values up to 65535)'
        )


def _grey16_samples(image: Image.Image, white: int, name: str) -> Samples:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise ImageError(
            f"{name}: whole numbers from {values.min()} to {values.max()}; "
            "expected 16 bits, 0 to 65535"
        )
    color = values.astype(np.uint16)
    key = image.info.get("transparency")
    alpha = np.where(color == key, 0, white) if isinstance(key, int) else None
    return Samples(color, alpha, white)


def _deep_samples(
    values: npt.NDArray[np.uint16], premultiplied: bool, image: Image.Image
) -> Samples:
    channels = values.shape[-1]
    color = values[..., 0] if channels == 2 else values[..., :3]
    if channels in (2, 4):
        alpha: npt.NDArray[Any] | None = values[..., -1]
    else:
        key = image.info.get("transparency")
        alpha = None if key is None else np.where((color == key).all(-1), 0, 65535)
    if premultiplied and alpha is not None:
        opacity = alpha[..., None] / np.float32(65535)
        ratio = color / np.maximum(alpha, 1)[..., None].astype(np.float32)
        return Samples(np.minimum(ratio, 1), opacity[..., 0], 1)
    return Samples(color, alpha, 65535)


def _checked_float(values: npt.NDArray[np.float32], name: str) -> npt.NDArray[np.float32]:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):  # also true for NaN
        raise ImageError(
            f"{name}: floating-point values from {low:g} to {high:g}; only images within [0, 1] "
            "are read: tone-map or rescale high dynamic range first"
        )
    return values


def _rescale_transparency(image: ImageFile.ImageFile, bits: int) -> None:
    # Pillow spreads 2- and 4-bit greys over 0-255 but leaves the transparent grey as it was
    key = image.info.get("transparency")
    if image.format == "PNG" and image.mode == "L" and bits in (2, 4) and isinstance(key, int):
        image.info["transparency"] = key * (255 // ((1 << bits) - 1))
