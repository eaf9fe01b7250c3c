"""``snellen weights``: which files there are, fetch them, check them."""

import csv
import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.errors import WeightsError

if TYPE_CHECKING:
    from snellen.backbones._weights import WeightsRecord

weights_app = typer.Typer(
    name="weights", help="List, fetch and verify the weights of networks.", no_args_is_help=True
)


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@weights_app.command("list")
def list_command(
    format_: Annotated[Format, typer.Option("--format", help="Form of the rows.")] = Format.TABLE,
) -> None:
    """List the known weights files: size, licence, and where each lies on this machine."""
    from snellen.backbones._weights import list_weights

    rows = [_row(record) for record in list_weights()]
    if format_ is Format.JSON:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif format_ is Format.CSV:
        writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "used_by": " ".join(row["used_by"])} for row in rows)
    else:
        _print_table(rows)


def _row(record: "WeightsRecord") -> dict[str, Any]:
    from dataclasses import asdict

    from snellen.backbones._weights import weights_copies

    copies = weights_copies(record.name)
    return {**asdict(record), "path": str(copies[0]) if copies else None}


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    # A pipe has no width: a fixed, generous one keeps each file on one line for grep.
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 240)
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "file", "size", "licence", "on this machine"):
        table.add_column(heading, justify="right" if heading == "size" else "left", overflow="fold")
    for row in rows:
        table.add_row(row["name"], row["filename"], _size(row), row["licence"], row["path"] or "no")
    console.print(table)


def _size(row: dict[str, Any]) -> str:
    if row["size"] is not None:
        return f"{row['size'] / 1024:.1f} KiB" if row["size"] < 1 << 20 else _mib(row["size"])
    return "unknown" if row["stated_mib"] is None else f"{row['stated_mib']:.1f} MiB"


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"


@weights_app.command("fetch")
def fetch_command(
    names: Annotated[list[str] | None, typer.Argument(help="Names, as in the list.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All files of the list.")] = False,
    directory: Annotated[
        Path | None,
        typer.Option(
            help="Put the files into this folder, to carry them to a machine without network "
            "(there, let SNELLEN_WEIGHTS name it).",
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Fetch weights files that are not here yet; print the path of each."""
    from snellen.backbones._weights import fetch_weights, list_weights

    if bool(names) == every:
        raise typer.BadParameter("give names, or --all; not both.", param_hint="NAMES")
    wanted = names or [record.name for record in list_weights()]
    for name in wanted:
        _check_name(name)
    failed = 0
    for name in wanted:
        try:
            typer.echo(fetch_weights(name, directory=directory))
        except WeightsError as error:
            failed += 1
            typer.echo(str(error), err=True)
    if failed:
        raise typer.Exit(1)


@weights_app.command("verify")
def verify_command(
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="Names or files; without any, all files on this machine."),
    ] = None,
) -> None:
    """Check files against the SHA-256 of the list; print one row for each: result, file."""
    for target in targets or ():
        if not Path(target).is_file():
            _check_name(target)
    checks = list(_checks(targets or _names_at_hand()))
    if not checks:
        typer.echo("No weights files on this machine: nothing to verify.", err=True)
    if any(checks):
        raise typer.Exit(1)


def _check_name(name: str) -> None:
    from snellen.backbones._weights import weights_record

    try:
        weights_record(name)
    except WeightsError as error:
        raise typer.BadParameter(str(error), param_hint="NAMES") from error


def _names_at_hand() -> list[str]:
    from snellen.backbones._weights import list_weights, weights_copies

    return [record.name for record in list_weights() if weights_copies(record.name)]


def _checks(targets: list[str]) -> Iterator[bool]:
    """Verify every copy of every target, print a row for each, and yield whether it failed."""
    from snellen.backbones._weights import verify_weights

    for target in targets:
        try:
            for path in verify_weights(target):
                typer.echo(f"ok\t{path}")
                yield False
        except WeightsError as error:
            typer.echo(f"failed\t{target}")
            typer.echo(str(error), err=True)
            yield True
