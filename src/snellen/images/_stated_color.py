"""What a file says of its colours in numbers rather than by a profile: code points and gamma."""

import logging
import struct
from typing import IO, NamedTuple

from PIL import Image

from snellen.images._made_profiles import (
    broken_curve,
    grey_profile,
    matrix_profile,
    power_curve,
)

logger = logging.getLogger(__name__)

_D65 = (0.3127, 0.3290)
_BT709 = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65)
_BT601_525 = (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65)
_P3 = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)

# Rec. ITU-T H.273 (07/2024), table 2: x and y of red, green, blue and white.
_PRIMARIES: dict[int, tuple[float, ...]] = {
    1: _BT709,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),
    6: _BT601_525,
    7: _BT601_525,
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    11: (*_P3, 0.314, 0.351),
    12: (*_P3, *_D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65),
}
# Table 3, from value to linear light; 1, 6, 14 and 15 are one curve.
_BT709_CURVE = broken_curve(1 / 0.45, 1 / 1.099297, 0.099297 / 1.099297, 1 / 4.5, 0.081243)
_SRGB_CURVE = broken_curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_CURVES = {
    **dict.fromkeys((1, 6, 14, 15), _BT709_CURVE),
    4: power_curve(2.2),
    5: power_curve(2.8),
    8: power_curve(1),
    13: _SRGB_CURVE,
}
_HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}
_UNSPECIFIED = 2
_SRGB_GAMMA, _SAME_GAMMA = 0.45455, 0.05
_SAME_CHROMATICITY = 0.002


class CodePoints(NamedTuple):
    """Colour primaries and transfer characteristics by the numbers of ITU-T H.273."""

    primaries: int
    transfer: int
    matrix: int = 0
    full_range: int = 1

    def __str__(self) -> str:
        transfer = _HIGH_DYNAMIC_RANGE.get(self.transfer, self.transfer)
        return f"primaries {self.primaries}, transfer {transfer}, matrix {self.matrix}"


def stated_profile(image: Image.Image, points: CodePoints | None, name: str) -> bytes | None:
    """Return the profile that a file stands for, made or embedded; None for sRGB.

    Code points go before an embedded profile and that before gamma and chromaticities, as
    PNG (third edition, 4.3) says. What cannot be converted is logged as a warning.

    Parameters
    ----------
    image
        An opened image, or one in memory that remembers what its file said.
    points
        Of the file.
    name
        What to call it in messages.
    """
    icc = image.info.get("icc_profile")
    embedded = icc if isinstance(icc, bytes) and icc else None
    grey = image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")
    if points is not None:
        try:
            return _of_code_points(points, grey)
        except ValueError as error:
            rest = "read as sRGB" if embedded is None else "read by its embedded profile"
            logger.warning("%s: colours (%s) ignored: %s; %s", name, points, error, rest)
            return embedded
    if embedded is not None or "srgb" in image.info:
        return embedded
    try:
        return _of_gamma(image, grey)
    except (ValueError, TypeError) as error:
        logger.warning("%s: gamma or chromaticities ignored: %s; read as sRGB", name, error)
        return None


def _of_code_points(points: CodePoints, grey: bool) -> bytes | None:
    primaries = 1 if points.primaries == _UNSPECIFIED else points.primaries
    transfer = 13 if points.transfer == _UNSPECIFIED else points.transfer
    if transfer in _HIGH_DYNAMIC_RANGE:
        kind = _HIGH_DYNAMIC_RANGE[transfer]
        raise ValueError(f"{kind} is of high dynamic range and has to be tone-mapped first")
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        raise ValueError("these code points are not known")
    if points.matrix != 0 or points.full_range != 1:
        raise ValueError("they are not of RGB in full range")
    return _profile(_PRIMARIES[primaries], _CURVES[transfer], grey)


def _of_gamma(image: Image.Image, grey: bool) -> bytes | None:
    gamma, corners = image.info.get("gamma"), image.info.get("chromaticity")
    if gamma is None and corners is None:
        return None
    chromaticities = _BT709 if corners is None else (*corners[2:], *corners[:2])
    if gamma is None:
        if _near(chromaticities, _BT709):
            return None
        raise ValueError("chromaticities without a gamma")
    if not gamma > 0:
        raise ValueError(f"a gamma of {gamma:g}")
    # Programs write 1 / 2.2 where they mean sRGB; libpng, too, takes 5 % for the same.
    like_srgb = abs(gamma / _SRGB_GAMMA - 1) <= _SAME_GAMMA
    curve = _SRGB_CURVE if like_srgb else power_curve(1 / gamma)
    return _profile(chromaticities, curve, grey)


def _profile(chromaticities: tuple[float, ...], curve: bytes, grey: bool) -> bytes | None:
    if curve == _SRGB_CURVE and (grey or _near(chromaticities, _BT709)):
        return None
    return grey_profile(curve) if grey else matrix_profile(chromaticities, curve)


def _near(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(abs(a - b) <= _SAME_CHROMATICITY for a, b in zip(one, other, strict=True))


def code_points(image: Image.Image, stream: IO[bytes]) -> CodePoints | None:
    """Read the code points of a PNG, AVIF or HEIF file; the stream stays where it was.

    A profile in an AVIF or HEIF file goes before its code points, which then are for the decoder.
    """
    position = stream.tell()
    try:
        if image.format == "PNG":
            return _png_code_points(stream)
        if image.format in ("AVIF", "HEIF") and not image.info.get("icc_profile"):
            return _isobmff_code_points(stream)
    finally:
        stream.seek(position)
    return None


def _png_code_points(stream: IO[bytes]) -> CodePoints | None:
    stream.seek(8)
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"cICP" and length == 4:
            return CodePoints(*data) if len(data := stream.read(4)) == 4 else None
        if kind in (b"IDAT", b"IEND"):
            return None
        stream.seek(length + 4, 1)
    return None


def _isobmff_code_points(stream: IO[bytes]) -> CodePoints | None:
    """Code points in the meta box, which lies before the pixels; the decoder applies matrix."""
    stream.seek(0)
    data = stream.read()
    end = data.find(b"mdat")
    start = data.find(b"colrnclx", 0, end if end > 0 else None)
    if start < 0 or len(data) < start + 12:
        return None
    primaries, transfer = struct.unpack_from(">HH", data, start + 8)
    return CodePoints(primaries, transfer)
