"""A finished file of results, read again: whose it is, and its rows with their inputs."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from snellen.errors import RunError
from snellen.records import BESIDE, Columns, Row, file_digest, read_header

_IDENTITY = 16  # letters of `Item.identity`


class FinishedFile:
    """Iterating gives (identity of the input, row), in the order of the file.

    Parameters
    ----------
    path
        The file.
    form
        ``"csv"``, ``"json"``, ``"jsonl"`` or ``"parquet"``.
    columns
        The columns that its rows have to have, with the names of their Arrow types.

    Attributes
    ----------
    manifest
        What the rows depend on.

    Raises
    ------
    RunError
        It is no finished file of a run, or was changed after it was written.
    """

    def __init__(self, path: Path, form: str, columns: Columns) -> None:
        self._path, self._form, self._columns = path, form, columns
        header = read_header(path, form)
        inputs = (header or {}).get("run", {}).get("inputs")
        if header is None or not isinstance(inputs, str):
            raise RunError(
                f"{path}: is there already, and is no result of a run that could go on; it is not "
                "replaced. Name another output, or start afresh with --restart (restart=True)."
            )
        if form in BESIDE and header.get("sha256") != file_digest(path):
            raise RunError(
                f"{path}: was changed after it was written, and is not replaced. Name another "
                "output, or start afresh with --restart (restart=True)."
            )
        self.manifest = header["manifest"]
        self._inputs = [inputs[i : i + _IDENTITY] for i in range(0, len(inputs), _IDENTITY)]

    def __len__(self) -> int:
        return len(self._inputs)

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        try:
            yield from zip(self._inputs, _READERS[self._form](self), strict=True)
        except (OSError, ValueError, KeyError) as error:
            raise RunError(
                f"{self._path}: its rows cannot be read again: {error}. Name another output, or "
                "start afresh with --restart (restart=True)."
            ) from error

    def _csv(self) -> Iterator[Row]:
        with self._path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield {name: _parsed(row[name], kind) for name, kind in self._columns.items()}

    def _json_lines(self) -> Iterator[Row]:
        with self._path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)

    def _json(self) -> Iterator[Row]:
        with self._path.open(encoding="utf-8") as file:
            file.readline()  # the header
            for line in file:
                if line.startswith("{"):
                    yield json.loads(line.rstrip().removesuffix(","))

    def _parquet(self) -> Iterator[Row]:
        import pyarrow.parquet

        for batch in pyarrow.parquet.ParquetFile(self._path).iter_batches():
            yield from batch.to_pylist()


def _parsed(text: str, kind: str) -> Any:
    """Return a value of CSV in the type of its column."""
    if text == "":
        return None
    if kind == "bool":
        return text == "True"
    return {"int64": int, "double": float}.get(kind, str)(text)


_READERS: dict[str, Callable[[FinishedFile], Iterator[Row]]] = {
    "csv": FinishedFile._csv,
    "json": FinishedFile._json,
    "jsonl": FinishedFile._json_lines,
    "parquet": FinishedFile._parquet,
}
