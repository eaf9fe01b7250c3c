"""What exam commands write into their folders: tables and manifests."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snellen.records import Row, replace_file, write_arrow


def write_tables(folder: Path, tables: dict[str, Any]) -> None:
    """Write Arrow tables by name, each as CSV and as Parquet; the folder is made."""
    for name, table in tables.items():
        write_arrow(folder / f"{name}.csv", table)
        write_arrow(folder / f"{name}.parquet", table)


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV."""
    import pyarrow

    write_arrow(path, pyarrow.Table.from_pylist(list(rows)))


def write_json(path: Path, value: Any) -> None:
    """Write plain values."""
    replace_file(path, json.dumps(value, indent=2, default=str) + "\n")
