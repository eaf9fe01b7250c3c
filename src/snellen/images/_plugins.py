"""Formats that other packages read: HEIC by pillow-heif, JPEG XL by pillow-jxl-plugin."""

from importlib.util import find_spec
from typing import IO, Any

from PIL import ImageFile

from snellen.errors import ImageError

_HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_CONTAINER_BRANDS = {b"mif1", b"msf1", b"miaf"}
_JXL_SIGNATURES = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
PACKAGES = {"HEIF": ("pillow_heif", "heif"), "JXL": ("pillow_jxl", "jxl")}

# Width to height, by the number in the header (ISO/IEC 18181-1, table 12).
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def plugin_format(prefix: bytes) -> str | None:
    """Name the format, "HEIF" or "JXL", that a file begins like; None for all others."""
    if prefix.startswith(_JXL_SIGNATURES):
        return "JXL"
    if prefix[4:8] != b"ftyp":
        return None
    brands = [prefix[start : start + 4] for start in range(16, len(prefix) - 3, 4)]
    inside = _HEVC_BRANDS & set(brands) and b"avif" not in brands
    if prefix[8:12] in _HEVC_BRANDS or (prefix[8:12] in _CONTAINER_BRANDS and inside):
        return "HEIF"
    return None


def check_installed(format_name: str, name: str) -> None:
    """Raise ImageError where the package that reads a format is missing."""
    package, extra = PACKAGES.get(format_name, ("", ""))
    if package and find_spec(package) is None:
        kind = {"HEIF": "HEIC", "JXL": "JPEG XL"}[format_name]
        raise ImageError(f"{name}: is {kind}, which `pip install 'snellen[{extra}]'` reads")


def open_heif(stream: IO[bytes]) -> ImageFile.ImageFile:
    """Open a HEIC file; its rotation is applied by the decoder."""
    from pillow_heif import HeifImageFile

    opener: Any = HeifImageFile  # which is not typed
    image: ImageFile.ImageFile = opener(stream)
    return image


def open_jxl(stream: IO[bytes]) -> ImageFile.ImageFile:
    """Open a JPEG XL file, which decodes it whole; its rotation is applied by the decoder."""
    from pillow_jxl.JpegXLImagePlugin import JXLImageFile

    image: ImageFile.ImageFile = JXLImageFile(stream)
    return image


def jxl_size(stream: IO[bytes]) -> tuple[int, int] | None:
    """Return width and height that a JPEG XL file states, turned as it says; None for others.

    ISO/IEC 18181-1:2024, annexes D.2 and D.3.
    """
    stream.seek(0)
    start = stream.read(12)
    if not start.startswith(_JXL_SIGNATURES):
        return None
    bits = _Bits(_codestream(stream) if start.startswith(_JXL_SIGNATURES[1]) else start + b"\0" * 8)
    bits.take(16)  # the signature
    small = bits.take(1)
    height = _side(bits, small)
    ratio = bits.take(3)
    across, down = _RATIOS.get(ratio, (0, 1))
    width = height * across // down if ratio else _side(bits, small)
    plain, extra = bits.take(1), bits.take(1)
    turned = not plain and extra and bits.take(3) >= 4
    return (height, width) if turned else (width, height)


def _side(bits: "_Bits", small: int) -> int:
    if small:
        return 8 * (bits.take(5) + 1)
    return bits.take((9, 13, 18, 30)[bits.take(2)]) + 1


def _codestream(stream: IO[bytes]) -> bytes:
    """Find the beginning of the codestream among the boxes of a container."""
    stream.seek(12)
    while len(head := stream.read(8)) == 8:
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        skipped = 8
        if size == 1:
            size, skipped = int.from_bytes(stream.read(8), "big"), 16
        if kind in (b"jxlc", b"jxlp"):
            stream.seek(4 if kind == b"jxlp" else 0, 1)
            return stream.read(20)
        if size < skipped:
            break
        stream.seek(size - skipped, 1)
    raise ValueError("holds no codestream")


class _Bits:
    """Numbers of a few bits, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        taken = self._value & ((1 << count) - 1)
        self._value >>= count
        return taken
