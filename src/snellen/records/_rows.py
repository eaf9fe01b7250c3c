"""Rows and their columns, and text that any file can hold."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
"""Plain values by column."""

Columns: TypeAlias = Mapping[str, str]
"""Names of columns in order, with the names of their Arrow types."""


def columns_of(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """Return the columns of rows, typed by their values; one that holds only nulls is a number.

    Examples
    --------
    >>> columns_of([{"image": "a.png", "width": 3, "score": None}])
    {'image': 'string', 'width': 'int64', 'score': 'double'}
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _kind(name, [row.get(name) for row in rows]) for name in names}


def _kind(name: str, values: Sequence[Any]) -> str:
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds:
        return "string" if name == "error" else "double"
    if kinds == {bool}:
        return "bool"
    if kinds <= {int, bool}:
        return "int64"
    return "double" if kinds <= {int, float} else "string"


def readable(text: str) -> str:
    r"""Return text that any file can hold: bytes of a file name that are no UTF-8 are escaped.

    Examples
    --------
    >>> readable("caf\udce9.png")
    'caf\\xe9.png'
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    return text
