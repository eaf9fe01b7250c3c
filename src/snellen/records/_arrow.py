"""Arrow tables in files: Parquet or CSV, whole or not at all."""

from pathlib import Path
from typing import Any

from snellen.errors import TableError
from snellen.records._files import PathLike, replacing


def write_arrow(path: PathLike, table: Any) -> Path:
    """Write a `pyarrow.Table`; an earlier file stays whole until the new one is.

    Parameters
    ----------
    path
        The file: ``.parquet`` or ``.csv``; folders are made.
    table
        The table.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TableError
        The suffix is another one.
    """
    import pyarrow.csv
    import pyarrow.parquet

    target = Path(path)
    writers = {".csv": pyarrow.csv.write_csv, ".parquet": pyarrow.parquet.write_table}
    if target.suffix not in writers:
        raise TableError(f"{path}: expected the suffix .csv or .parquet.")
    with replacing(target) as file:
        writers[target.suffix](table, file)
    return target
