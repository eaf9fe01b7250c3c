"""Decoding at full depth where Pillow, left alone, keeps eight bits.

Pillow 11 to 13 decodes 16-bit colour to 8 bits without a word. Its unpackers for either byte
order exist, though, and each keeps the byte that is the high one in its order. Decoding a file
twice, once in its own byte order and once in the other, therefore gives both bytes: exact,
through Pillow's own inflate, filters, interlacing, predictors and libtiff.
"""

import re
import sys
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, TiffImagePlugin

from snellen.errors import ImageError
from snellen.images._files import open_image

_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR, _SAMPLE_FORMAT = 258, 262, 284, 339
_COLOR_RAWMODE = re.compile(r"(RGB|RGBA|RGBa|RGBX);16([BLN])")


def bits_per_sample(image: ImageFile.ImageFile, stream: IO[bytes]) -> int:
    """Bits of each stored value, from the header; 8 where a format has nothing else."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return int(max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,))))
    if image.format == "HEIF":
        return int(image.info.get("bit_depth", 8))
    if image.format == "JXL":
        return 16 if ";16" in image.mode else 8
    if image.format == "PNG":
        stream.seek(24)
        return stream.read(1)[0]
    if image.format == "JPEG2000":
        return _jpeg2000_depth(stream)
    if image.format == "AVIF":
        return _avif_depth(stream)
    return 8


def _jpeg2000_depth(stream: IO[bytes]) -> int:
    """Largest precision in the SIZ segment, which directly follows the start of codestream."""
    stream.seek(0)
    data = stream.read()
    start = data.find(b"\xff\x4f\xff\x51") + 4
    components = int.from_bytes(data[start + 36 : start + 38], "big")
    precisions = data[start + 38 : start + 38 + 3 * components : 3]
    return max((precision & 0x7F) + 1 for precision in precisions)


def _avif_depth(stream: IO[bytes]) -> int:
    """Depth in the AV1 configuration boxes, which lie in the meta box before the pixels."""
    stream.seek(0)
    data = stream.read()
    end = data.find(b"mdat")
    boxes = [box.end() for box in re.finditer(b"av1C", data[: end if end > 0 else None])]
    flags = [data[box + 2] for box in boxes]
    return max((12 if flag & 0x20 else 10) if flag & 0x40 else 8 for flag in flags)


def refuse_unreadable(image: ImageFile.ImageFile, bits: int, name: str) -> None:
    """Raise ImageError for sample types that would be read as other numbers than they are."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    kinds = set(np.atleast_1d(image.tag_v2.get(_SAMPLE_FORMAT, (1,))).tolist())
    if 2 in kinds:
        raise ImageError(f"{name}: signed whole numbers have no known range; expected unsigned")
    if bits > 16 and 3 not in kinds:
        raise ImageError(f"{name}: {bits}-bit whole numbers; expected 8 or 16 bits per sample")


def grey_white(image: ImageFile.ImageFile, bits: int) -> int:
    """Value that stands for white after Pillow has decoded a grey image."""
    if image.format == "JPEG2000":  # shifted up to fill 8 or 16 bits, without refilling
        return ((1 << bits) - 1) << ((8 if bits <= 8 else 16) - bits)
    return (1 << bits) - 1 if bits > 8 else 255


def stored_inverted(image: ImageFile.ImageFile, bits: int) -> bool:
    """Whether zero means white: Pillow minds that in TIFF up to 8 bits only."""
    return (
        isinstance(image, TiffImagePlugin.TiffImageFile)
        and bits > 8
        and image.mode.startswith("I;16")
        and image.tag_v2.get(_PHOTOMETRIC) == 0
    )


def read_deep_color(
    image: ImageFile.ImageFile, stream: IO[bytes], bits: int, name: str
) -> tuple[npt.NDArray[np.uint16], bool]:
    """Decode 16-bit colour exactly.

    Returns the samples, (H, W, C) with C = 2 (grey, alpha), 3 or 4, and whether colour comes
    multiplied by alpha. Raises ImageError where only a part of the bits could be had.
    """
    rawmode = _rawmode(image)
    if image.format == "PNG" and rawmode == "LA;16B":
        pairs = _decode_as(image, "RGBA", "LA;16B")
        return _joined(pairs[..., 0::2], pairs[..., 1::2]), False
    match = _COLOR_RAWMODE.fullmatch(rawmode)
    if match is None or _is_planar(image):
        raise ImageError(
            f"{name}: {bits}-bit {image.mode} in {image.format} cannot be decoded without losing "
            "bits; save it as 16-bit RGB PNG or TIFF (not planar), or as 8 bits"
        )
    kind, order = match.groups()
    order = order if order != "N" else ("L" if sys.byteorder == "little" else "B")
    straight = kind.replace("a", "A")
    high = _decode_as(image, f"{straight};16{order}", rawmode)
    twin = open_image(stream, name)
    prepare(twin)
    low = _decode_as(twin, f"{straight};16{'B' if order == 'L' else 'L'}", rawmode)
    return _joined(high, low), kind == "RGBa"


def prepare(image: Image.Image) -> None:
    """Allocate the pixels of a TIFF ourselves: Pillow would check its global limit and warn."""
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tile and image._im is None:
        size = (image.tag_v2[256], image.tag_v2[257])
        image.im = Image.new(image.mode, size).im


def _decode_as(image: ImageFile.ImageFile, rawmode: str, stored: str) -> npt.NDArray[np.uint8]:
    """Decode with another unpacker of the same number of bits per pixel."""

    def swapped(args: Any) -> Any:
        if isinstance(args, str):
            return rawmode
        return tuple(rawmode if item == stored else item for item in args)

    image.tile = [tile._replace(args=swapped(tile.args)) for tile in image.tile]
    return np.asarray(image)


def _joined(high: npt.NDArray[np.uint8], low: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    return np.left_shift(high, 8, dtype=np.uint16) | low


def _rawmode(image: ImageFile.ImageFile) -> str:
    args = image.tile[0].args if image.tile else ""
    return str(args if isinstance(args, str) or not args else args[0])


def _is_planar(image: ImageFile.ImageFile) -> bool:
    return isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_PLANAR, 1) == 2
