"""Tables and lists that name images: CSV, Parquet, and one name a line."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from snellen._opening import as_text, not_utf8
from snellen.errors import SourceError, reason_text
from snellen.runs._sources._addresses import beside, is_remote, suffix_of
from snellen.runs._sources._item import Item, Location, one_reference
from snellen.runs._sources._remote import open_named
from snellen.runs._sources._source import Source

TABLE_SUFFIXES = (".csv", ".parquet", ".txt")
"""Files that name images, one a row."""

_BATCH = 4096


def table_source(name: str, reference: str | None) -> Source:
    """Make a source of a table with a column ``image``, or of a list of names.

    Parameters
    ----------
    name
        CSV or Parquet file, columns ``image`` and, if there are references, ``reference``; all
        others are carried through. Or a text file, one name a line. Names are relative to the
        file, or addresses.
    reference
        One reference for all images of a table without that column.

    Raises
    ------
    SourceError
        The file cannot be read, has no column ``image``, or two of that name; or the reference
        is no file.
    """
    suffix = suffix_of(name)
    if suffix == ".txt":
        return _table(name, reference, {"image": "string"}, lambda: _lines(name), None)
    if suffix == ".csv":
        columns = dict.fromkeys(_header(name), "string")
        return _table(name, reference, columns, lambda: _csv_rows(name), _csv_count(name))
    columns, count = _parquet_columns(name)
    return _table(name, reference, columns, lambda: _parquet_rows(name, columns), count)


def _table(
    name: str, reference: str | None, columns: Mapping[str, str], rows: Any, count: int | None
) -> Source:
    if "image" not in columns:
        there = ", ".join(columns) or "none"
        raise SourceError(f"{name}: expected a column 'image'; its columns: {there}.")
    if "reference" in columns and reference is not None:
        raise SourceError(f"{name} names references of its own: leave out {reference}.")
    shared = one_reference(reference, name)
    carried = {key: kind for key, kind in columns.items() if key not in ("image", "reference")}

    def items() -> Iterator[Item]:
        for number, row in enumerate(rows(), start=1):
            yield _item(name, number, row, shared, carried)

    return Source(
        items,
        count=count,
        columns=carried,
        has_references=shared is not None or "reference" in columns,
    )


def _item(
    table: str,
    number: int,
    row: Mapping[str, Any],
    shared: Location | None,
    carried: Iterable[str],
) -> Item:
    columns = {key: row.get(key) for key in carried}
    named, reference = row.get("image"), row.get("reference")
    if not named:
        why = f"row {number} of {table} names no image"
        return Item(Location(f"{table}::{number}"), shared, columns, why)
    try:
        own = Location(beside(table, str(reference))) if reference else shared
        return Item(Location(beside(table, str(named))), own, columns)
    except SourceError as error:
        return Item(Location(str(named)), shared, columns, f"row {number} of {table}: {error}")


@contextmanager
def _text(name: str) -> Iterator[TextIO]:
    """Open a table as text; what is no text is an error that says where."""
    try:
        with open_named(name, whole=True) as file, as_text(file) as text:
            yield text
    except UnicodeDecodeError as error:
        raise SourceError(not_utf8(name, error)) from error
    except csv.Error as error:
        raise SourceError(f"{name}: cannot be read as CSV: {error}.") from error
    except OSError as error:
        raise SourceError(f"{name}: cannot be read: {reason_text(error)}.") from error


def _lines(name: str) -> Iterator[dict[str, Any]]:
    with _text(name) as text:
        for line in text:
            if line.strip():
                yield {"image": line.strip()}


def _header(name: str) -> list[str]:
    with _text(name) as text:
        found = next(csv.reader(text), [])
    for column in ("image", "reference"):
        if found.count(column) > 1:
            raise SourceError(f"{name}: expected one column {column!r}, found several.")
    return found


def _csv_rows(name: str) -> Iterator[dict[str, Any]]:
    with _text(name) as text:
        for row in csv.DictReader(text):
            yield {key: value or None for key, value in row.items() if key is not None}


def _csv_count(name: str) -> int | None:
    if is_remote(name):
        return None
    with _text(name) as text:
        return max(0, sum(1 for row in csv.reader(text) if row) - 1)


def _parquet_columns(name: str) -> tuple[dict[str, str], int]:
    with _parquet(name) as table:
        kinds = {field.name: _kind(field.type) for field in table.schema_arrow}
        return kinds, int(table.metadata.num_rows)


@contextmanager
def _parquet(name: str) -> Iterator[Any]:
    """Open a Parquet file; damage, wherever it shows, is an error that names the file."""
    import pyarrow.parquet

    with open_named(name) as file:
        try:
            yield pyarrow.parquet.ParquetFile(file)
        except Exception as error:  # damaged bytes raise nearly any class
            reason = reason_text(error)
            raise SourceError(f"{name}: cannot be read as Parquet: {reason}") from error


def _kind(arrow_type: Any) -> str:
    """Return the type of a carried column; what is no plain value becomes text."""
    from pyarrow import types

    if types.is_integer(arrow_type):
        return "int64"
    if types.is_floating(arrow_type):
        return "double"
    return "bool" if types.is_boolean(arrow_type) else "string"


def _parquet_rows(name: str, columns: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    with _parquet(name) as table:
        for batch in table.iter_batches(batch_size=_BATCH):
            for row in batch.to_pylist():
                yield {key: _plain(value, columns[key]) for key, value in row.items()}


def _plain(value: Any, kind: str) -> Any:
    return str(value) if kind == "string" and value is not None else value
