"""What a table says of how it was made, and its rows, read again."""

import json
from pathlib import Path
from typing import Any

from snellen.records._forms import BESIDE, manifest_path
from snellen.records._rows import Row


def read_header(path: Path, form: str) -> Row | None:
    """Return the manifest of a table, and what else its writer said; None if it says nothing.

    Parameters
    ----------
    path
        A file that `write_table` may have written.
    form
        ``"csv"``, ``"json"``, ``"jsonl"`` or ``"parquet"``.
    """
    try:
        text = _header_text(path, form)
        header = json.loads(text) if text else None
    except (OSError, ValueError):
        return None
    return header if isinstance(header, dict) and "manifest" in header else None


def _header_text(path: Path, form: str) -> str | bytes | None:
    if form in BESIDE:
        return manifest_path(path).read_text(encoding="utf-8")
    if form == "json":
        with path.open(encoding="utf-8") as file:
            return file.readline().rpartition(', "rows": [')[0] + "}"
    import pyarrow.parquet

    metadata = pyarrow.parquet.read_schema(path).metadata or {}
    found: bytes | None = metadata.get(b"snellen")
    return found


def read_table(path: Path, form: str) -> Any:
    """Read the rows of a file that `write_table` wrote, as a `pyarrow.Table`."""
    import pyarrow.csv
    import pyarrow.parquet

    if form == "parquet":
        return pyarrow.parquet.read_table(path)
    if form == "csv":
        return pyarrow.csv.read_csv(path)
    text = path.read_text(encoding="utf-8")
    rows = json.loads(text)["rows"] if form == "json" else map(json.loads, text.splitlines())
    return pyarrow.Table.from_pylist(list(rows))
