"""From a path or stream to an open, checked, not yet decoded image."""

import io
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias, cast

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from snellen._opening import SpecialFileError, open_regular
from snellen.errors import ImageError, reason_text
from snellen.images._plugins import (
    PACKAGES,
    check_installed,
    jxl_size,
    open_heif,
    open_jxl,
    plugin_format,
)

Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | IO[bytes]

# Pillow knows more formats; some of them call other programs. These are the ones we vouch for.
# JPEG is opened by its class, not by Pillow's factory, which reads on in multi-picture files.
FORMATS: dict[str, Callable[[IO[bytes]], ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "HEIF": open_heif,
    "JXL": open_jxl,
}

# Where the header states width and height, for formats that Pillow refuses without a reason
# when one of them is zero.
_SIZE_FIELDS = {"PNG": (16, ">II"), "GIF": (6, "<HH"), "BMP": (18, "<ii")}


@contextmanager
def opened(source: Source) -> Iterator[tuple[IO[bytes], str]]:
    """Open a source for reading; yields the seekable stream and its name for messages."""
    if isinstance(source, (str, os.PathLike)):
        with _open_path(Path(source)) as stream:
            yield _seekable(stream), str(source)
    elif isinstance(source, (bytes, bytearray)):
        yield io.BytesIO(source), f"<{len(source)} bytes>"
    elif hasattr(source, "read"):
        name = getattr(source, "name", None)
        yield _seekable(source), name if isinstance(name, str) else "<stream>"
    else:
        raise ImageError(
            "expected a path, bytes or an open binary file to read an image from, "
            f"got {type(source).__name__}"
        )


def _open_path(path: Path) -> IO[bytes]:
    try:
        return open_regular(path)
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise ImageError(f"{path}: is a folder, expected an image file") from None
    except SpecialFileError as error:
        raise ImageError(f"{path}: {error.strerror}, expected an image file") from None
    except ValueError as error:
        raise ImageError(f"{str(path)!r}: not a file name: {error}") from None
    except OSError as error:
        raise ImageError(f"{path}: cannot be opened: {reason_text(error)}") from error


def _seekable(stream: IO[bytes]) -> IO[bytes]:
    if stream.seekable():
        stream.seek(0)
        return stream
    return io.BytesIO(stream.read())


@contextmanager
def explained(name: str, what: str) -> Iterator[None]:
    """Turn whatever a decoder raises on damaged data into an ImageError that names the file."""
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name}: over the limit that Pillow itself sets for {what} "
            f"(PIL.Image.MAX_IMAGE_PIXELS): {error}"
        ) from error
    except Exception as error:  # decoders raise nearly any class on damaged data
        reason = str(error) or type(error).__name__
        raise ImageError(f"{name}: damaged or truncated {what}: {reason}") from error


def open_image(stream: IO[bytes], name: str, max_pixels: int | None = None) -> ImageFile.ImageFile:
    """Read the header of an image; no pixel is decoded (JPEG XL: if there are not too many).

    `PIL.Image.open` is not used: its pixel limit is a process-wide variable that warns, and it
    hides why a file of a known format was refused.
    """
    stream.seek(0)
    prefix = stream.read(64)
    if not prefix:
        raise ImageError(f"{name}: the file is empty (0 bytes)")
    format_name = _format_of(prefix, name)
    _refuse_zero_size(prefix, format_name, name)
    check_installed(format_name, name)
    with explained(name, f"{format_name} file, or one of an unsupported kind"):
        stated = jxl_size(stream)
        if stated is not None:
            check_pixel_limit(*stated, max_pixels, name)
        stream.seek(0)
        return FORMATS[format_name](stream)


def check_pixel_limit(width: int, height: int, max_pixels: int | None, name: str) -> None:
    """Raise ImageError for an image of more pixels than allowed."""
    if max_pixels is not None and width * height > max_pixels:
        raise ImageError(
            f"{name}: {width}x{height} = {width * height} pixels, over the limit of {max_pixels}; "
            "if the file is trusted, raise it with ImagePolicy(max_pixels=...)"
        )


def _format_of(prefix: bytes, name: str) -> str:
    if (by_plugin := plugin_format(prefix)) is not None:
        return by_plugin
    for format_name in (one for one in FORMATS if one not in PACKAGES):
        accept = Image.OPEN[format_name][1]
        verdict = accept is None or accept(prefix)
        if isinstance(verdict, str):  # right signature, but Pillow was built without the codec
            raise ImageError(f"{name}: {verdict}")
        if verdict:
            return format_name
    raise ImageError(
        f"{name}: not an image of a known format ({', '.join(FORMATS)}); "
        f"it starts with {prefix[:12]!r}"
    )


def _refuse_zero_size(prefix: bytes, format_name: str, name: str) -> None:
    offset, layout = _SIZE_FIELDS.get(format_name, (0, ""))
    if not layout or len(prefix) < offset + struct.calcsize(layout):
        return
    width, height = cast("tuple[int, int]", struct.unpack_from(layout, prefix, offset))
    if width == 0 or height == 0:
        raise ImageError(f"{name}: zero size, {width}x{height} pixels")
