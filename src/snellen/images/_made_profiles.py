"""Colour profiles made of primaries and a curve, for files that state their colours in numbers."""

import struct
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

_MAKER = b"snel"
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def matrix_profile(chromaticities: tuple[float, ...], curve: bytes) -> bytes:
    """Make an RGB profile.

    Parameters
    ----------
    chromaticities
        x and y of red, green, blue and white.
    curve
        Of all three channels, from `power_curve` or `broken_curve`.

    Raises
    ------
    ValueError
        These are no primaries: one lies on a line with the others, or is imaginary beyond use.
    """
    *corners, white = (_xyz_of(x, y) for x, y in np.reshape(chromaticities, (4, 2)))
    primaries = np.stack(corners, axis=1)
    if abs(np.linalg.det(primaries)) < 1e-6:
        raise ValueError("its primaries lie on one line")
    columns = _to_d50(white) @ primaries * np.linalg.solve(primaries, white)
    if np.abs(columns).max() > 4:
        raise ValueError("its white is no mixture of its primaries")
    tags = {b"wtpt": _xyz_tag(_D50)}
    for name, column in zip(b"rgb", columns.T, strict=True):
        tags[bytes([name]) + b"XYZ"] = _xyz_tag(column)
        tags[bytes([name]) + b"TRC"] = curve
    return _profile(b"RGB ", tags)


def grey_profile(curve: bytes) -> bytes:
    """Make a grey profile, whose white is white whatever it is called."""
    return _profile(b"GRAY", {b"wtpt": _xyz_tag(_D50), b"kTRC": curve})


def is_made(icc: bytes) -> bool:
    """Whether a profile comes from here."""
    return icc[4:8] == _MAKER


def power_curve(exponent: float) -> bytes:
    """Return the curve by which linear light is the value to a power."""
    return _curve(0, exponent)


def broken_curve(exponent: float, scale: float, offset: float, slope: float, end: float) -> bytes:
    """Return a power of ``scale * value + offset``, and up to `end` a straight line of `slope`."""
    return _curve(3, exponent, scale, offset, slope, end)


def _curve(kind: int, *parameters: float) -> bytes:
    fixed = [round(value * 65536) for value in parameters]
    if not all(0 <= value < 1 << 31 for value in fixed):
        raise ValueError("its curve is out of all measure")
    return b"para\0\0\0\0" + struct.pack(f">HH{len(fixed)}i", kind, 0, *fixed)


def _xyz_of(x: float, y: float) -> npt.NDArray[np.float64]:
    if not (0 <= x <= 1 and 0 < y <= 1):
        raise ValueError("it states chromaticities that do not exist")
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _to_d50(white: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Adaptation of von Kries by Bradford's cones, as ICC.1:2022 (annex E) has it."""
    gains = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adapted: npt.NDArray[np.float64] = np.linalg.solve(_BRADFORD, gains[:, None] * _BRADFORD)
    return adapted


def _xyz_tag(values: npt.NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _profile(space: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    offset = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", offset + len(body), _MAKER, 0x04300000, b"mntr", space,
                       b"XYZ ")  # fmt: skip
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body
