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


def broken_files(folder: Path) -> dict[str, str]:
    """Write one file of every broken kind; return what must stand in its error, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = png(0, 64, 64)
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (folder / "zero.jpg").write_bytes(b"")
    (folder / "huge.png").write_bytes(huge_png())
    (folder / "text.jpg").write_text("this is no image\n" * 10)
    (folder / "archive.webp").write_bytes(b"PK\x03\x04" + bytes(100))
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "dangling.png").symlink_to("nowhere.png")
    os.mkfifo(folder / "pipe.png")
    return {
        "truncated.png": "truncated",
        "zero.jpg": "empty",
        "huge.png": "over the limit",
        "text.jpg": "not an image",
        "archive.webp": "not an image",
        "loop.png": "levels of symbolic links",
        "dangling.png": "no such file",
        "pipe.png": "no regular file",
    }
