"""The row of an input: its columns, and what is in them."""

from collections.abc import Container, Sequence

from snellen.runs._engine import Outcome
from snellen.runs._journal import Row
from snellen.runs._sources import Item, Source


class Layout:
    """The columns of a run.

    Parameters
    ----------
    source
        Where columns are carried through from.
    metrics
        Names of the metrics, one column each.
    dedupe
        Whether there is a column for the image that came before.

    Attributes
    ----------
    columns
        Names in order, with the names of their Arrow types.
    """

    def __init__(self, source: Source, metrics: Sequence[str], dedupe: bool) -> None:
        measured = {
            "width": "int64",
            "height": "int64",
            **dict.fromkeys(metrics, "double"),
            "seconds": "double",
            "sha256": "string",
            **({"duplicate_of": "string"} if dedupe else {}),
            "error": "string",
        }
        files = {"image": "string", **({"reference": "string"} if source.has_references else {})}
        taken = {*files, *measured, "reference", "input"}
        self._carried = {name: _free(name, taken) for name in source.columns}
        self._empty: Row = dict.fromkeys(measured)
        self._has_references = source.has_references
        carried = {self._carried[name]: kind for name, kind in source.columns.items()}
        self._kinds = source.columns
        self.columns = {**files, **carried, **measured}

    def scored(self, item: Item, done: Outcome) -> Row:
        """Return the row of an input that an engine took."""
        return {
            **self._start(item),
            "width": done.width,
            "height": done.height,
            **done.scores,
            "seconds": done.seconds,
            "sha256": done.sha256,
            "error": done.error,
        }

    def duplicate(self, item: Item, of: str, sha256: str) -> Row:
        """Return the row of an input that is not scored, because another is the same."""
        return {**self._start(item), "sha256": sha256, "duplicate_of": of}

    def _start(self, item: Item) -> Row:
        row: Row = {"image": item.image.name}
        if self._has_references:
            row["reference"] = None if item.reference is None else item.reference.name
        for name, column in self._carried.items():
            value = item.columns.get(name)
            text = self._kinds[name] == "string" and value is not None
            row[column] = str(value) if text else value
        return {**row, **self._empty}


def _free(name: str, taken: Container[str]) -> str:
    """Return a name that no column of ours has."""
    return f"source_{name}" if name in taken else name
