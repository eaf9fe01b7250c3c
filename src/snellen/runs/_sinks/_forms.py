"""Tables longer than memory, written piece by piece into a file that appears whole."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

from snellen.runs._journal import Row
from snellen.runs._sinks._sink import Columns
from snellen.runs._tables import (
    manifest_header,
    replace_file,
    replacing,
    to_csv,
    to_json_lines,
)

_PIECE = 4096


def write_form(path: Path, form: str, rows: Iterable[Row], columns: Columns, manifest: Any) -> None:
    """Write rows and their manifest; an earlier file stays whole until the new one is.

    Parameters
    ----------
    path
        The file. JSON and Parquet hold the manifest themselves; beside CSV and JSON lines it
        becomes ``NAME.manifest.json``.
    form
        ``"csv"``, ``"json"``, ``"jsonl"`` or ``"parquet"``.
    rows
        Rows; a column that one of them has not is empty.
    columns
        The columns.
    manifest
        What it takes to get the same numbers again.
    """
    pieces = _pieces(rows, columns)
    with replacing(path) as file:
        _WRITERS[form](file, pieces, columns, manifest)
    if form in ("csv", "jsonl"):
        text = json.dumps(manifest_header(manifest), indent=2, default=str)
        replace_file(path.with_name(f"{path.name}.manifest.json"), text.encode())


def _pieces(rows: Iterable[Row], columns: Columns) -> Iterator[list[Row]]:
    whole = ({name: row.get(name) for name in columns} for row in rows)
    while piece := list(islice(whole, _PIECE)):
        yield piece


def _csv(file: IO[bytes], pieces: Iterator[list[Row]], columns: Columns, manifest: Any) -> None:
    file.write(to_csv([dict.fromkeys(columns)]).split(b"\n", 1)[0] + b"\n")
    for piece in pieces:
        file.write(to_csv(piece, header=False))


def _json_lines(
    file: IO[bytes], pieces: Iterator[list[Row]], columns: Columns, manifest: Any
) -> None:
    for piece in pieces:
        file.write(to_json_lines(piece))


def _json(file: IO[bytes], pieces: Iterator[list[Row]], columns: Columns, manifest: Any) -> None:
    header = json.dumps(manifest_header(manifest), default=str)
    file.write(header[:-1].encode() + b', "rows": [')
    for i, piece in enumerate(pieces):
        lines = to_json_lines(piece).rstrip(b"\n").replace(b"\n", b",\n")
        file.write((b",\n" if i else b"\n") + lines)
    file.write(b"\n]}\n")


def _parquet(file: IO[bytes], pieces: Iterator[list[Row]], columns: Columns, manifest: Any) -> None:
    import pyarrow
    import pyarrow.parquet

    schema = arrow_schema(columns, manifest)
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        for piece in pieces:
            writer.write_table(pyarrow.Table.from_pylist(piece, schema=schema))


def arrow_schema(columns: Columns, manifest: Any = None) -> Any:
    """Return the Arrow schema of a table, with its manifest under ``snellen``."""
    import pyarrow

    fields = [(name, pyarrow.type_for_alias(kind)) for name, kind in columns.items()]
    metadata = {"snellen": json.dumps(manifest_header(manifest), default=str)}
    return pyarrow.schema(fields, metadata=metadata)


def write_part(path: Path, rows: Sequence[Row], columns: Columns, manifest: Any) -> None:
    """Write one part of a Parquet dataset, whole or not at all."""
    with replacing(path) as file:
        _parquet(file, _pieces(rows, columns), columns, manifest)


_Writer = Callable[[IO[bytes], Iterator[list[Row]], Columns, Any], None]
_WRITERS: dict[str, _Writer] = {
    "csv": _csv,
    "json": _json,
    "jsonl": _json_lines,
    "parquet": _parquet,
}
