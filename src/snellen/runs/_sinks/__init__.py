"""Where rows go: a file that is written whole at the end, or a folder of Parquet parts."""

from snellen.runs._sinks._manifest import RunError
from snellen.runs._sinks._open import is_folder, open_sink
from snellen.runs._sinks._read import read_table
from snellen.runs._sinks._sink import Columns, Sink

__all__ = ["Columns", "RunError", "Sink", "is_folder", "open_sink", "read_table"]
