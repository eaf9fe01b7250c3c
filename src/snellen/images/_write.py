"""Images to files: 8-bit PNG, whole or not at all."""

import numpy as np
from PIL import Image, PngImagePlugin
from torch import Tensor

from snellen.errors import ImageError
from snellen.records import PathLike, replacing


def write_png(path: PathLike, image: Tensor, note: str | None = None) -> None:
    """Write an image as an 8-bit PNG; an earlier file stays whole until the new one is.

    Parameters
    ----------
    path
        The file; folders are made.
    image
        Tensor (3, H, W) in [0, 1]; values are rounded to 255 levels.
    note
        Text that the file carries under the keyword ``snellen``, as `read_png_note` gives it back.

    Raises
    ------
    ImageError
        The tensor is not one image.
    """
    if image.ndim != 3 or image.shape[0] != 3:
        raise ImageError(f"{path}: expected an image (3, H, W), got {tuple(image.shape)}.")
    pixels = (image * 255).round().permute(1, 2, 0).cpu().numpy().astype(np.uint8)
    about = PngImagePlugin.PngInfo()
    if note is not None:
        about.add_text("snellen", note)
    with replacing(path) as file:
        Image.fromarray(pixels).save(file, "PNG", pnginfo=about)


def read_png_note(path: PathLike) -> str | None:
    """Return the text that `write_png` put into a file; None if there is none, or no such file."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            note = image.info.get("snellen")
    except (OSError, ValueError, SyntaxError):
        return None
    return note if isinstance(note, str) else None
