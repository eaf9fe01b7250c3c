"""What `bench` found, in files: rows for programs, tables for people and papers."""

import json
from pathlib import Path

from snellen.errors import TableError
from snellen.records import (
    BESIDE,
    PathLike,
    latex_table,
    manifest_header,
    manifest_path,
    markdown_table,
    replace_file,
    table_bytes,
    write_table,
)
from snellen.runs._bench._bench import BenchResult
from snellen.runs._bench._tables import protocol_lines, report_tables

REPORT_FORMATS = ("csv", "json", "parquet", "md", "tex")
"""Forms of a report, which are also the suffixes of its file."""


def report_format(path: PathLike) -> str:
    """Tell the form of a report from its suffix.

    Raises
    ------
    TableError
        The suffix is not one of `REPORT_FORMATS`.

    Examples
    --------
    >>> report_format("agreement.md")
    'md'
    """
    suffix = Path(path).suffix.lower().lstrip(".")
    if suffix not in REPORT_FORMATS:
        raise TableError(
            f"{path}: the form of the report cannot be told from the suffix; use one of "
            f"{', '.join('.' + name for name in REPORT_FORMATS)}."
        )
    return suffix


def write_report(result: BenchResult, path: PathLike, *, types: bool = True) -> list[Path]:
    """Write agreement, means over databases, differences between metrics, and the manifest.

    Parameters
    ----------
    result
        What `bench` returned.
    path
        The file. JSON holds everything. Markdown and LaTeX hold tables for people, CSV and Parquet
        the rows of agreement; beside them lie ``STEM.means``, ``STEM.differences`` (CSV and
        Parquet) and ``NAME.manifest.json`` (Parquet holds its manifest itself).
    types
        Whether to report each distortion type too.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    TableError
        The suffix is not one of `REPORT_FORMATS`.
    """
    form, target = report_format(path), Path(path)
    if form == "json":
        return _write_json(target, result, types)
    if form in ("csv", "parquet"):
        return _write_rows(target, form, result, types)
    replace_file(target, _markdown(result, types) if form == "md" else _latex(result, types))
    beside = manifest_path(target)
    replace_file(beside, json.dumps(manifest_header(result.manifest), indent=2, default=str) + "\n")
    return [target, beside]


def _write_json(path: Path, result: BenchResult, types: bool) -> list[Path]:
    document = json.loads(table_bytes(result.table(types=types), "json", result.manifest))
    document["agreement"] = document.pop("rows")
    document |= {"means": result.means(), "differences": result.differences()}
    replace_file(path, json.dumps(document, indent=2) + "\n")
    return [path]


def _write_rows(path: Path, form: str, result: BenchResult, types: bool) -> list[Path]:
    write_table(path, result.table(types=types), result.manifest, form=form)
    written = [path]
    if form in BESIDE:
        written.append(manifest_path(path))
    for name, rows in (("means", result.means()), ("differences", result.differences())):
        beside = path.with_name(f"{path.stem}.{name}{path.suffix}")
        if rows:
            replace_file(beside, table_bytes(rows, form, result.manifest))
            written.append(beside)
        else:
            beside.unlink(missing_ok=True)  # of an earlier run: it would contradict this one
    return written


def _markdown(result: BenchResult, types: bool) -> str:
    tables = report_tables(result, types=types)
    parts = [f"## {title}\n\n{markdown_table(rows)}" for title, rows in tables.items()]
    protocol = "\n".join(f"- {line}" for line in protocol_lines(result))
    return "\n\n".join([*parts, f"## Protocol\n\n{protocol}"]) + "\n"


def _latex(result: BenchResult, types: bool) -> str:
    lines = ["% Needs \\usepackage{booktabs}."]
    lines += [f"% {' '.join(line.split())}" for line in protocol_lines(result)]
    for title, rows in report_tables(result, types=types, intervals=False).items():
        lines += ["", latex_table(title, rows)]
    return "\n".join(lines) + "\n"
