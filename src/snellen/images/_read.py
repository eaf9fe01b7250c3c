"""Reading image files."""

import io
import logging
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import ExifTags, Image, ImageFile

from snellen.errors import ImageError
from snellen.images._depth import prepare
from snellen.images._files import (
    FORMATS,
    Source,
    check_pixel_limit,
    explained,
    open_image,
    opened,
)
from snellen.images._plugins import jxl_size
from snellen.images._policy import DEFAULT_POLICY, ImagePolicy
from snellen.images._samples import Samples, file_samples, image_samples, to_planes
from snellen.images._stated_color import CodePoints, code_points, stated_profile

logger = logging.getLogger(__name__)

# Orientation -> (swap rows and columns, then flip these axes of (3, H, W)); EXIF 2.32, 4.6.4.A.
_TURNS: dict[int, tuple[bool, tuple[int, ...]]] = {
    1: (False, ()),
    2: (False, (2,)),
    3: (False, (1, 2)),
    4: (False, (1,)),
    5: (True, ()),
    6: (True, (2,)),
    7: (True, (1, 2)),
    8: (True, (1,)),
}
_INVERSE = {6: 8, 8: 6}


def read_image(source: Source, policy: ImagePolicy = DEFAULT_POLICY) -> torch.Tensor:
    """Read an image file as RGB, sRGB-encoded.

    PNG, JPEG, WebP, AVIF, TIFF, BMP, JPEG 2000, PPM/PGM/PBM and GIF; of several frames or
    pages, the first, which is logged as a warning. Grey becomes three equal channels, CMYK is
    converted by its profile or else by R = (1 - C)(1 - K), transparency is composited on
    `policy.background`. HEIC and JPEG XL where the extras ``heif`` and ``jxl`` are installed.

    Parameters
    ----------
    source
        Path, bytes, or binary file (read from its beginning).
    policy
        How pixels are decoded.

    Returns
    -------
    image
        Tensor (3, H, W), float32, in [0, 1].

    Raises
    ------
    ImageError
        If the file is missing, empty, damaged, not an image, over the pixel limit, or cannot be
        read at the depth at which it is stored; the message names the file and the reason.

    Notes
    -----
    Values are divided by their full range (255, 65535, or the maximum that the file states),
    never clipped. 16-bit colour PNG, TIFF and PPM are decoded exactly. What Pillow can decode
    only by dropping bits is refused: AVIF of 10 or 12 bits, JPEG 2000 colour deeper than 8 bits,
    16-bit CMYK and 16-bit planar TIFF. Floating-point images must lie within [0, 1].

    A profile that equals sRGB to within one 8-bit level leaves the numbers as they are. A damaged
    profile is logged as a warning and read as sRGB. Code points (cICP of PNG, nclx of AVIF) and the
    PNG chunks gAMA and cHRM are converted; a gamma within 5 % of 1 / 2.2 is sRGB, as in libpng.
    PQ and HLG are logged as a warning and read as sRGB, as is any other statement that cannot be
    converted.

    Examples
    --------
    >>> read_image(b"P5 2 1 255 " + bytes([0, 255]))[:, 0].tolist()
    [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """
    return decode(source, policy).image(policy)


