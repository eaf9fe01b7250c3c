"""What `bench` found, in files: rows for programs, tables for people and papers."""

import json
from collections.abc import Sequence
from pathlib import Path

from snellen.runs._bench import BenchResult
from snellen.runs._report_tables import protocol_lines, report_tables
from snellen.runs._tables import FORMATS, SCHEMA_VERSION, TableError, replace_file, write_table

REPORT_FORMATS = ("csv", "json", "parquet", "md", "tex")
"""Forms of a report, which are also the suffixes of its file."""


def report_format(path: Path) -> str:
    """Tell the form of a report from its suffix.

    Raises
    ------
    TableError
        The suffix is not one of `REPORT_FORMATS`.

    Examples
    --------
    >>> report_format(Path("agreement.md"))
    'md'
    """
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in REPORT_FORMATS:
        raise TableError(
            f"{path}: the form of the report cannot be told from the suffix; use one of "
            f"{', '.join('.' + name for name in REPORT_FORMATS)}."
        )
    return suffix


def write_report(path: Path, result: BenchResult, *, types: bool = True) -> list[Path]:
    """Write agreement, means over databases, differences between metrics, and the manifest.

    Parameters
    ----------
    path
        The file. JSON holds everything. Markdown and LaTeX hold tables for people, CSV and Parquet
        the rows of agreement; beside them lie ``STEM.means``, ``STEM.differences`` (CSV and
        Parquet) and ``NAME.manifest.json`` (Parquet holds its manifest itself).
    result
        What `bench` returned.
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
    form = report_format(path)
    if form == "json":
        return _write_json(path, result, types)
    if form in ("csv", "parquet"):
        return _write_rows(path, form, result, types)
    text = _markdown(result, types) if form == "md" else _latex(result, types)
    replace_file(path, text.encode())
    beside = path.with_name(f"{path.name}.manifest.json")
    header = {"schema": SCHEMA_VERSION, "manifest": result.manifest}
    replace_file(beside, (json.dumps(header, indent=2, default=str) + "\n").encode())
    return [path, beside]


def _write_json(path: Path, result: BenchResult, types: bool) -> list[Path]:
    document = json.loads(FORMATS["json"](result.table(types=types), result.manifest))
    document["agreement"] = document.pop("rows")
    document |= {"means": result.means(), "differences": result.differences()}
    replace_file(path, (json.dumps(document, indent=2) + "\n").encode())
    return [path]


def _write_rows(path: Path, form: str, result: BenchResult, types: bool) -> list[Path]:
    write_table(path, result.table(types=types), form, result.manifest)
    written = [path]
    if form == "csv":
        written.append(path.with_name(f"{path.name}.manifest.json"))
    for name, rows in (("means", result.means()), ("differences", result.differences())):
        beside = path.with_name(f"{path.stem}.{name}{path.suffix}")
        if rows:
            replace_file(beside, FORMATS[form](rows, result.manifest))
            written.append(beside)
        else:
            beside.unlink(missing_ok=True)  # of an earlier run: it would contradict this one
    return written


def _markdown(result: BenchResult, types: bool) -> str:
    parts = []
    for title, rows in report_tables(result, types=types).items():
        columns = list(rows[0])
        lines = [_pipe(columns), _pipe(["---"] * len(columns))]
        lines += [_pipe([_marked(cell) for cell in row.values()]) for row in rows]
        parts.append("\n".join([f"## {title}", "", *lines]))
    protocol = "\n".join(f"- {line}" for line in protocol_lines(result))
    return "\n\n".join([*parts, f"## Protocol\n\n{protocol}"]) + "\n"


def _pipe(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _marked(cell: str) -> str:
    return cell.replace("|", "\\|")


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"$<$", ">": r"$>$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "·": r"$\cdot$",
}  # fmt: skip


def _latex(result: BenchResult, types: bool) -> str:
    lines = ["% Needs \\usepackage{booktabs}."]
    lines += [f"% {line}" for line in protocol_lines(result)]
    for title, rows in report_tables(result, types=types, intervals=False).items():
        columns = [name for name in rows[0] if any(row[name] for row in rows)]
        body = [" & ".join(_escaped(row[name]) for name in columns) + r" \\" for row in rows]
        lines += [
            "",
            r"\begin{table}",
            rf"\caption{{{_escaped(title)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}",
            r"\toprule",
            " & ".join(map(_escaped, columns)) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)
