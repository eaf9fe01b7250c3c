"""Tables in files: CSV, JSON, JSON lines and Parquet, longer than memory, whole or not at all."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeAlias

from snellen.errors import TableError
from snellen.records._files import PathLike, file_digest, replace_file, replacing
from snellen.records._rows import Columns, Row, columns_of

SCHEMA_VERSION = 1
_PIECE = 4096  # rows that are turned into bytes together

Pieces: TypeAlias = Iterator[list[Row]]


def format_of(path: PathLike) -> str:
    """Tell the format of a file of results from its suffix.

    Raises
    ------
    TableError
        The suffix is not one of `FORMATS`.

    Examples
    --------
    >>> format_of("scores.parquet")
    'parquet'
    """
    suffix = Path(path).suffix.lower().lstrip(".")
    if suffix not in FORMATS:
        raise TableError(
            f"{path}: the format cannot be told from the suffix; use one of "
            f"{', '.join('.' + name for name in FORMATS)}, or --format."
        )
    return suffix


def write_table(
    path: PathLike,
    rows: Iterable[Mapping[str, Any]],
    manifest: Any = None,
    *,
    form: str | None = None,
    columns: Columns | None = None,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write rows and their manifest; an earlier file stays whole until the new one is.

    Parameters
    ----------
    path
        The file. JSON and Parquet hold the manifest themselves; beside CSV and JSON lines it
        becomes ``NAME.manifest.json``, with the SHA-256 of the table.
    rows
        Rows; a column that one of them lacks is empty there.
    manifest
        What it takes to get the same numbers again.
    form
        One of `FORMATS`; by default that of the suffix.
    columns
        Names and Arrow types of the columns; by default those of the rows, typed by their values.
    about
        What else to say beside the manifest, such as how many rows failed.

    Raises
    ------
    TableError
        The form is not known.
    """
    target, form = Path(path), form or format_of(path)
    if columns is None:
        rows = list(rows)
        columns = columns_of(rows)
    header = {**manifest_header(manifest), **(about or {})}
    with replacing(target) as file:
        _write(file, form, rows, columns, header)
    if form in BESIDE:
        header["sha256"] = file_digest(target)  # so that both can be told to belong together
        text = json.dumps(header, indent=2, default=str)
        replace_file(manifest_path(target), f"{text}\n")


def table_bytes(rows: Sequence[Mapping[str, Any]], form: str, manifest: Any = None) -> bytes:
    r"""Return a table as the bytes of a file.

    Examples
    --------
    >>> table_bytes([{"image": "a.png", "psnr": 31.5}], "csv")
    b'image,psnr\na.png,31.5\n'
    """
    buffer = io.BytesIO()
    _write(buffer, form, rows, columns_of(rows), manifest_header(manifest))
    return buffer.getvalue()


def manifest_header(manifest: Any) -> Row:
    """Return a manifest with the version of its layout."""
    return {"schema": SCHEMA_VERSION, "manifest": manifest}


def manifest_path(path: Path) -> Path:
    """Name the file that holds the manifest of a CSV or JSON lines file."""
    return path.with_name(f"{path.name}.manifest.json")


def csv_lines(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> str:
    """Return rows as lines of CSV without a header; missing values are empty."""
    lines = _Lines()
    writer = csv.DictWriter(lines, list(columns), lineterminator="\r\n")
    writer.writerows(rows)
    return "".join(lines)


def csv_header(columns: Iterable[str]) -> str:
    """Return the first line of a CSV file."""
    names = list(columns)
    return csv_lines([dict(zip(names, names, strict=True))], names)


def json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as one JSON object a line; not-a-number and infinities become null."""
    return "".join(json.dumps(_finite(row)) + "\n" for row in rows)


def arrow_schema(columns: Columns, header: Mapping[str, Any]) -> Any:
    """Return the Arrow schema of a table, with its manifest under ``snellen``."""
    import pyarrow

    fields = [(name, pyarrow.type_for_alias(kind)) for name, kind in columns.items()]
    return pyarrow.schema(fields, metadata={"snellen": json.dumps(header, default=str)})


class _Lines(list[str]):
    """Lines of CSV as they are written.

    The writer quotes the characters of its line terminator. With both of them in it a carriage
    return in a cell is quoted too, which other readers take for the end of a row.
    """

    def write(self, line: str) -> None:
        self.append(f"{line[:-2]}\n")


def _write(
    file: IO[bytes],
    form: str,
    rows: Iterable[Mapping[str, Any]],
    columns: Columns,
    header: Mapping[str, Any],
) -> None:
    FORMATS[form](file, _pieces(rows, columns), columns, header)


def _pieces(rows: Iterable[Mapping[str, Any]], columns: Columns) -> Pieces:
    whole = ({name: row.get(name) for name in columns} for row in rows)
    while piece := list(islice(whole, _PIECE)):
        yield piece


def _csv(file: IO[bytes], pieces: Pieces, columns: Columns, header: Mapping[str, Any]) -> None:
    file.write(csv_header(columns).encode())
    for piece in pieces:
        file.write(csv_lines(piece, columns).encode())


def _json(file: IO[bytes], pieces: Pieces, columns: Columns, header: Mapping[str, Any]) -> None:
    start = json.dumps(header, default=str)
    file.write(start[:-1].encode() + b', "rows": [')
    for i, piece in enumerate(pieces):
        lines = json_lines(piece).rstrip("\n").replace("\n", ",\n")
        file.write(f"{',' if i else ''}\n{lines}".encode())
    file.write(b"\n]}\n")


def _json_lines(
    file: IO[bytes], pieces: Pieces, columns: Columns, header: Mapping[str, Any]
) -> None:
    for piece in pieces:
        file.write(json_lines(piece).encode())


def _parquet(file: IO[bytes], pieces: Pieces, columns: Columns, header: Mapping[str, Any]) -> None:
    import pyarrow
    import pyarrow.parquet

    schema = arrow_schema(columns, header)
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        for piece in pieces:
            writer.write_table(pyarrow.Table.from_pylist(piece, schema=schema))


def _finite(row: Mapping[str, Any]) -> Row:
    """JSON has no NaN or infinity."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


_Writer: TypeAlias = Callable[[IO[bytes], Pieces, Columns, Mapping[str, Any]], None]
FORMATS: dict[str, _Writer] = {
    "csv": _csv,
    "json": _json,
    "jsonl": _json_lines,
    "parquet": _parquet,
}
"""Forms of a table by name, which is also the suffix of its file."""

BESIDE = ("csv", "jsonl")
"""Forms that cannot hold their manifest: it lies in a file beside them."""