@dataclass(frozen=True)
class Decoded:
    """An image as it is stored, and what is left to be done to it.

    Attributes
    ----------
    samples
        The pixels.
    icc
        The profile to apply, if any.
    turn
        Orientation to apply, as EXIF numbers them.
    kind
        What was decoded, for messages.
    name
        What to call it in messages.
    """

    samples: Samples
    icc: bytes | None
    turn: int
    kind: str
    name: str

    def image(self, policy: ImagePolicy) -> torch.Tensor:
        """Return the image, (3, H, W) in [0, 1]."""
        with explained(self.name, self.kind):
            planes = to_planes(self.samples, self.icc, policy, self.name)
        return _oriented(planes, self.turn)

    def upright(self) -> Samples:
        """Return views of the samples that need no turn any more."""
        swap, flips = _TURNS[self.turn]
        axes = tuple(axis - 1 for axis in flips)

        def turned(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return np.flip(values.swapaxes(0, 1) if swap else values, axes)

        alpha = self.samples.alpha
        color = turned(self.samples.color)
        return Samples(color, None if alpha is None else turned(alpha), self.samples.white)


def decode(source: Source, policy: ImagePolicy) -> Decoded:
    """Decode an image file, and leave its samples as they are stored."""
    with opened(source) as (stream, name):
        return _decode_stream(stream, policy, name)


def decode_pil(image: Image.Image, policy: ImagePolicy, name: str) -> Decoded:
    """Read a Pillow image by the rules of a file; 16-bit colour only if not yet loaded."""
    check_pixel_limit(*image.size, policy.max_pixels, name)
    if min(image.size) == 0:
        raise ImageError(f"{name}: zero size, {image.width}x{image.height} pixels")
    with explained(name, "Pillow image"):
        data = _undecoded_bytes(image)
        prepare(image)
        image.load()  # as any use of the image would, which lets Pillow close its file
        if data is not None:
            return _decode_stream(io.BytesIO(data), policy, name)
        samples = image_samples(image, policy, name)
        turn = _orientation(image, name) if policy.orientation else 1
        return Decoded(samples, _profile(image, None, policy, name), turn, "Pillow image", name)


def image_size(source: Source, policy: ImagePolicy = DEFAULT_POLICY) -> tuple[int, int]:
    """Height and width that `read_image` would give, from the header alone.

    Parameters
    ----------
    source
        Path, bytes, or binary file.
    policy
        Its `orientation` matters: a turned photograph swaps height and width. Of a PNG over
        `max_pixels` only the metadata before the pixels are read.

    Returns
    -------
    size
        Height and width in pixels.

    Raises
    ------
    ImageError
        If the header cannot be read.

    Examples
    --------
    >>> image_size(b"P5 3 2 255 " + bytes(6))
    (2, 3)
    """
    with opened(source) as (stream, name):
        with explained(name, "JXL file"):
            stated = jxl_size(stream)
        if stated is not None:
            return stated[::-1]
        image = open_image(stream, name)
        width, height = image.size
        turned = _orientation(image, name, _exif_before_load(image, stream, policy)) >= 5
        # Pillow states the size of a TIFF as already turned, that of all others as stored
        if turned and (image.format == "TIFF") != policy.orientation:
            return width, height
        return height, width


def _undecoded_bytes(image: Image.Image) -> bytes | None:
    """Bytes behind a Pillow image not decoded yet, of a kind that Pillow alone reads inexactly."""
    if not isinstance(image, ImageFile.ImageFile) or not image.tile or image.fp is None:
        return None
    if image.format not in FORMATS or image.tell() != 0:
        return None
    inexact = image.format in ("TIFF", "JPEG2000", "PPM") or ";16" in str(image.tile[0].args)
    if not inexact and code_points(image, image.fp) is None:
        return None
    position = image.fp.tell()
    image.fp.seek(0)
    data = image.fp.read()
    image.fp.seek(position)
    return data


def _decode_stream(stream: IO[bytes], policy: ImagePolicy, name: str) -> Decoded:
    image = open_image(stream, name, policy.max_pixels)
    check_pixel_limit(*image.size, policy.max_pixels, name)
    kind = f"{image.format} file"
    with explained(name, kind):
        tiff_turn = _orientation(image, name) if image.format == "TIFF" else 1
        icc = _profile(image, code_points(image, stream), policy, name)
        samples = file_samples(image, stream, policy, name)
        _warn_of_frames(image, name)
    if image.format == "TIFF":  # Pillow turns these while decoding
        turn = 1 if policy.orientation else _INVERSE.get(tiff_turn, tiff_turn)
    else:
        turn = _orientation(image, name) if policy.orientation else 1
    return Decoded(samples, icc, turn, kind, name)


def _profile(
    image: Image.Image, points: CodePoints | None, policy: ImagePolicy, name: str
) -> bytes | None:
    """Profile still to be applied to grey or RGB samples: CMYK and LAB are converted earlier."""
    if policy.color == "ignore" or image.mode in ("CMYK", "LAB"):
        return None
    return stated_profile(image, points, name)


def _warn_of_frames(image: ImageFile.ImageFile, name: str) -> None:
    try:
        tags = getattr(image, "tag_v2", None)
        several = bool(tags.next) if tags is not None else getattr(image, "is_animated", False)
    except Exception:  # what follows the first frame may be damaged, and is not read
        return
    if several:
        logger.warning("%s: holds several images or frames; only the first is read", name)


def _oriented(planes: npt.NDArray[np.float32], orientation: int) -> torch.Tensor:
    swap, flips = _TURNS[orientation]
    if not swap and not flips:
        return torch.from_numpy(planes)
    turned = planes.swapaxes(1, 2) if swap else planes
    return torch.from_numpy(np.flip(turned, flips).copy())  # one row may be flipped in place


def _exif_before_load(
    image: ImageFile.ImageFile, stream: IO[bytes], policy: ImagePolicy
) -> Callable[[], Image.Exif] | None:
    """Return what reads the EXIF data of a PNG without decoding its pixels, where that is right.

    What stands behind the pixels counts, and Pillow finds it by decoding: that is done where the
    image will be decoded at all.
    """
    if image.format != "PNG":
        return None
    width, height = image.size
    allowed = policy.max_pixels is None or width * height <= policy.max_pixels
    if allowed and _metadata_after_pixels(stream):
        with suppress(Exception):  # whoever decodes it will say what is wrong
            image.load()
    return lambda: Image.Image.getexif(image)


def _orientation(
    image: Image.Image, name: str, exif: Callable[[], Image.Exif] | None = None
) -> int:
    if image.format == "HEIF" or (image.format == "JXL" and not getattr(image, "jpeg", False)):
        return 1  # turned by the decoder; what EXIF says does not count
    try:
        return _orientation_of((exif or image.getexif)())
    except Exception as error:  # damaged EXIF raises nearly any class, and the pixels are fine
        logger.warning("%s: damaged EXIF data ignored: %s", name, error)
        return 1


def _orientation_of(exif: Image.Exif) -> int:
    value = exif.get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and value in _TURNS else 1


def _metadata_after_pixels(stream: IO[bytes]) -> bool:
    """Whether a PNG has text or EXIF behind its pixels, which Pillow finds only by decoding."""
    position, pixels_seen, found = stream.tell(), False, False
    stream.seek(8)
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        pixels_seen |= kind == b"IDAT"
        found |= pixels_seen and kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
        stream.seek(length + 4, 1)
    stream.seek(position)
    return found
