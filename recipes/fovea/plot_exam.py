r"""Draw the exam of `fovea` beside those of other networks: the figure of ``docs/fovea.md``.

    python recipes/fovea/plot_exam.py --output docs/fovea-exam.png \
        --separability OUT/separability.csv --layers OUT/layers.csv

The tables are those that ``snellen exam separability`` and ``snellen exam layers`` write; both
options may be repeated, and networks are told apart by the column ``network``.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from snellen.plots import save_figure

Row = Mapping[str, Any]
STYLES = {
    "fovea": ("#cc3311", "o-"),
    "fovea random": ("#cc3311", "o:"),
    "SqueezeNet 1.0": ("#0077bb", "s-"),
    "SqueezeNet 1.0 random": ("#0077bb", "s:"),
    "Gabor bank": ("0.35", "^-"),
}
LABELS = {"squeezenet1_0": "SqueezeNet 1.0", "gabor": "Gabor bank"}
KEPT = {"pooling": "mean-std", "components": "64", "difference": "true"}
"""Of the rows of separability, those that are drawn."""


def main(
    output: Annotated[Path, typer.Option("-o", "--output")],
    separability: Annotated[list[Path], typer.Option(help="separability.csv")],
    layers: Annotated[list[Path], typer.Option(help="layers.csv")],
) -> None:
    """Draw types told apart and agreement with people against depth."""
    figure = Figure(figsize=(9.2, 4.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, rows in by_network(separability).items():
        kept = [row for row in rows if {k: row[k].lower() for k in KEPT} == KEPT]
        _line(left, name, kept, "accuracy")
    for name, rows in by_network(layers).items():
        wanted = ("structure-texture", "layer")
        kept = [row for row in rows if (row["readout"], row["combination"]) == wanted]
        _line(right, name, kept, "srcc")
    left.set(ylabel="accuracy of the type, with the reference", ylim=(0, 1))
    right.set(ylabel="SRCC with people, structure-texture")
    for axes in (left, right):
        axes.set_xlabel("relative depth")
        axes.grid(alpha=0.3)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    save_figure(figure, output)


def by_network(files: Sequence[Path]) -> dict[str, list[Row]]:
    """Read tables, and part their rows by network, in the order of `STYLES`."""
    parted: dict[str, list[Row]] = {name: [] for name in STYLES}
    for file in files:
        with file.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                # Controls are called by their seed as well.
                name, *control = row["network"].removesuffix(" 0").rsplit(" random", 1)
                label = LABELS.get(name, name) + " random" * len(control)
                parted.get(label, []).append(row)
    return parted


def _line(axes: Axes, name: str, rows: Sequence[Row], column: str) -> None:
    colour, style = STYLES[name]
    x, y, low, high = (
        np.array([float(row[key]) for row in rows])
        for key in ("relative_depth", column, f"{column}_low", f"{column}_high")
    )
    axes.plot(x, y, style, color=colour, label=name, markersize=4, linewidth=1.4)
    if not name.endswith("random"):
        axes.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)


if __name__ == "__main__":
    typer.run(main)
