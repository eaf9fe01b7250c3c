"""What commands that score show: rows in a file or on standard output, and difference maps."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.errors import MetricError, SnellenError

if TYPE_CHECKING:
    from snellen.diagnosis import Diagnoser
    from snellen.metrics import Metric, MetricSet
    from snellen.runs import Journal, Row


class OutputFormat(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


FormatOption = Annotated[
    OutputFormat | None, typer.Option("--format", help="Default: by the suffix of --output.")
]
OutputOption = Annotated[Path | None, typer.Option("-o", "--output", help="File of results.")]


def output_form(form: OutputFormat | None, output: Path | None) -> OutputFormat:
    """Return the format that was asked for, or that of the file's suffix; a table by default."""
    from snellen.runs import format_of

    if form is None:
        return OutputFormat(format_of(output)) if output is not None else OutputFormat.TABLE
    if form is OutputFormat.TABLE and output is not None:
        raise SnellenError("--format table is for the terminal; leave out --output.")
    if form is OutputFormat.PARQUET and output is None:
        raise SnellenError("--format parquet needs --output FILE: it is no text.")
    return form


def write_rows(
    rows: "Callable[[Journal | None], Iterable[Row]]",
    key: tuple[str, ...],
    form: OutputFormat,
    output: Path | None,
    metrics: "MetricSet | Diagnoser",
) -> "list[Row]":
    """Make rows, write them to a file or to standard output, and return them.

    With a file, `rows` is given a journal, so that a run that was cut off can go on.
    """
    from snellen.runs import Journal, write_table

    if output is None:
        return write_stdout(rows(None), form.value, metrics)
    manifest = metrics.manifest()
    with Journal(output, manifest, key) as journal:
        table = list(rows(journal))
    write_table(output, table, form.value, manifest)
    journal.remove()
    return table


def with_bar(rows: "Iterable[Row]", total: int, description: str) -> "Iterator[Row]":
    """Show progress on standard error while rows are made."""
    from snellen.cli._console import progress

    with progress(disable=total < 2) as bar:
        yield from bar.track(rows, total=total, description=description)


def exit_if_failed(rows: "Sequence[Row]") -> None:
    """End the program with status 1 if a row carries an error."""
    exit_if_any_failed(sum(row["error"] is not None for row in rows), len(rows))


def exit_if_any_failed(failed: int, rows: int) -> None:
    """End the program with status 1 if rows carry errors."""
    if failed:
        typer.echo(f"snellen: {failed} of {rows} rows failed; see their errors", err=True)
        raise typer.Exit(1)


def write_stdout(rows: "Iterable[Row]", form: str, metrics: "MetricSet | Diagnoser") -> "list[Row]":
    """Write rows to standard output, one at a time where the form allows it, and return them."""
    from snellen.runs import FORMATS

    written: list[Row] = []
    for row in rows:
        if form in ("csv", "jsonl"):
            options = {"header": not written} if form == "csv" else {}
            sys.stdout.write(FORMATS[form]([row], **options).decode())
            sys.stdout.flush()
        written.append(row)
    if form == "json":
        sys.stdout.write(FORMATS["json"](written, metrics.manifest()).decode())
    elif form == "table":
        _print(written, metrics)
    return written


def _print(rows: "Sequence[Row]", source: "MetricSet | Diagnoser") -> None:
    from snellen.cli._console import print_table
    from snellen.metrics import MetricSet

    metrics = tuple(source) if isinstance(source, MetricSet) else ()
    arrows = {True: " ↓", False: " ↑", None: ""}
    headers = {m.name: m.name + arrows[m.lower_better] for m in metrics}
    print_table(without(rows, "width", "height", "seconds"), headers)


def without(rows: "Sequence[Row]", *columns: str) -> "list[Row]":
    """Leave out columns, and that of errors where there are none."""
    failed = any(row["error"] is not None for row in rows)
    hidden = {*columns} if failed else {*columns, "error"}
    return [{k: v for k, v in row.items() if k not in hidden} for row in rows]


def check_map(path: Path, metrics: "MetricSet", pairs: int) -> None:
    """Find out before any work whether the maps can be drawn."""
    _mapping(metrics)
    if pairs > 1 and path.suffix:
        raise MetricError(
            f"--map {path}: {pairs} pairs need a folder, one figure each; give a name without "
            "a suffix."
        )


def _mapping(metrics: "MetricSet") -> "Metric":
    """Return the first of the metrics that has a map."""
    for metric in metrics:
        if metric.has_map:
            return metric
    names = ", ".join(metric.name for metric in metrics)
    raise MetricError(f"--map: none of the metrics ({names}) has a map; dfb and LPIPS have one.")


def draw_maps(path: Path, rows: "Sequence[Row]", metrics: "MetricSet") -> None:
    """Draw reference, distorted image and map of every pair that was scored."""
    from snellen.plots import plot_comparison, save_figure

    metric = _mapping(metrics)
    scored = [row for row in rows if row[metric.name] is not None]
    for row in scored:
        x, prepared = metric.pair(row["distorted"], row["reference"])
        title = f"{Path(row['distorted']).name}\n{metric.name} = {row[metric.name]:.4g}"
        local = metric.map(x, prepared.batch)
        figure = plot_comparison(prepared.batch, [x], [local], [title], map_title=metric.name)
        save_figure(figure, path if path.suffix else _figure_name(path, row["distorted"], rows))


def _figure_name(folder: Path, distorted: str, rows: "Sequence[Row]") -> Path:
    """Name a figure after its image; images of one name in several folders keep theirs apart."""
    name = Path(distorted)
    same = [row for row in rows if Path(row["distorted"]).stem == name.stem]
    if len(same) == 1:
        return folder / f"{name.stem}.png"
    return folder / "_".join([*name.parent.parts[-1:], f"{name.name}.png"])
