"""Gratings as files that a viewer shows and any program reads."""

import json
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from snellen.errors import ImageError
from snellen.records import replace_file
from snellen.vision._grating import COLORS, Grating

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB = 2


def stimulus_set(
    template: Grating,
    frequencies: Sequence[float] = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
    orientations: Sequence[float] = (0.0, 30.0, 45.0, 60.0, 90.0, 135.0),
) -> dict[str, Grating]:
    """Choose gratings that show every kind of stimulus of the exam.

    Parameters
    ----------
    template
        Contrast, mean, encoding, size and viewing geometry of all; gratings of many orientations
        and colours have its frequency.
    frequencies
        Of rings, gratings and Gabors, in cycles per degree.
    orientations
        Of gratings, in degrees.

    Returns
    -------
    dict
        Gratings by a name that can be that of a file: rings, upright gratings and Gabors (with an
        envelope of a sixth of the image) of every frequency; gratings of every orientation;
        gratings of both opponent colours.
    """
    sigma = template.viewing.degrees(min(template.shape)) / 6
    base = replace(template, color="achromatic", sigma=None)
    chosen = [replace(base, frequency=f, orientation=None) for f in frequencies]
    chosen += [replace(base, frequency=f, orientation=0.0) for f in frequencies]
    chosen += [replace(base, frequency=f, orientation=0.0, sigma=sigma) for f in frequencies]
    chosen += [replace(base, orientation=angle) for angle in orientations]
    chosen += [replace(base, orientation=0.0, color=color) for color in COLORS[1:]]
    return {stimulus_name(grating): grating for grating in chosen}


def stimulus_name(grating: Grating) -> str:
    """Name a grating by what it is.

    Examples
    --------
    >>> stimulus_name(Grating(4.0, 45.0))
    'grating-achromatic-04.00cpd-045deg'
    """
    kind = "rings" if grating.orientation is None else "grating"
    if grating.sigma is not None:
        kind = "gabor"
    name = f"{kind}-{grating.color}-{grating.frequency:05.2f}cpd"
    return name if grating.orientation is None else f"{name}-{grating.orientation:03.0f}deg"


def write_stimuli(
    gratings: Mapping[str, Grating], folder: str | os.PathLike[str], *, bits: int = 16
) -> list[Path]:
    """Write gratings as PNG files with a manifest.

    Parameters
    ----------
    gratings
        By name.
    folder
        Made if it is not there. Holds ``NAME.png`` for every grating, and ``manifest.json``:
        every grating's description, its contrast in code values, luminance and cones, whether it
        is aliased, and the largest error of rounding to the files' depth.
    bits
        8 or 16 bits a channel.

    Returns
    -------
    list of Path
        The images.

    Raises
    ------
    ImageError
        The depth is another, or there are no gratings.
    """
    if bits not in (8, 16) or not gratings:
        raise ImageError(
            f"write_stimuli: expected gratings and 8 or 16 bits; got {len(gratings)} gratings and "
            f"{bits!r} bits."
        )
    root = Path(folder)
    entries: list[dict[str, Any]] = []
    for name, grating in gratings.items():
        image = grating.render()
        levels = 2**bits - 1
        pixels = (image.double() * levels).round()
        path = root / f"{name}.png"
        replace_file(path, _png(pixels.permute(1, 2, 0).numpy(), bits))
        error = float((pixels / levels - image).abs().max())
        entries.append(
            {"file": path.name, "aliased": grating.aliased, "rounding": error, **grating.manifest()}
        )
    document = {"bits": bits, "encoding_of_files": "sRGB", "stimuli": entries}
    replace_file(root / "manifest.json", json.dumps(document, indent=2) + "\n")
    return [root / entry["file"] for entry in entries]


def _png(pixels: "np.ndarray", bits: int) -> bytes:
    """Encode pixels (H, W, 3); Pillow writes no RGB of 16 bits."""
    height, width, _ = pixels.shape
    rows = pixels.astype(">u2" if bits == 16 else "u1").reshape(height, -1)
    data = b"".join(b"\x00" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, _RGB, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"sRGB", b"\x00"), (b"IDAT", zlib.compress(data, 6)))
    return _SIGNATURE + b"".join(_chunk(*chunk) for chunk in (*chunks, (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
