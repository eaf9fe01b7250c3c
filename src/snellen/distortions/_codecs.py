"""Compression by real encoders, decoded by the real decoders: JPEG, JPEG 2000, WebP, AVIF.

Encoders work on 8-bit RGB, so the output of these types is exactly k / 255.
"""

import io
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from PIL import Image, ImageFile, features
from torch import Tensor

from snellen.distortions._each import each_image
from snellen.distortions._eight_bit import from_pil, to_pil
from snellen.distortions._strengths import checked
from snellen.distortions._target import TID_DECIBELS
from snellen.distortions._type import Apply, DistortionType
from snellen.errors import DistortionError


def decode(data: bytes) -> Image.Image:
    """Decode a file held in memory."""
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def encode(image: Image.Image, form: str, **options: Any) -> bytes:
    """Encode an image by Pillow; what the format cannot hold is a DistortionError."""
    file = io.BytesIO()
    try:
        image.save(file, form, **options)
    except (OSError, ValueError) as error:
        raise DistortionError(
            f"{form} cannot hold this image of {image.width}x{image.height}: {error}"
        ) from error
    return file.getvalue()


def encode_jpeg(image: Image.Image, quality: float) -> bytes:
    """Encode baseline JPEG, 4:2:0, with the IJG tables of a quality from 1 to 100."""
    whole = _whole("jpeg", quality, 1)
    return encode(image, "JPEG", quality=whole, subsampling="4:2:0")


def encode_tid_jpeg(image: Image.Image, quality: float) -> bytes:
    """Encode JPEG with steps over 255 left as they are, as the files of TID2013 were."""
    return encode_tables(image, scaled_tables(_whole("tid-jpeg", quality, 1)), "4:2:0")


def encode_tables(image: Image.Image, tables: list[list[int]], subsampling: str) -> bytes:
    """Encode JPEG with tables of luma and chroma, in rows."""
    # progressive: the same pixels as sequential, for which libjpeg would print a caution
    # about steps over 255
    # Pillow gives the whole progressive file one buffer, too short for small images full of noise
    ImageFile.MAXBLOCK = max(ImageFile.MAXBLOCK, 4 * image.width * image.height)
    return encode(image, "JPEG", qtables=tables, subsampling=subsampling, progressive=True)


def scaled_tables(quality: int) -> list[list[int]]:
    """Return IJG's luma and chroma tables of a quality, in rows, without the limit of 255."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [[max(1, (step * scale + 50) // 100) for step in table] for table in _tables_of_50()]


@cache
def _tables_of_50() -> tuple[tuple[int, ...], ...]:
    """Read the tables of Annex K, which quality 50 leaves unscaled, out of libjpeg itself."""
    with Image.open(io.BytesIO(encode_jpeg(Image.new("RGB", (8, 8)), 50))) as image:
        tables: dict[int, list[int]] = image.quantization  # type: ignore[attr-defined]
        return tuple(tuple(tables[number]) for number in (0, 1))


def encode_jpeg2000(image: Image.Image, ratio: float) -> bytes:
    """Encode a JPEG 2000 codestream of 24 / `ratio` bits per pixel, 9/7 wavelet."""
    rate = checked("jpeg2000", ratio, 1)
    return encode_codestream(image, quality_mode="rates", quality_layers=[rate])


def encode_tid_jpeg2000(image: Image.Image, psnr: float) -> bytes:
    """Encode a JPEG 2000 codestream of a peak signal-to-noise ratio, 9/7 wavelet."""
    decibels = checked("tid-jpeg2000", psnr, 1, 100)
    return encode_codestream(image, quality_mode="dB", quality_layers=[decibels])


def encode_codestream(image: Image.Image, **options: Any) -> bytes:
    """Encode a bare JPEG 2000 codestream, 9/7 wavelet, with options of Pillow."""
    _require("jpg_2000")
    return encode(image, "JPEG2000", irreversible=True, no_jp2=True, **options)


def encode_webp(image: Image.Image, quality: float) -> bytes:
    """Encode lossy WebP of a quality from 0 to 100."""
    _require("webp")
    return encode(image, "WEBP", quality=_whole("webp", quality, 0), method=4)


def encode_avif(image: Image.Image, quality: float) -> bytes:
    """Encode AVIF, 4:2:0, of a quality from 0 to 100, by libaom."""
    _require("avif")
    whole = _whole("avif", quality, 0)
    # one thread and a named encoder: the same bytes on every machine
    return encode(image, "AVIF", quality=whole, speed=6, codec="aom", max_threads=1)


def _whole(name: str, quality: float, least: int) -> int:
    return int(checked(name, quality, least, 100, whole=True))


def _require(feature: str) -> None:
    if not features.check(feature):
        raise DistortionError(
            f"This Pillow was built without {feature}; install Pillow's own wheel, 11.3 or later."
        )


def library_versions() -> dict[str, str | None]:
    """Return the versions of the libraries on which pixels depend.

    Returns
    -------
    versions
        Of torch, Pillow and the libraries behind Pillow's codecs; None where this Pillow was
        built without one.
    """
    libraries = ("libjpeg_turbo", "jpg_2000", "webp", "avif")
    found = {name: features.version(name) for name in libraries}
    return {"torch": torch.__version__, "pillow": features.version("pil"), **found}


def through(encoder: Callable[[Image.Image, float], bytes]) -> Apply:
    """Make the operation that sends each image through an encoder and its decoder."""

    def apply(batch: Tensor, strength: float, seeds: Sequence[int]) -> Tensor:
        def one(image: Tensor, seed: int) -> Tensor:
            return from_pil(decode(encoder(to_pil(image), strength)), image)

        return each_image(batch, seeds, one)

    return apply


def _codec(
    name: str,
    encoder: Callable[[Image.Image, float], bytes],
    levels: tuple[float, ...],
    parameter: str,
    source: str,
) -> DistortionType:
    return DistortionType(name, "compression", levels, through(encoder), parameter, source)


_OURS = "ours, at SSIM near those of jpeg"

TYPES = (
    _codec("jpeg", encode_jpeg, (43, 36, 24, 7, 4), "IJG quality", "KADID-10k type 10"),
    _codec(
        "jpeg2000", encode_jpeg2000, (16, 32, 45, 120, 170), "compression ratio", "KADID-10k type 9"
    ),
    _codec("webp", encode_webp, (35, 29, 18, 1, 0), "libwebp quality", _OURS),
    _codec("avif", encode_avif, (45, 42, 36, 10, 0), "libavif quality", _OURS),
    _codec("tid-jpeg", encode_tid_jpeg, (80, 60, 23, 8, 4), "IJG quality", "TID2013 type 10"),
    _codec(
        "tid-jpeg2000",
        encode_tid_jpeg2000,
        TID_DECIBELS,
        "PSNR in dB",
        "TID2013 type 11, at its PSNR; the coder is OpenJPEG",
    ),
)
"""Types of this module."""
