"""PGM and PPM at full depth: Pillow rounds every range but 0-255 to 8 or 16 bits."""

import re
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import ImageFile

from snellen.errors import ImageError


def needs_own_reader(image: ImageFile.ImageFile) -> bool:
    """Whether Pillow would rescale the values of this file, or read them one by one."""
    if image.format != "PPM" or image.mode not in ("L", "I", "RGB"):
        return False
    codec, _, _, args = image.tile[0]
    return codec != "raw" or args == "I;16B"


def read_netpbm(
    image: ImageFile.ImageFile, stream: IO[bytes], name: str
) -> tuple[npt.NDArray[np.uint16], int]:
    """Decode a PGM or PPM; returns (H, W) or (H, W, 3) samples and the value of white."""
    codec, _, offset, args = image.tile[0]
    white = int(args[-1]) if isinstance(args, tuple) else 65535
    shape = (image.height, image.width) + ((3,) if image.mode == "RGB" else ())
    stream.seek(offset)
    read = _plain_values if codec == "ppm_plain" else _binary_values
    values = read(stream, int(np.prod(shape)), white)
    if values.size < np.prod(shape):
        raise ImageError(
            f"{name}: truncated PPM: expected {np.prod(shape)} values, found {values.size}"
        )
    low, high = values.min(), values.max()
    if low < 0 or high > white:
        wrong = f"{low} is below 0" if low < 0 else f"{high} is over its stated maximum of {white}"
        raise ImageError(f"{name}: damaged PPM: value {wrong}")
    return values.astype(np.uint16).reshape(shape), white


def _binary_values(stream: IO[bytes], count: int, white: int) -> npt.NDArray[np.integer]:
    dtype = np.dtype(">u2" if white > 255 else "u1")
    data = stream.read(count * dtype.itemsize)
    return np.frombuffer(data, dtype, count=len(data) // dtype.itemsize)


def _plain_values(stream: IO[bytes], count: int, white: int) -> npt.NDArray[np.integer]:
    text = re.sub(rb"#[^\r\n]*", b"", stream.read())
    return np.array(text.split(maxsplit=count)[:count], dtype=np.int64)
