"""What commands show: rows of a run in a file or on standard output, and whether some failed."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from snellen.cli._option_groups import OutputFormat, OutputOptions
from snellen.errors import SnellenError

if TYPE_CHECKING:
    from snellen.records import Row
    from snellen.runs import Run

PrintRows = Callable[["Sequence[Row]"], None]


@dataclass(frozen=True)
class Shown:
    """What came of a run.

    Attributes
    ----------
    count, failed
        Number of rows, and of those that carry an error.
    rows
        Returns the rows; they are read again where they went to a file.
    """

    count: int
    failed: int
    rows: "Callable[[], list[Row]]"


def output_form(options: OutputOptions) -> OutputFormat:
    """Return the format that was asked for, or that of the file's suffix; a table by default.

    Raises
    ------
    SnellenError
        The format and the output do not fit together.
    """
    from snellen.records import format_of
    from snellen.runs import is_folder

    form, output = options.format_, options.output
    if form is OutputFormat.TABLE and output is not None:
        raise SnellenError("--format table is for the terminal; leave out --output.")
    if form is OutputFormat.PARQUET and output is None:
        raise SnellenError("--format parquet needs --output FILE: it is no text.")
    if output is not None and is_folder(output, form and form.value):
        return OutputFormat.PARQUET
    if form is None:
        return OutputFormat(format_of(output)) if output is not None else OutputFormat.TABLE
    return form


def show_run(
    run: "Run", description: str, options: OutputOptions, print_rows: PrintRows | None = None
) -> Shown:
    """Make the rows of a run, and bring them where they were asked for.

    Parameters
    ----------
    run
        What makes the rows.
    description
        What the progress bar says.
    options
        Where rows go.
    print_rows
        Prints rows for people; by default all columns but sizes and times.
    """
    form = output_form(options)
    if options.output is None:
        rows = _to_stdout(run, description, form, print_rows or _printer(run))
        return Shown(len(rows), count_failed(rows), lambda: rows)
    return _to_sink(run, description, options)


def _to_sink(run: "Run", description: str, options: OutputOptions) -> Shown:
    from snellen.cli._console import progress

    assert options.output is not None
    given = None if options.format_ is None else options.format_.value
    with progress() as bar:
        task = bar.add_task(description, total=run.count)
        done = run.into(
            options.output,
            form=given,
            restart=options.restart,
            on_row=lambda row: bar.advance(task),
        )
    if done.rows and done.kept == done.rows:
        typer.echo(
            f"snellen: {done.path}: all {done.rows} rows are there; --restart makes them anew",
            err=True,
        )
    return Shown(done.rows, done.failed, lambda: done.table().to_pylist())


def _to_stdout(
    run: "Run", description: str, form: OutputFormat, print_rows: PrintRows
) -> "list[Row]":
    from snellen.records import csv_header, csv_lines, json_lines, table_bytes

    written: list[Row] = []
    if form is OutputFormat.CSV:
        sys.stdout.write(csv_header(run.columns))
    for row in with_bar(run, run.count, description):
        if form is OutputFormat.CSV:
            sys.stdout.write(csv_lines([row], run.columns))
        elif form is OutputFormat.JSONL:
            sys.stdout.write(json_lines([row]))
        sys.stdout.flush()
        written.append(row)
    if form is OutputFormat.JSON:
        sys.stdout.write(table_bytes(written, "json", run.manifest).decode())
    elif form is OutputFormat.TABLE:
        print_rows(written)
    return written


def with_bar(rows: "Iterable[Row]", total: int | None, description: str) -> "Iterator[Row]":
    """Show progress on standard error while rows are made."""
    from snellen.cli._console import progress

    with progress(disable=total is not None and total < 2) as bar:
        yield from bar.track(rows, total=total, description=description)


def _printer(run: "Run") -> PrintRows:
    arrows = {True: " ↓", False: " ↑", None: ""}
    headers = {m.name: m.name + arrows[m.lower_better] for m in run.metrics or ()}

    def print_rows(rows: "Sequence[Row]") -> None:
        from snellen.cli._console import print_table

        print_table(without(rows, "width", "height", "seconds", "sha256"), headers)

    return print_rows


def without(rows: "Sequence[Row]", *columns: str) -> "list[Row]":
    """Leave out columns, and that of errors where there are none."""
    hidden = {*columns} if count_failed(rows) else {*columns, "error"}
    return [{k: v for k, v in row.items() if k not in hidden} for row in rows]


def count_failed(rows: "Sequence[Row]") -> int:
    """Count the rows that carry an error."""
    return sum(row["error"] is not None for row in rows)


def exit_if_failed(failed: int, rows: int) -> None:
    """End the program with status 1 if rows carry errors; say so if there are none at all."""
    if not rows:
        typer.echo("snellen: no input is left by --limit and --shard: no rows", err=True)
    if failed:
        typer.echo(f"snellen: {failed} of {rows} rows failed; see their errors", err=True)
        raise typer.Exit(1)
