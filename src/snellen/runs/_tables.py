"""Rows to files: CSV, JSON, JSON lines, Parquet; whole or not at all."""

import csv
import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from snellen.errors import SnellenError
from snellen.runs._journal import Row

SCHEMA_VERSION = 1


class TableError(SnellenError, ValueError):
    """A table cannot be written in the form that was asked for."""


def format_of(path: Path) -> str:
    """Tell the format of a file of results from its suffix.

    Raises
    ------
    TableError
        The suffix is not one of `FORMATS`.

    Examples
    --------
    >>> format_of(Path("scores.parquet"))
    'parquet'
    """
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in FORMATS:
        raise TableError(
            f"{path}: the format cannot be told from the suffix; use one of "
            f"{', '.join('.' + name for name in FORMATS)}, or --format."
        )
    return suffix


def write_table(path: Path, rows: Sequence[Row], format_: str, manifest: Any) -> None:
    """Write rows and their manifest; an earlier file stays whole until the new one is.

    Parameters
    ----------
    path
        The file. JSON and Parquet hold the manifest themselves; beside CSV and JSON lines it
        becomes ``NAME.manifest.json``.
    rows
        Rows with the same columns.
    format_
        One of `FORMATS`.
    manifest
        What it takes to get the same numbers again.
    """
    data = FORMATS[format_](rows, manifest)
    replace_file(path, data)
    if format_ in ("csv", "jsonl"):
        text = json.dumps(manifest_header(manifest), indent=2, default=str)
        replace_file(path.with_name(f"{path.name}.manifest.json"), text.encode())


def to_csv(rows: Sequence[Row], manifest: Any = None, *, header: bool = True) -> bytes:
    """Return rows as CSV; missing values are empty."""
    text = io.StringIO()
    columns = list(rows[0]) if rows else []
    writer = csv.DictWriter(text, fieldnames=columns, lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def to_json_lines(rows: Sequence[Row], manifest: Any = None) -> bytes:
    """Return rows as one JSON object a line; not-a-number and infinities become null."""
    return "".join(json.dumps(_finite(row)) + "\n" for row in rows).encode()


def to_json(rows: Sequence[Row], manifest: Any = None) -> bytes:
    """Return rows and manifest as one JSON document."""
    document = {**manifest_header(manifest), "rows": [_finite(row) for row in rows]}
    return (json.dumps(document, indent=2, default=str) + "\n").encode()


def to_parquet(rows: Sequence[Row], manifest: Any = None) -> bytes:
    """Return rows as Parquet with the manifest in the file's metadata, under ``snellen``."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pylist(list(rows), schema=_schema(rows))
    metadata = {"snellen": json.dumps(manifest_header(manifest), default=str)}
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), sink)
    return sink.getvalue()


def _schema(rows: Sequence[Row]) -> Any:
    """Type every column by its values; one that holds only nulls is taken for numbers."""
    import pyarrow

    def column_type(name: str) -> Any:
        values = {type(row[name]) for row in rows} - {type(None)}
        if values <= {int} and values:
            return pyarrow.int64()
        return pyarrow.string() if str in values or name == "error" else pyarrow.float64()

    return pyarrow.schema([(name, column_type(name)) for name in (rows[0] if rows else {})])


def manifest_header(manifest: Any) -> Row:
    """Return a manifest with the version of its layout."""
    return {"schema": SCHEMA_VERSION, "manifest": manifest}


def _finite(row: Row) -> Row:
    """JSON has no NaN or infinity."""
    return {
        k: None if isinstance(v, float) and not (-float("inf") < v < float("inf")) else v
        for k, v in row.items()
    }


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; folders are made."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that takes the place of `path` once it is whole and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(handle)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)  # mkstemp makes files private
        os.replace(temporary, path)  # noqa: PTH105 - the atomic one
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_leftovers(path: Path) -> None:
    """Delete the unfinished files of `replacing` that a killed process left beside `path`."""
    leftover = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")  # as tempfile names them
    for file in path.parent.iterdir():
        if leftover.fullmatch(file.name):
            file.unlink(missing_ok=True)


FORMATS: dict[str, Callable[..., bytes]] = {
    "csv": to_csv,
    "json": to_json,
    "jsonl": to_json_lines,
    "parquet": to_parquet,
}
"""Forms of a table by name, which is also the suffix of its file."""
