"""Colour profiles: whatever is embedded becomes sRGB."""

import io
import logging
import struct
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from snellen.errors import ImageError
from snellen.images._icc import is_matrix_or_grey, to_srgb_float
from snellen.images._made_profiles import is_made

logger = logging.getLogger(__name__)

_SPACE_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
# A profile within one 8-bit level of sRGB everywhere is sRGB: makers round its table differently.
_SAME_LEVELS = 1
# What reading the tags of a damaged profile raises.
_DAMAGE = (ValueError, TypeError, KeyError, IndexError, ArithmeticError, struct.error)


def to_srgb(
    color: npt.NDArray[Any], white: int, icc: bytes, name: str
) -> tuple[npt.NDArray[Any], int]:
    """Convert samples under a grey or RGB profile; returns the samples and their white.

    A profile that is sRGB, is damaged or is for another kind of pixels leaves them untouched;
    the last two are logged as warnings. 8-bit colour goes through ImageCms; deeper samples and
    greys, in whose shadows ImageCms is several levels off, through floating point.
    """
    space = profile_space(icc)
    if space not in ("RGB", "GRAY") or (space == "GRAY" and color.ndim == 3):
        _warn_unusable(space, name)
        return color, white
    if is_srgb(icc):
        return color, white
    if space == "RGB" and color.ndim == 2:
        color = np.repeat(color[..., None], 3, axis=-1)
    if is_matrix_or_grey(icc) and (color.ndim == 2 or color.dtype != np.uint8 or is_made(icc)):
        return to_srgb_float(color, white, icc), 1
    if color.dtype != np.uint8 or white != 255:
        raise ImageError(
            f"{name}: deeper than 8 bits, with a colour profile made of tables, which cannot be "
            "converted at that depth; convert the file to sRGB first, or read its numbers as "
            'they are with ImagePolicy(color="ignore")'
        )
    return _convert_bytes(color, icc), 255


def cmyk_to_rgb(image: Image.Image, icc: bytes | None, name: str) -> Image.Image:
    """Convert CMYK by its profile, or, without a usable one, by R = (1 - C)(1 - K) and so on."""
    space = profile_space(icc) if icc else None
    if icc and space == "CMYK":
        return _transformed(image, icc, "CMYK")
    if icc:
        _warn_unusable(space, name)
    return image.convert("RGB")


def lab_to_rgb(image: Image.Image) -> Image.Image:
    """Convert CIE L*a*b* (D50)."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    return _transformed(image, lab.tobytes(), "LAB")


@lru_cache(maxsize=64)
def profile_space(icc: bytes) -> str | None:
    """Colour space of a profile ("RGB", "GRAY", "CMYK", ...); None for a damaged one."""
    try:
        space = ImageCms.ImageCmsProfile(io.BytesIO(icc)).profile.xcolor_space.strip()
        if space in _SPACE_MODES:
            _transformed(Image.new(_SPACE_MODES[space], (1, 1)), icc, _SPACE_MODES[space])
        if space in ("GRAY", "RGB") and is_matrix_or_grey(icc):
            ramp = np.arange(256, dtype=np.uint8)[None]
            to_srgb_float(ramp if space == "GRAY" else np.stack([ramp] * 3, -1), 255, icc)
    except (OSError, ImageCms.PyCMSError, *_DAMAGE):
        return None
    return space


@lru_cache(maxsize=64)
def is_srgb(icc: bytes) -> bool:
    """Whether a grey or RGB profile does nothing: tried on a grid of colours and on all greys."""
    ramp = np.arange(256, dtype=np.uint8)
    if profile_space(icc) == "GRAY" and is_matrix_or_grey(icc):
        shift = to_srgb_float(ramp[None], 255, icc) * 255 - ramp
    elif profile_space(icc) == "GRAY":
        shift = _convert_bytes(ramp[None], icc).astype(np.float32) - ramp
    else:
        grid = np.stack(np.meshgrid(*[ramp[::15]] * 3), axis=-1).reshape(1, -1, 3)
        probe = np.concatenate([grid, np.repeat(ramp[None, :, None], 3, axis=-1)], axis=1)
        shift = _convert_bytes(probe, icc).astype(np.float32) - probe
    return bool(np.abs(shift).max() <= _SAME_LEVELS)


def _convert_bytes(color: npt.NDArray[np.uint8], icc: bytes) -> npt.NDArray[np.uint8]:
    if color.ndim == 3:
        return np.asarray(_transformed(Image.fromarray(color), icc, "RGB"))
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    greys = np.asarray(_transformed(ramp, icc, "L"))[0, :, 1]
    return greys[color]


def _transformed(image: Image.Image, icc: bytes, mode: str) -> Image.Image:
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:
        raise ValueError("the colour transform returned no image")
    return converted


def _warn_unusable(space: str | None, name: str) -> None:
    reason = "is damaged" if space is None else f"is for {space}, not for these pixels"
    logger.warning("%s: the embedded colour profile %s; read as sRGB", name, reason)
