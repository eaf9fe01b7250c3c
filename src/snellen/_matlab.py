"""MATLAB files, whose structure is looked over before scipy reads them: damage crashes it."""

import io
import math
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from snellen._opening import open_regular

# MAT-File Format, tables 1-1 and 1-3: bytes of each numeric type; classes of arrays.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _TEXT = 1, 2, 4
_NUMBERS = range(6, 16)
_MOST_BYTES = 1 << 30


def read_matlab(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the variables of a MATLAB file of version 4 or 5.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    Exception
        Of nearly any class, where the file is damaged, or is none.
    """
    from scipy.io import loadmat

    with open_regular(path) as file:
        data = file.read()
    little = data[126:127] == b"I"
    version = data[124 + little : 125 + little]
    if 0 not in data[:4] and version == b"\1":  # version 4 has no header, and a simpler reader
        order = "<" if little else ">"
        for kind, body in _elements(data[128:], order):
            _check_variable(kind, body, order)
    variables: dict[str, Any] = loadmat(io.BytesIO(data))
    return {name: value for name, value in variables.items() if not name.startswith("__")}


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Split into elements, each of a type and its bytes."""
    place = 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, place)
        start = place + 8
        if kind >> 16:  # a small one, which stands where the size of others does
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
        if start + size > len(data) or (start == place + 4 and size > 4):
            raise ValueError("an element is longer than the file")
        yield kind, data[start : start + size]
        place = start + size if kind == _COMPRESSED else place + 8 * -(-(start + size - place) // 8)


def _check_variable(kind: int, body: bytes, order: str) -> None:
    if kind == _COMPRESSED:
        unpacked = zlib.decompressobj().decompress(body, _MOST_BYTES)
        ((kind, body),) = _elements(unpacked, order)
    if kind != _MATRIX:
        raise ValueError(f"an element of type {kind} where a variable was expected")
    _check_array(body, order)


def _check_array(body: bytes, order: str) -> None:
    """Refuse an array whose parts are of other types or numbers than its class has."""
    if not body:
        return
    (flags_kind, flags), (sizes_kind, sizes), (_, _), *parts = _elements(body, order)
    if (flags_kind, len(flags), sizes_kind) != (6, 8, 5) or len(sizes) % 4:
        raise ValueError("an array without flags or sizes")
    sides = struct.unpack(f"{order}{len(sizes) // 4}i", sizes)
    count, kind = math.prod(sides), struct.unpack(f"{order}I", flags[:4])[0] & 0xFF
    if min(sides, default=0) < 0:
        raise ValueError("an array of negative size")
    if kind in (_TEXT, *_NUMBERS):
        if any(part not in _SIZES for part, _ in parts) or not parts:
            raise ValueError("an array whose values are of no known type")
        return
    if kind not in (_CELL, _STRUCT):
        raise ValueError(f"an array of class {kind}, which is no table")
    if kind == _STRUCT:
        (_, width), (_, names), *parts = parts
        count *= len(names) // max(1, int.from_bytes(width, "little" if order == "<" else "big"))
    if len(parts) != count or any(part != _MATRIX for part, _ in parts):
        raise ValueError(f"{len(parts)} arrays where {count} were expected")
    for _, inner in parts:
        _check_array(inner, order)
