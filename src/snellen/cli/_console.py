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

_LEAST_TEXT = 24  # letters of a text column that are shown however narrow the terminal is
_GAP = 2


def print_table(
    rows: Sequence[Mapping[str, Any]], headers: Mapping[str, str] | None = None
) -> None:
    """Print rows as a table that fits the terminal.

    Numbers are never broken: columns that do not fit go into a further table, which begins with
    the first column again. Long names are shortened in the middle, errors are wrapped. Where the
    output is no terminal, everything stays whole, on one line a row.
    """
    if not rows:
        return
    terminal = sys.stdout.isatty()
    named = {name: (headers or {}).get(name, name) for name in rows[0]}
    cells = {named[name]: [_text(row[name]) for row in rows] for name in named}
    numeric = {
        named[name]: all(isinstance(row[name], int | float | None) for row in rows)
        for name in named
    }
    widths = {name: max(len(name), *map(len, column)) for name, column in cells.items()}
    width = shutil.get_terminal_size().columns if terminal else sum(widths.values()) + 1000
    console = Console(width=width)
    for block in _blocks(widths, numeric, width):
        console.print(_table(block, cells, numeric, width))


def _blocks(
    widths: Mapping[str, int], numeric: Mapping[str, bool], width: int
) -> list[dict[str, int]]:
    """Share columns out among tables that fit, and give each column its width."""
    least = {n: w if numeric[n] else min(w, _LEAST_TEXT) for n, w in widths.items()}
    key, *others = widths
    blocks: list[list[str]] = [[key]]
    for name in others:
        wanted = sum(least[one] + _GAP for one in [*blocks[-1], name]) - _GAP
        if wanted > width and len(blocks[-1]) > 1:
            blocks.append([key])
        blocks[-1].append(name)
    return [_shared(block, least, widths, width) for block in blocks]


def _shared(
    block: Sequence[str], least: Mapping[str, int], widths: Mapping[str, int], width: int
) -> dict[str, int]:
    """Give what is left of the width to the columns that want it, first columns first."""
    left = width - sum(least[name] + _GAP for name in block) + _GAP
    found = {}
    for name in block:
        more = max(0, min(left, widths[name] - least[name]))
        found[name], left = least[name] + more, left - more
    return found


def _table(
    block: Mapping[str, int],
    cells: Mapping[str, Sequence[str]],
    numeric: Mapping[str, bool],
    width: int,
) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for name, own in block.items():
        wraps = name == "error"
        table.add_column(
            Text(name),
            justify="right" if numeric[name] else "left",
            no_wrap=not wraps,
            overflow="fold",
            min_width=None if wraps else own,
        )
    for values in zip(*(cells[name] for name in block), strict=True):
        shown = zip(block.items(), values, strict=True)
        table.add_row(
            *(Text(v if n == "error" or numeric[n] else shortened(v, w)) for (n, w), v in shown)
        )
    return table


def shortened(text: str, width: int) -> str:
    """Leave out the middle of a long text, since names differ at their ends.

    Examples
    --------
    >>> shortened("/data/restored/first/0001.png", 16)
    '/data/r…0001.png'
    """
    if len(text) <= width:
        return text
    start = (width - 1) // 2
    return f"{text[:start]}…{text[len(text) - (width - 1 - start) :]}"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else visible(str(value))


def visible(text: str) -> str:
    r"""Escape what would steer the terminal: control characters, and what cannot be encoded.

    Examples
    --------
    >>> visible("\x1b[31mred.png")
    '\\x1b[31mred.png'
    """
    return "".join(
        letter
        if letter.isprintable()
        else letter.encode("unicode_escape", "surrogateescape").decode()
        for letter in text
    )


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
