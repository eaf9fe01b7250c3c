"""Fit the human contrast sensitivity curve to measured thresholds, and draw it over them.

Reproduces the constants of `snellen.vision.HUMAN_CSF` and docs/reproductions/human-csf.png:

    python recipes/fit_csf.py FOLDER_OF_CASTLECSF --figure docs/reproductions/human-csf.png

Prints the parameters; the residuals by study and colour, in log10 units; how far every formula is
from the achromatic thresholds, in all conditions and in those that the relative formulas are
about; and what the curve misses a study by when it is fitted to the others only.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from snellen.plots import plot_csf, save_figure
from snellen.vision import (
    HUMAN_CSF,
    Thresholds,
    compare_curves,
    fit_csf,
    fitted_thresholds,
    load_castlecsf,
)

# What a formula of frequency alone is about: daylight screens, gratings of a few degrees.
USUAL_LUMINANCE, USUAL_AREA = (20.0, 200.0), (0.5, 20.0)


def usual(thresholds: Thresholds) -> Thresholds:
    """Choose thresholds at the luminance and area of ordinary images."""
    bright = (thresholds.luminance >= USUAL_LUMINANCE[0]) & (
        thresholds.luminance <= USUAL_LUMINANCE[1]
    )
    large = (thresholds.area >= USUAL_AREA[0]) & (thresholds.area <= USUAL_AREA[1])
    return thresholds.select(bright & large)


def held_out(thresholds: Thresholds) -> list[dict[str, Any]]:
    """Predict every study from the others."""
    data = fitted_thresholds(thresholds)
    rows: list[dict[str, Any]] = []
    for study in np.unique(data.study):
        own = data.study == study
        model = fit_csf(data.select(~own), HUMAN_CSF).model
        left = data.select(own)
        residuals = np.log10(model.predict(left) / left.sensitivity)
        rms = float(np.sqrt(np.square(residuals).mean()))
        rows.append({"study": str(study), "n": int(own.sum()), "rms": rms})
    squares = sum(row["n"] * row["rms"] ** 2 for row in rows)
    pooled = np.sqrt(squares / len(data))
    return [*rows, {"study": "all", "n": len(data), "rms": float(pooled)}]


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as a Markdown table."""
    lines = [f"\n{title}\n", "| " + " | ".join(rows[0]) + " |", "|---" * len(rows[0]) + "|"]
    for row in rows:
        cells = (f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values())
        lines.append("| " + " | ".join(cells) + " |")
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> None:
    """Fit, report and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the tables of castleCSF")
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--parameters", type=Path, help="JSON file of the parameters")
    arguments = parser.parse_args()
    thresholds = load_castlecsf(arguments.folder)
    found = fit_csf(thresholds)
    parameters = [float(f"{v:.4g}") for v in found.model.parameters()]
    sys.stdout.write(f"{found.model}\n")
    show("Residuals of the fitted curve", found.rows())
    show("All formulas, achromatic", compare_curves(thresholds))
    show("All formulas, achromatic, usual conditions", compare_curves(usual(thresholds)))
    show("Studies predicted from the others", held_out(thresholds))
    if arguments.parameters:
        arguments.parameters.write_text(json.dumps(parameters) + "\n", encoding="utf-8")
    if arguments.figure:
        title = "Static foveal contrast thresholds (castleCSF) and formulas of human sensitivity"
        save_figure(plot_csf(thresholds, title=title), arguments.figure, dpi=75)


if __name__ == "__main__":
    main()
