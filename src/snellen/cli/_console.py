"""Tables on standard output, everything meant for people on standard error."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text


def print_table(
    rows: Sequence[Mapping[str, Any]], headers: Mapping[str, str] | None = None
) -> None:
    """Print rows as a table; names of files stay whole when the output is not a terminal."""
    width = None if sys.stdout.isatty() else max(200, shutil.get_terminal_size().columns)
    console = Console(width=width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0] if rows else []:
        numeric = all(isinstance(row[name], int | float | None) for row in rows)
        table.add_column(
            (headers or {}).get(name, name), justify="right" if numeric else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    console.print(table)


def _text(value: Any) -> Text:
    if value is None:
        return Text("-")
    return Text(f"{value:.6g}" if isinstance(value, float) else str(value))


class _Rate(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "-/s")


@contextmanager
def counting(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error that moves on by as much as the callback is told."""
    with progress() as bar:
        task = bar.add_task(description, total=total)
        yield lambda count: bar.update(task, advance=count)


def progress(disable: bool = False) -> Progress:
    """Make a progress bar on standard error: rate, and time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=disable,
    )
