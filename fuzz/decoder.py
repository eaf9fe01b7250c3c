"""Image files of every format, damaged, through every door of the reader."""

import io
import struct
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
import torch
from PIL import Image

from fuzz.mutations import damaged, png_damaged, tiff_damaged, words_damaged
from fuzz.trials import OutsideError, Trial, check_values
from snellen.errors import ImageError
from snellen.images import (
    IMAGE_SUFFIXES,
    ImagePolicy,
    as_image_batch,
    as_pixels,
    image_size,
    read_image,
)
from tests.images import crafted

Mutation = Callable[[bytes, Random], bytes]

_CORNERS = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
POLICY = ImagePolicy(max_pixels=1 << 18, background=(0.2, 0.5, 0.8))


def prepare() -> Trial:
    """Write an image of every kind; a trial damages one of them."""
    samples = list(_samples())

    def trial(random: Random) -> None:
        data, mutations = random.choice(samples)
        read_every_way(random.choice(mutations)(data, random))

    return trial


def read_every_way(data: bytes) -> None:
    """Read a file whole, in windows, and by its header: all have to agree."""
    whole = read_image(data, POLICY)
    check_values(whole)
    if image_size(data, POLICY) != tuple(whole.shape[1:]):
        raise OutsideError(f"a size of {image_size(data, POLICY)}, found {tuple(whole.shape[1:])}")
    pixels = as_pixels(data, POLICY)
    window = (pixels.height // 3, pixels.height, pixels.width // 4, pixels.width)
    top, bottom, left, right = window
    if not torch.equal(pixels.window(window)[0], whole[:, top:bottom, left:right]):
        raise OutsideError("a window of other values than the whole")
    if not torch.equal(as_image_batch(io.BytesIO(data), POLICY)[0], whole):
        raise OutsideError("other values in a batch")
    _opened_by_pillow(data)


def _opened_by_pillow(data: bytes) -> None:
    """Read a caller's own Pillow image; Pillow itself may raise while it opens it."""
    try:
        image = Image.open(io.BytesIO(data))
    except Exception:
        return
    try:
        check_values(as_image_batch(image, POLICY))
    except ImageError:
        return


def _samples() -> Iterator[tuple[bytes, list[Mutation]]]:
    """Whole files, each with the ways in which it is damaged."""
    rng = np.random.default_rng(0)
    color = rng.integers(0, 256, (13, 17, 3), dtype=np.uint8)
    image = Image.fromarray(color)
    for data in _pngs(rng, image):
        yield data, [damaged, png_damaged, png_damaged]
    for data in _tiffs(rng, image):
        yield data, [damaged, tiff_damaged, tiff_damaged]
    for data in _anymaps(rng):
        yield data, [damaged, words_damaged]
    for data in _others(image):
        yield data, [damaged]


def _pngs(rng: np.random.Generator, image: Image.Image) -> Iterator[bytes]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        yield _saved(image.convert(mode), "PNG")
    for kind, channels in ((0, 1), (4, 2), (2, 3), (6, 4)):
        values = rng.integers(0, 65536, (9, 11, channels))
        for interlaced in (False, True):
            yield crafted.png(values, color_type=kind, interlaced=interlaced)
    values = rng.integers(0, 256, (9, 11, 3))
    color = crafted.rgb_profile(crafted.ADOBE_PRIMARIES, crafted.gamma_curve(2.2))
    stated: list[list[tuple[bytes, bytes]]] = [
        [crafted.iccp(color)],
        [(b"gAMA", struct.pack(">I", 100000)), (b"cHRM", struct.pack(">8I", *_CORNERS))],
        [(b"cICP", bytes((12, 13, 0, 1)))], [(b"cICP", bytes((9, 16, 0, 1)))],
        [(b"eXIf", crafted.exif(6))], [(b"tRNS", bytes(6))],
    ]  # fmt: skip
    for chunks in stated:
        yield crafted.png(values, color_type=2, depth=8, chunks=chunks)
    yield _saved(image, "PNG", save_all=True, append_images=[image.rotate(180)])


def _tiffs(rng: np.random.Generator, image: Image.Image) -> Iterator[bytes]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB"):
        for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate"):
            converted = image if mode == "LAB" else image.convert(mode)
            yield _saved(converted, "TIFF", compression=compression)
    yield _saved(image, "TIFF", compression="jpeg")
    yield _saved(image.convert("1"), "TIFF", compression="group4")
    yield _saved(Image.fromarray(rng.integers(0, 65536, (9, 11)).astype(np.uint16)), "TIFF")
    yield _saved(Image.fromarray(rng.random((9, 11)).astype(np.float32)), "TIFF")
    yield from _deep_tiffs(rng)


def _deep_tiffs(rng: np.random.Generator) -> Iterator[bytes]:
    import tifffile

    for channels in (3, 4):
        values = rng.integers(0, 65536, (9, 11, channels)).astype(np.uint16)
        for order in ("<", ">"):
            stream = io.BytesIO()
            tifffile.imwrite(stream, values, photometric="rgb", byteorder=order)
            yield stream.getvalue()


def _anymaps(rng: np.random.Generator) -> Iterator[bytes]:
    for white in (1, 100, 255, 1000, 65535):
        for kind, channels in ((2, 1), (3, 3), (5, 1), (6, 3)):
            values = rng.integers(0, white + 1, (5, 4, channels))
            body = b" ".join(b"%d" % value for value in values.ravel())
            if kind >= 5:
                body = values.astype("u1" if white < 256 else ">u2").tobytes()
            yield b"P%d\n# made by hand\n4 5\n%d\n" % (kind, white) + body
    yield b"P1\n3 2\n1 0 1\n0 1 0\n"
    yield b"P4\n9 2\n" + bytes(4)
    for kind, channels in (("Pf", 1), ("PF", 3)):
        yield f"{kind}\n4 5\n-1.0\n".encode() + rng.random((5, 4, channels)).astype("<f4").tobytes()


def _others(image: Image.Image) -> Iterator[bytes]:
    for mode in ("L", "RGB", "CMYK"):
        yield _saved(image.convert(mode), "JPEG", quality=80)
        yield _saved(
            image.convert(mode), "JPEG", progressive=True, exif=b"Exif\0\0" + crafted.exif(5)
        )
    grown = image.resize((32, 24))
    for mode in ("L", "LA", "RGB", "RGBA"):
        yield _saved(grown.convert(mode), "JPEG2000")
        yield _saved(grown.convert(mode), "JPEG2000", no_jp2=True, irreversible=False)
    values = np.random.default_rng(1).integers(0, 65536, (32, 32)).astype(np.uint16)
    yield _saved(Image.fromarray(values), "JPEG2000", irreversible=False)
    for mode in ("RGB", "RGBA"):
        for lossless in (False, True):
            yield _saved(image.convert(mode), "WEBP", lossless=lossless)
        yield _saved(image.convert(mode), "AVIF", exif=b"Exif\0\0" + crafted.exif(3))
    for kind in ("WEBP", "GIF", "AVIF"):
        yield _saved(image, kind, save_all=True, append_images=[image.rotate(180)])
    yield _saved(image.convert("P"), "GIF", transparency=3, interlace=1)
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield _saved(image.convert(mode), "BMP")
    yield from _packaged(image)


def _packaged(image: Image.Image) -> Iterator[bytes]:
    """HEIC and JPEG XL, where what writes them is installed."""
    if ".jxl" in IMAGE_SUFFIXES:
        import pillow_jxl  # noqa: F401 - registers itself

        for mode in ("L", "RGB", "RGBA"):
            yield _saved(image.convert(mode), "JXL", lossless=True)
            yield _saved(image.convert(mode), "JXL", use_container=True)
    if ".heic" in IMAGE_SUFFIXES:
        import pillow_heif

        for mode in ("L", "RGB", "RGBA"):
            stream = io.BytesIO()
            pillow_heif.from_pillow(image.convert(mode)).save(stream)
            yield stream.getvalue()


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
