"""Where rows go: a file that is written whole at the end, or a folder of Parquet parts."""

from snellen.runs._sinks._open import is_folder, open_sink, read_sink
from snellen.runs._sinks._sink import Sink

__all__ = ["Sink", "is_folder", "open_sink", "read_sink"]
