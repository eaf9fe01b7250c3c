"""From what a user names to a sink."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snellen.errors import RunError
from snellen.records import FORMATS, Columns, format_of, read_table
from snellen.runs._sinks._file import FileSink
from snellen.runs._sinks._parts import PartsSink, read_parts
from snellen.runs._sinks._sink import Sink


def open_sink(
    path: Path,
    columns: Columns,
    manifest: Any,
    *,
    form: str | None = None,
    shard: str = "",
    restart: bool = False,
    failures: Path | None = None,
    about: Mapping[str, Any] | None = None,
) -> Sink:
    """Open a file of results, or a folder of Parquet parts, and find what is there already.

    Parameters
    ----------
    path
        A file whose suffix tells the form; or a folder: one that exists, or a name without a
        suffix.
    columns
        Columns of the table, with the names of their Arrow types.
    manifest
        What it takes to get the same numbers again.
    form
        One of `FORMATS`, where the suffix does not tell.
    shard
        Which part of the source this is, such as ``"1/16"``; empty for all of it.
    restart
        Whether to throw away what an earlier run left.
    failures
        A CSV file for the rows that carry an error; only with a file.
    about
        What else to say beside the manifest; only with a file.

    Raises
    ------
    RunError, TableError
        The form is not known, or the results there are of another run.
    """
    if is_folder(path, form):
        if form not in (None, "parquet"):
            raise RunError(
                f"{path}: a folder holds Parquet parts; {form} needs the name of a file."
            )
        return PartsSink(path, columns, manifest, shard, restart)
    if form is not None and form not in FORMATS:
        raise RunError(f"format: expected one of {', '.join(FORMATS)}; got {form!r}.")
    return FileSink(
        path, form or format_of(path), columns, manifest,
        restart=restart, failures=failures, about=about,
    )  # fmt: skip


def is_folder(path: Path, form: str | None = None) -> bool:
    """Tell whether results go to a folder of parts."""
    return path.is_dir() or (not path.suffix and form in (None, "parquet"))


def read_sink(path: Path, form: str) -> Any:
    """Read the rows of a file, or of a folder of Parquet parts, as a `pyarrow.Table`."""
    return read_parts(path) if path.is_dir() else read_table(path, form)
