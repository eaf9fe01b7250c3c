"""Which files of a folder are images, and which would be if they could be read."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from snellen.errors import ImageError, reason_text

_ALWAYS = """
.apng .avif .bmp .gif .j2c .j2k .jfif .jp2 .jpc .jpe .jpeg .jpf .jpg .jpx .mpo .pbm .pfm .pgm .png
.pnm .ppm .tif .tiff .webp
"""
_HEIF = (".heic", ".heif", ".hif")
_JXL = (".jxl",)
_OTHERS = """
.3fr .arw .bpg .cr2 .cr3 .crw .cur .dcm .dcr .dds .dib .djvu .dng .eps .erf .exr .fff .fit .fits
.flif .hdr .icns .ico .iiq .jng .jpm .jps .jxr .k25 .kdc .mef .mng .mos .mrw .nef .nrw .orf .pam
.pcx .pef .psb .psd .qoi .raf .raw .rgbe .rw2 .rwl .sgi .sr2 .srf .srw .svg .svgz .tga .wdp .x3f
.xbm .xcf .xpm
"""

IMAGE_SUFFIXES: tuple[str, ...] = (
    *_ALWAYS.split(),
    *(_HEIF if find_spec("pillow_heif") else ()),
    *(_JXL if find_spec("pillow_jxl") else ()),
)
"""Suffixes of the files that are looked for; of HEIC and JPEG XL where their packages are there."""

UNREAD_SUFFIXES = frozenset((*_OTHERS.split(), *_HEIF, *_JXL)) - set(IMAGE_SUFFIXES)
"""Suffixes of images that are passed over in folders, and told of."""

_EXTRAS = {"heif": _HEIF, "jxl": _JXL}


class ImageListing(NamedTuple):
    """What `list_images` found.

    Attributes
    ----------
    paths
        Sorted paths of the images.
    passed_over
        How many files there are of each suffix in `UNREAD_SUFFIXES`.
    """

    paths: list[Path]
    passed_over: Mapping[str, int]

    def besides(self) -> str:
        """Say in brackets what was passed over; empty where nothing was."""
        return f" ({passed_over_text(self.passed_over)})" if self.passed_over else ""


def passed_over_text(counts: Mapping[str, int]) -> str:
    """Say how many files of which suffix were passed over, and what would read them.

    Parameters
    ----------
    counts
        Number of files by suffix.

    Examples
    --------
    >>> passed_over_text({".psd": 1, ".cr2": 12})
    'passed over: 12 .cr2, 1 .psd'
    """
    said = ", ".join(f"{counts[suffix]} {suffix}" for suffix in sorted(counts))
    extras = [name for name, suffixes in _EXTRAS.items() if counts.keys() & set(suffixes)]
    remedy = f"; pip install 'snellen[{','.join(extras)}]' reads more of them" if extras else ""
    return f"passed over: {said}{remedy}"


def find_images(folder: str | os.PathLike[str], recursive: bool = True) -> list[Path]:
    """List the image files in a folder.

    Parameters
    ----------
    folder
        Folder to look in. Hidden files and folders are skipped; links are followed, but a
        folder is not entered again from within itself.
    recursive
        Whether to look in folders within it.

    Returns
    -------
    paths
        Sorted paths of the files whose suffix is in `IMAGE_SUFFIXES`, in either case.

    Raises
    ------
    ImageError
        If the folder does not exist, is a file, or a folder cannot be listed.
    """
    return list_images(folder, recursive).paths


def list_images(folder: str | os.PathLike[str], recursive: bool = True) -> ImageListing:
    """List the image files in a folder as `find_images` does, and count those passed over.

    Parameters
    ----------
    folder, recursive
        See `find_images`.

    Returns
    -------
    listing
        The images, and what looks like images but cannot be read.

    Raises
    ------
    ImageError
        See `find_images`.
    """
    root = Path(folder)
    if not root.exists():
        raise ImageError(f"{root}: no such folder")
    if not root.is_dir():
        raise ImageError(f"{root}: is a file, expected a folder")
    paths: list[Path] = []
    passed_over: Counter[str] = Counter()
    for path in _walk(root, recursive, frozenset()):
        suffix = path.suffix.lower()
        if suffix in IMAGE_SUFFIXES:
            paths.append(path)
        elif suffix in UNREAD_SUFFIXES:
            passed_over[suffix] += 1
    return ImageListing(sorted(paths), passed_over)


def _walk(folder: Path, recursive: bool, above: frozenset[Path]) -> Iterator[Path]:
    real = folder.resolve()
    if real in above:
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ImageError(f"{folder}: cannot be listed: {reason_text(error)}") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if recursive:
                yield from _walk(entry, recursive, above | {real})
        else:
            yield entry
