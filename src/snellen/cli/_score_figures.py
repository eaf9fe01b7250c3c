"""Figures of a scored collection: its best and worst images, and how its columns go together."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.errors import MetricError

if TYPE_CHECKING:
    from snellen.metrics import MetricRow
    from snellen.records import Row

ContactSheetOption = Annotated[
    Path | None,
    typer.Option(help="Draw the best and the worst images by the first metric into this file."),
]
CorrelationsOption = Annotated[
    Path | None,
    typer.Option(help="Draw the rank correlations of metrics and attributes into this file."),
]


def draw_figures(
    rows: "Sequence[Row]", contact_sheet: Path | None, correlations: Path | None
) -> None:
    """Draw what was asked for from the rows of a run."""
    from snellen.plots import plot_correlations, plot_ranking, save_figure
    from snellen.runs import correlation_table

    known = _metrics_of(rows)
    if contact_sheet is not None and known:
        first = known[0]
        sheet = plot_ranking(rows, first.name, lower_better=first.lower_better)
        save_figure(sheet, contact_sheet)
    if correlations is not None:
        if len(known) < 2:
            raise MetricError("--correlations needs two metrics or attributes at least.")
        table = correlation_table(rows, [row.name for row in known])
        save_figure(plot_correlations(table), correlations)


def _metrics_of(rows: "Sequence[Row]") -> "list[MetricRow]":
    """Find the columns that are scores."""
    from snellen.metrics import find_row

    found = []
    for column in rows[0] if rows else ():
        try:
            found.append(find_row(column))
        except MetricError:
            continue
    return found
