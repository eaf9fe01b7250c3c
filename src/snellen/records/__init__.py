"""What is kept: rows and their files, the log of a run, checkpoints, the identity of numbers."""

from snellen.records._arrow import write_arrow
from snellen.records._checkpoint import Arrays, Checkpoint
from snellen.records._files import (
    PathLike,
    file_digest,
    lock,
    refuse_special,
    remove_leftovers,
    replace_file,
    replacing,
    unlock,
)
from snellen.records._forms import (
    BESIDE,
    FORMATS,
    arrow_schema,
    csv_header,
    csv_lines,
    format_of,
    json_lines,
    manifest_header,
    manifest_path,
    table_bytes,
    write_table,
)
from snellen.records._identity import (
    MEASURING,
    SCORING,
    changes,
    check_same,
    code_digest,
    digest_of,
    identity,
    plain,
    versions,
)
from snellen.records._log import RowLog
from snellen.records._reading import read_header, read_table
from snellen.records._rows import Columns, Row, columns_of, readable
from snellen.records._text_tables import Cells, latex_table, markdown_table

__all__ = [
    "BESIDE",
    "FORMATS",
    "MEASURING",
    "SCORING",
    "Arrays",
    "Cells",
    "Checkpoint",
    "Columns",
    "PathLike",
    "Row",
    "RowLog",
    "arrow_schema",
    "changes",
    "check_same",
    "code_digest",
    "columns_of",
    "csv_header",
    "csv_lines",
    "digest_of",
    "file_digest",
    "format_of",
    "identity",
    "json_lines",
    "latex_table",
    "lock",
    "manifest_header",
    "manifest_path",
    "markdown_table",
    "plain",
    "read_header",
    "read_table",
    "readable",
    "refuse_special",
    "remove_leftovers",
    "replace_file",
    "replacing",
    "table_bytes",
    "unlock",
    "versions",
    "write_arrow",
    "write_table",
]
