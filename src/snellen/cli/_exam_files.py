"""What exam commands write into their folders: tables and manifests."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def write_tables(folder: Path, tables: dict[str, Any]) -> None:
    """Write Arrow tables by name, each as CSV and as Parquet; the folder is made."""
    import pyarrow.csv
    import pyarrow.parquet

    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        pyarrow.csv.write_csv(table, folder / f"{name}.csv")
        pyarrow.parquet.write_table(table, folder / f"{name}.parquet")


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as CSV."""
    import pyarrow
    import pyarrow.csv

    pyarrow.csv.write_csv(pyarrow.Table.from_pylist(list(rows)), path)


def write_json(path: Path, value: Any) -> None:
    """Write plain values."""
    path.write_text(json.dumps(value, indent=2, default=str) + "\n", encoding="utf-8")
