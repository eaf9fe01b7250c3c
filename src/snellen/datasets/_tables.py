"""Score tables of releases: MATLAB, Excel, CSV and plain text files as named columns."""

import csv
import gzip
import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TextIO, cast

import numpy as np
from numpy.typing import NDArray

from snellen._matlab import read_matlab
from snellen._opening import as_text, not_utf8, open_regular
from snellen.errors import DatasetError, reason_text

ScoreTable = dict[str, list[Any]]


def read_score_table(
    path: str | Path, *, columns: Sequence[str] | None = None, sheet: str | None = None
) -> ScoreTable:
    """Read a table of scores, whatever the kind of file.

    Parameters
    ----------
    path
        A ``.mat`` (not HDF5), ``.xlsx``, ``.csv`` (also ``.csv.gz``) or ``.txt`` file.
    columns
        Columns that must be there. In Excel files the first row with all of them is the header,
        wherever it stands; a text file has no header, and its columns get these names.
    sheet
        Sheet of an Excel file; the first one by default.

    Returns
    -------
    dict
        Columns by name. Cells of CSV and text files are text, others have the type of the file;
        variables of MATLAB files are flattened.

    Raises
    ------
    DatasetError
        The file is missing, of another kind, lacks a column, or (Excel) the extra ``datasets`` is
        not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise DatasetError(f"There is no score table {path}.")
    kind = ".csv" if path.name.lower().endswith(".csv.gz") else path.suffix.lower()
    if kind == ".mat":
        table = _read_mat(path)
    elif kind == ".xlsx":
        table = _read_excel(path, columns, sheet)
    elif kind == ".csv":
        table = _read_csv(path)
    elif kind == ".txt":
        table = _read_text(path, columns)
    else:
        raise DatasetError(f"{path}: score tables are .mat, .xlsx, .csv or .txt files.")
    if missing := [name for name in columns or () if name not in table]:
        there = ", ".join(table) or "none"
        raise DatasetError(f"{path} has no column {missing[0]!r}; its columns are {there}.")
    return table


def numbers(table: ScoreTable, column: str, path: Path) -> NDArray[np.float64]:
    """Return a column as numbers, or raise naming the first cell that is none."""
    try:
        return np.asarray(table[column], dtype=np.float64)
    except (TypeError, ValueError):
        row, cell = next((i, v) for i, v in enumerate(table[column]) if not _is_number(v))
        raise DatasetError(
            f"{path}: row {row + 1} of column {column!r} holds {cell!r}, expected a number."
        ) from None


def texts(table: ScoreTable, column: str) -> list[str]:
    """Return a column as text; whole numbers, as Excel stores the name 1600, without a point."""
    return [
        str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
        for cell in table[column]
    ]


def is_empty(cell: object) -> bool:
    """Tell whether a cell holds nothing."""
    return cell is None or cell == "" or (isinstance(cell, float) and np.isnan(cell))


def leading_comments(path: Path) -> dict[str, str]:
    """Return the ``# key: value`` lines at the head of a text file."""
    with _text(path) as lines:
        head = list(itertools.takewhile(lambda line: line.startswith("#"), lines))
    pairs = (line.lstrip("#").partition(":") for line in head)
    return {key.strip().lower(): value.strip() for key, colon, value in pairs if colon}


def _is_number(cell: object) -> bool:
    try:
        float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    """Open a table as text; what is no text, or no table, is an error that says where."""
    try:
        with open_regular(path) as file:
            packed = path.suffix.lower() == ".gz"
            with as_text(cast("IO[bytes]", gzip.open(file)) if packed else file) as text:
                yield text
    except UnicodeDecodeError as error:
        raise DatasetError(not_utf8(str(path), error)) from error
    except csv.Error as error:
        raise DatasetError(f"{path}: cannot be read as CSV: {error}.") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = reason_text(error)
        raise DatasetError(f"{path}: cannot be read: {reason}.") from error


def _read_mat(path: Path) -> ScoreTable:
    try:
        variables = read_matlab(path)
    except Exception as error:  # damaged files make the reader fail in any way there is
        reason = reason_text(error)
        raise DatasetError(f"{path} cannot be read as a MATLAB file: {reason}") from error
    return {name: _flatten(value) for name, value in variables.items()}


def _flatten(value: NDArray[Any]) -> list[Any]:
    """MATLAB nests: a cell array of strings arrives as arrays in arrays."""
    if value.dtype != np.object_:
        return (
            value.ravel().tolist() if value.dtype.kind != "U" else [str(v) for v in value.ravel()]
        )
    return [_innermost(cell) for cell in value.ravel()]


def _innermost(cell: Any) -> Any:
    while isinstance(cell, np.ndarray) and cell.size == 1:
        cell = cell.ravel()[0]
    return str(cell) if isinstance(cell, str) else cell


def _read_excel(path: Path, columns: Sequence[str] | None, sheet: str | None) -> ScoreTable:
    try:
        import openpyxl
    except ImportError as error:
        raise DatasetError(
            f"Reading {path} needs openpyxl: pip install 'snellen[datasets]'."
        ) from error
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # damaged files make the reader fail in any way there is
        reason = reason_text(error)
        raise DatasetError(f"{path} cannot be read as an Excel file: {reason}") from error
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise DatasetError(f"{path} has no sheet {sheet!r}, but {', '.join(book.sheetnames)}.")
        rows = [list(row) for row in book[sheet or book.sheetnames[0]].iter_rows(values_only=True)]
    finally:
        book.close()
    return _below_header(rows, columns, path)


def _below_header(rows: list[list[Any]], columns: Sequence[str] | None, path: Path) -> ScoreTable:
    headers = [[str(cell).strip() for cell in row if not is_empty(cell)] for row in rows]
    wanted = set(columns or ())
    start = next((i for i, cells in enumerate(headers) if cells and wanted <= set(cells)), None)
    if start is None:
        raise DatasetError(f"{path}: no row holds all of the columns {', '.join(columns or ())}.")
    header = {str(c).strip(): i for i, c in enumerate(rows[start]) if not is_empty(c)}
    body = [row for row in rows[start + 1 :] if any(not is_empty(row[i]) for i in header.values())]
    return {name: [row[i] for row in body] for name, i in header.items()}


def _read_csv(path: Path) -> ScoreTable:
    with _text(path) as stream:
        below = itertools.dropwhile(lambda line: line.startswith("#"), stream)
        lines = [line for line in below if line.strip()]
        delimiter = max(",;\t", key=lines[0].count) if lines else ","
        header, *rows = csv.reader(lines, delimiter=delimiter) if lines else [[]]
    if not header:
        raise DatasetError(f"{path} is empty: expected a header and a row per image.")
    return _transpose([name.strip() for name in header], rows, path)


def _read_text(path: Path, columns: Sequence[str] | None) -> ScoreTable:
    with _text(path) as stream:
        rows = [line.replace(",", " ").split() for line in stream if line.strip()]
    if not rows:
        raise DatasetError(f"{path} is empty: expected a line per image.")
    return _transpose(list(columns or map(str, range(len(rows[0])))), rows, path)


def _transpose(header: Sequence[str], rows: Iterable[list[str]], path: Path) -> ScoreTable:
    rows = list(rows)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise DatasetError(
                f"{path}: row {number} has {len(row)} cells, expected {len(header)} "
                f"({', '.join(header)})."
            )
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}
