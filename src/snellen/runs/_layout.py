"""The row of an input: its columns, and what is in them."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

from snellen.records import Columns, Row, readable
from snellen.runs._engine import Outcome
from snellen.runs._sources import Item, Source

SEEN: Columns = {"width": "int64", "height": "int64"}
"""Columns of what was seen of an image."""


@dataclass(frozen=True)
class Layout:
    """The columns of a run.

    Attributes
    ----------
    named
        Columns that the input itself fills, with the names of their Arrow types.
    measured
        Columns that an engine fills; ``seconds``, ``sha256`` and ``error`` among them are those of
        the outcome, ``width`` and ``height`` those of the image.
    name
        Makes the values of the named columns.
    """

    named: Columns
    measured: Columns
    name: Callable[[Item], Row]

    @property
    def columns(self) -> Columns:
        """Names in order, with the names of their Arrow types."""
        return {**self.named, **self.measured}

    def row(self, item: Item, done: Outcome) -> Row:
        """Return the row of an input that an engine took."""
        facts = {
            "width": done.width,
            "height": done.height,
            "seconds": done.seconds,
            "sha256": done.sha256,
            "error": done.error,
        }
        found = {**facts, **done.values}
        return self._written(item, {column: found.get(column) for column in self.measured})

    def duplicate(self, item: Item, of: str, sha256: str) -> Row:
        """Return the row of an input that is not scored, because another is the same."""
        nothing: Row = dict.fromkeys(self.measured)
        return self._written(item, {**nothing, "sha256": sha256, "duplicate_of": of})

    def _written(self, item: Item, measured: Mapping[str, Any]) -> Row:
        row = {**self.name(item), **measured}
        return {k: readable(v) if isinstance(v, str) else v for k, v in row.items()}


def file_layout(
    source: Source, measured: Columns, *, image: str = "image", reference: str | None = "reference"
) -> Layout:
    """Lay out rows of files: the image, its reference, carried columns, what is measured.

    Parameters
    ----------
    source
        Where columns are carried through from; one whose name is taken becomes ``source_NAME``.
    measured
        Columns that an engine fills.
    image, reference
        What the columns of the two files are called; None: there is no column of references.
    """
    files = {image: "string", **({} if reference is None else {reference: "string"})}
    taken = {*files, *measured, "image", "reference", "input"}
    carried = {column: _free(column, taken) for column in source.columns}
    kinds = source.columns

    def name(item: Item) -> Row:
        row: Row = {image: item.image.name}
        if reference is not None:
            row[reference] = None if item.reference is None else item.reference.name
        for column, free in carried.items():
            value = item.columns.get(column)
            text = kinds[column] == "string" and value is not None
            row[free] = str(value) if text else value
        return row

    named = {**files, **{free: kinds[column] for column, free in carried.items()}}
    return Layout(named, measured, name)


def _free(name: str, taken: Container[str]) -> str:
    """Return a name that no column of ours has."""
    return f"source_{name}" if name in taken else name
