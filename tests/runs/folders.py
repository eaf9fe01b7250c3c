"""Folders of small images, and of files that are none."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def noise(seed: int, width: int = 24, height: int = 16) -> Image.Image:
    """An image of its own for every seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def png(seed: int, width: int = 24, height: int = 16) -> bytes:
    buffer = io.BytesIO()
    noise(seed, width, height).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def folder_of(path: Path, count: int, width: int = 24, height: int = 16) -> list[Path]:
    """Write so many images, 0000.png and on, and return their paths."""
    path.mkdir(parents=True, exist_ok=True)
    files = [path / f"{i:04d}.png" for i in range(count)]
    for i, file in enumerate(files):
        file.write_bytes(png(i, width, height))
    return files


def huge_png() -> bytes:
    """A header that promises 90,000 x 90,000 pixels, and hardly any data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 90_000, 90_000, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def huge_bmp() -> bytes:
    """The same promise in a format whose pixels are not compressed."""
    header = struct.pack("<IiiHHIIiiII", 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 100, 0, 0, 54) + header + bytes(100)


def flat_png() -> bytes:
    """An image of 0 x 16 pixels."""
    whole = bytearray(png(0))
    whole[16:20] = bytes(4)
    whole[29:33] = struct.pack(">I", zlib.crc32(bytes(whole[12:29])))
    return bytes(whole)


def flipped_png() -> bytes:
    """An image one bit of whose compressed pixels has flipped."""
    whole = bytearray(png(0, 64, 64))
    whole[len(whole) // 2] ^= 0x10
    return bytes(whole)


def cut(form: str) -> bytes:
    """The first half of an image file."""
    buffer = io.BytesIO()
    noise(0, 64, 64).save(buffer, form)
    return buffer.getvalue()[: buffer.tell() // 2]


_DAMAGED = {
    "truncated.png": (cut("PNG"), "truncated"),
    "truncated.jpg": (cut("JPEG"), "truncated"),
    "truncated.webp": (cut("WEBP"), "truncated"),
    "truncated.tif": (cut("TIFF"), "truncated"),
    "signature.png": (png(0)[:8], "damaged or truncated PNG"),
    "flipped.png": (flipped_png(), "damaged or truncated PNG"),
    "flat.png": (flat_png(), "zero size, 0x16"),
    "zero.jpg": (b"", "empty"),
    "zeros.png": (bytes(500), "not an image"),
    "huge.png": (huge_png(), "over the limit"),
    "huge.bmp": (huge_bmp(), "over the limit"),
    "text.jpg": (b"this is no image\n" * 10, "not an image"),
    "page.jpg": (b"<!DOCTYPE html><title>404 Not Found</title>", "not an image"),
    "archive.webp": (b"PK\x03\x04" + bytes(100), "not an image"),
}
_LINKS = {
    "loop.png": ("loop.png", "levels of symbolic links"),
    "ring-a.png": ("ring-b.png", "levels of symbolic links"),
    "ring-b.png": ("ring-a.png", "levels of symbolic links"),
    "dangling.png": ("nowhere.png", "no such file"),
    "device.png": (os.devnull, "no regular file"),
}
BROKEN = len(_DAMAGED) + len(_LINKS) + 1
"""How many files `broken_files` writes."""


def broken_files(folder: Path) -> dict[str, str]:
    """Write one file of every broken kind; return what must stand in its error, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (data, _) in _DAMAGED.items():
        (folder / name).write_bytes(data)
    for name, (target, _) in _LINKS.items():
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe.png")
    reasons = {name: reason for name, (_, reason) in (_DAMAGED | _LINKS).items()}
    return {**reasons, "pipe.png": "no regular file"}
