r"""Measure a diagnoser on contents that it was not fitted to, and draw its confusions.

Usage::

    python recipes/measure_diagnoser.py DATA/natural/photos \
        --fitted-to EXAMPLES.npz --rated TID2013R --rated LIVE_R -o REPORT_FOLDER
"""

import csv
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from diagnoser_tables import (
    catalogue_report,
    draw_confusions,
    found_by,
    mean_of,
    references_of,
    unknown_report,
    usual_pairs,
)
from fit_diagnoser import examples_of
from rich.progress import track
from scipy.stats import spearmanr

from snellen.diagnosis import (
    CLEAN,
    UNKNOWN,
    Diagnoser,
    Diagnosis,
    Draw,
    Examples,
    create_diagnoser,
    findings_of,
)
from snellen.distortions import find_distortion
from snellen.images import as_image_batch, find_images

Row = dict[str, Any]

RATED_TYPES = {
    "Gaussian blur": "tid-gaussian-blur",
    "JPEG": "tid-jpeg",
    "JPEG2000": "tid-jpeg2000",
    "additive Gaussian noise": "tid-gaussian-noise",
    "white noise": "tid-gaussian-noise",
    "chromatic aberration (sub-pixel shifts only)": "tid-chromatic-aberration",
    "contrast change": "tid-contrast",
    "high-frequency noise": "tid-high-frequency-noise",
    "impulse noise": "tid-impulse-noise",
    "mean shift": "tid-mean-shift",
    "multiplicative Gaussian noise": "tid-multiplicative-noise",
    "noise stronger in colour components": "tid-color-noise",
    "quantisation noise": "tid-quantization",
    "saturation change": "tid-saturation",
    "spatially correlated noise": "tid-correlated-noise",
}


def main(
    folder: Annotated[
        Path, typer.Argument(help="Pristine images: every fourth, which the fit spared, is used.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the report.")],
    fitted_to: Annotated[
        list[Path] | None, typer.Option(help="Examples of the fit, for types left out.")
    ] = None,
    rated: Annotated[
        list[Path] | None, typer.Option(help="Folder of a database with its pairs.csv.")
    ] = None,
    levels: Annotated[str, typer.Option(help="Of the rated images.")] = "12345",
    fitted: Annotated[
        str, typer.Option("--diagnoser", help="The shipped one, or a file.")
    ] = "gabor",
    seed: Annotated[int, typer.Option(help="Of the samples.")] = 7,
    cache: Annotated[Path | None, typer.Option(help="Folder of examples made before.")] = None,
) -> None:
    """Write what was measured as JSON, and the confusions as a figure."""
    torch.set_num_threads(1)
    diagnoser = create_diagnoser(fitted)
    images = find_images(folder)[::4]
    examples = examples_of(diagnoser.backbone, images, Draw(1, 8, 4), seed, cache)
    report: Row = {"contents": len(np.unique(examples.contents))}
    for name in ("alone", "paired"):
        read = diagnoser.read(examples.images, references_of(examples, name))
        report[name] = catalogue_report(examples, read)
        draw_confusions(examples, read, output / f"confusion-{name}.png")
    report["usual pairs"] = usual_pairs(diagnoser, images, seed)
    for database in rated or []:
        table = describe_rated(diagnoser, database, levels, cache)
        for name in ("alone", "paired"):
            references = table["references"] if name == "paired" else None
            read = diagnoser.read(table["images"], references)
            report[f"{database.name}, {name}"] = rated_report(table, read)
    if fitted_to:
        source = Examples.load(fitted_to[0])
        for path in fitted_to[1:]:
            source = source.joined(Examples.load(path))
        report["left out"] = unknown_report(source, examples)
    output.mkdir(parents=True, exist_ok=True)
    (output / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def describe_rated(diagnoser: Diagnoser, folder: Path, levels: str, cache: Path | None) -> Row:
    """Describe the images of a database with human scores; the scores are not looked at."""
    with (folder / "pairs.csv").open(encoding="utf-8") as file:
        # Databases without levels leave the column empty.
        rows = [row for row in csv.DictReader(file) if row["level"] in ("", *levels)]
    names = sorted({row["reference"] for row in rows})
    kept = None if cache is None else cache / f"{folder.name}-{levels}.npz"
    if kept is not None and kept.exists():
        with np.load(kept) as file:
            images, references = file["images"], file["references"]
    else:
        described = [
            diagnoser.describe(as_image_batch(folder / name))
            for name in track([*names, *(row["image"] for row in rows)], str(folder))
        ]
        references, images = np.split(np.concatenate(described), [len(names)])
        if kept is not None:
            np.savez_compressed(kept, images=images, references=references)
    return {
        "rows": rows,
        "images": np.concatenate([images, references]),
        "references": np.concatenate(
            [references[[names.index(row["reference"]) for row in rows]], references]
        ),
    }


def rated_report(table: Row, read: Sequence[Diagnosis]) -> Row:
    """Measure accuracy by type, and false alarms on the references."""
    rows = table["rows"]
    hits, verdicts, said = defaultdict(list), defaultdict(list), defaultdict(list)
    orders = defaultdict(list)
    for row, diagnosis in zip(rows, read, strict=False):
        level = int(row["level"] or 3)
        (finding,) = findings_of(find_distortion(RATED_TYPES[row["type"]]), level)
        first = diagnosis.candidates[0]
        hits[row["type"]].append(first.family == finding.family)
        verdicts[row["type"]].append(found_by(diagnosis) == {finding.family})
        said[row["type"]].append(diagnosis.verdict)
        orders[row["type"]].append((abs(float(row["score"])), first.severity))
    clean = [diagnosis.verdict for diagnosis in read[len(rows) :]]
    everything = [hit for values in hits.values() for hit in values]
    return {
        "n": len(rows),
        "type": mean_of(everything),
        "whole verdict": mean_of([hit for values in verdicts.values() for hit in values]),
        "none of these": mean_of([v == UNKNOWN for values in said.values() for v in values]),
        "references called clean": [clean.count(CLEAN), clean.count(UNKNOWN), len(clean)],
        "by type": {
            name: {
                "type": mean_of(values),
                "n": len(values),
                "said": _commonest(said[name]),
                "SRCC of severity and score": _rank_correlation(orders[name]),
            }
            for name, values in sorted(hits.items())
        },
    }


def _commonest(verdicts: Sequence[str]) -> list[list[Any]]:
    counts: dict[str, int] = defaultdict(int)
    for verdict in verdicts:
        counts[verdict] += 1
    return [[*one] for one in sorted(counts.items(), key=lambda kv: -kv[1])[:3]]


def _rank_correlation(pairs: Sequence[tuple[float, float]]) -> float:
    return round(float(spearmanr(*np.array(pairs).T).statistic), 3)


if __name__ == "__main__":
    typer.run(main)
