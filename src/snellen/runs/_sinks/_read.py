"""Tables of scores, read again."""

import json
from pathlib import Path
from typing import Any

from snellen.runs._sinks._parts import IDENTITY


def read_table(path: Path, form: str) -> Any:
    """Read the rows of a file, or of a folder of Parquet parts, as a `pyarrow.Table`.

    Parameters
    ----------
    path
        What a sink has finished.
    form
        ``"csv"``, ``"json"``, ``"jsonl"`` or ``"parquet"``.
    """
    import pyarrow.csv
    import pyarrow.parquet

    if path.is_dir():
        files = sorted(path.glob("*part-*.parquet"))
        parts = [pyarrow.parquet.read_table(file).drop_columns([IDENTITY]) for file in files]
        return pyarrow.concat_tables(parts) if parts else pyarrow.table({})
    if form == "parquet":
        return pyarrow.parquet.read_table(path)
    if form == "csv":
        return pyarrow.csv.read_csv(path)
    text = path.read_text(encoding="utf-8")
    rows = json.loads(text)["rows"] if form == "json" else map(json.loads, text.splitlines())
    return pyarrow.Table.from_pylist(list(rows))
