"""Matrix and curve colour profiles, read and evaluated in floating point.

ImageCms converts 8 bits only. The profiles that 16-bit images carry are nearly always three
primaries and three curves, for which the conversion is a few lines (ICC.1:2022, 8.3 and 10.18).
"""

import struct
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Curve: TypeAlias = Callable[[Floats], Floats]

# Columns: XYZ of sRGB's red, green and blue, adapted to D50 (Bradford), as in ICC's own profile.
_SRGB_TO_XYZ = np.array(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)
_LEAST_RANGE = 1e-3  # between the luminance of a profile's black and that of its white
_XYZ_TO_SRGB = np.linalg.inv(_SRGB_TO_XYZ)


def profile_tags(icc: bytes) -> dict[str, bytes]:
    """Split a profile into its tags."""
    (count,) = struct.unpack_from(">I", icc, 128)
    table = struct.iter_unpack(">4sII", icc[132 : 132 + 12 * count])
    return {name.decode("latin-1"): icc[offset : offset + length] for name, offset, length in table}


def is_matrix_or_grey(icc: bytes) -> bool:
    """Whether the profile is no more than primaries and curves, over XYZ."""
    tags = profile_tags(icc)
    if icc[20:24] != b"XYZ " or any(name[:3] in ("A2B", "D2B") for name in tags):
        return False
    return "kTRC" in tags or all(f"{c}TRC" in tags and f"{c}XYZ" in tags for c in "rgb")


def to_srgb_float(color: npt.NDArray[Any], white: int, icc: bytes) -> npt.NDArray[np.float32]:
    """Convert (H, W) or (H, W, 3) samples to sRGB-encoded values in [0, 1].

    Relative colorimetric, white stays white, with black point compensation: a linear stretch
    that takes the luminance of the profile's black to zero. Colours outside sRGB are clipped.

    Raises
    ------
    ValueError
        The profile's black is as light as its white, or its curves give no numbers.
    """
    with np.errstate(all="ignore"):
        linear, black = _linear_srgb(color, white, icc)
        if not 1 - black > _LEAST_RANGE:  # also true for NaN
            raise ValueError("the black of the colour profile is as light as its white")
        linear = (linear - black) / (1 - black)
    if np.isnan(linear).any():
        raise ValueError("the curves of the colour profile give no numbers")
    return encode_srgb(np.clip(linear, 0, 1)).astype(np.float32)


def _linear_srgb(color: npt.NDArray[Any], white: int, icc: bytes) -> tuple[Floats, float]:
    """Linear light in sRGB's primaries, and the luminance of the profile's black."""
    tags = profile_tags(icc)
    if color.ndim == 2:
        linear = _linearized(color, white, tags["kTRC"])
        black = float(parse_curve(tags["kTRC"])(np.zeros(1))[0])
    else:
        channels = [_linearized(color[..., i], white, tags[f"{c}TRC"]) for i, c in enumerate("rgb")]
        primaries = np.stack([_xyz(tags[f"{c}XYZ"]) for c in "rgb"], axis=1)
        linear = np.stack(channels, axis=-1) @ (_XYZ_TO_SRGB @ primaries).T
        floor = [parse_curve(tags[f"{c}TRC"])(np.zeros(1))[0] for c in "rgb"]
        black = float(primaries[1] @ np.array(floor))
    return linear, black


def encode_srgb(linear: Floats) -> Floats:
    """Apply the sRGB transfer function (IEC 61966-2-1) to linear light in [0, 1]."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _linearized(channel: npt.NDArray[Any], white: int, tag: bytes) -> Floats:
    curve = parse_curve(tag)
    if np.issubdtype(channel.dtype, np.integer):
        table: Floats = curve(np.arange(white + 1) / white)
        return np.take(table, channel)
    return curve(channel.astype(np.float64))


def parse_curve(tag: bytes) -> Curve:
    """Read a `curv` or `para` tag (ICC.1:2022, 10.6 and 10.18) as a function on [0, 1]."""
    if tag[:4] == b"para":
        return _parametric(tag)
    if tag[:4] != b"curv":
        raise ValueError(f"unknown kind of curve {tag[:4]!r} in the colour profile")
    (count,) = struct.unpack_from(">I", tag, 8)
    values = np.array(struct.unpack_from(f">{count}H", tag, 12), dtype=np.float64)
    if count == 0:
        return lambda x: x
    if count == 1:
        return lambda x: x ** float(values[0] / 256)
    return lambda x: np.interp(x, np.linspace(0, 1, count), values / 65535)


def _parametric(tag: bytes) -> Curve:
    (kind,) = struct.unpack_from(">H", tag, 8)
    if kind > 4:
        raise ValueError(f"unknown parametric curve {kind} in the colour profile")
    given = struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)
    g, a, b, c, d, e, f = [value / 65536 for value in given] + [0.0] * (7 - len(given))
    if kind == 0:
        a = 1.0
    if kind in (1, 2):  # the break is where the base of the power reaches zero
        c, d, e, f = 0.0, -b / a, c, c
    return lambda x: np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)


def _xyz(tag: bytes) -> Floats:
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536
