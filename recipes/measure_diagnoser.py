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

import matplotlib.pyplot as plt
import numpy as np
import torch
import typer
from fit_diagnoser import examples_of
from numpy.typing import NDArray
from rich.progress import track

from snellen.diagnosis import (
    CLEAN,
    UNKNOWN,
    Diagnoser,
    Diagnosis,
    Draw,
    Examples,
    create_diagnoser,
    findings_of,
    fit_diagnoser,
)
from snellen.distortions import distort, find_distortion
from snellen.images import as_image_batch, find_images
from snellen.plots import save_figure

Row = dict[str, Any]

FOLDS = (
    ("jitter", "noise", "jpeg2000", "oversaturation", "sparse-sampling"),
    ("blur", "impulse-noise", "color-diffusion", "pixelate", "avif"),
    ("motion-blur", "correlated-noise", "jpeg", "color-block", "sharpen"),
    ("denoise", "multiplicative-noise", "color-shift", "quantization", "darken"),
)
"""Families that are left out together to see whether they are taken for unknown."""

USUAL_PAIRS = (
    ("gaussian-blur", "jpeg"),
    ("white-noise", "jpeg"),
    ("gaussian-blur", "white-noise"),
)

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
        read = diagnoser.read(examples.images, _references(examples, name))
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


def _references(examples: Examples, name: str) -> NDArray[np.float32] | None:
    return examples.references if name == "paired" else None


def catalogue_report(examples: Examples, read: Sequence[Diagnosis]) -> Row:
    """Measure accuracy, severities and reliability on samples of the catalogue."""
    truth = [names_of(examples, i) for i in range(len(examples))]
    count = np.array([len(names) for names in truth])
    steps = np.array([spec.count("+") + bool(spec) for spec in examples.specs])
    exact = np.array([_found(d) == t for d, t in zip(read, truth, strict=True)])
    exact &= np.array([d.verdict != UNKNOWN for d in read])
    single = (count == 1) & (steps == 1)
    pairs = count == 2
    clean = steps == 0
    top = [[c.family for c in d.candidates[:3]] for d in read]
    errors = severity_errors(examples, read, single)
    return {
        "single": {
            "n": int(single.sum()),
            "type": _mean([top[i][0] in truth[i] for i in np.flatnonzero(single)]),
            "type among three": _mean([truth[i] <= set(top[i]) for i in np.flatnonzero(single)]),
            "whole verdict": _mean(exact[single]),
            "none of these": _mean([read[i].verdict == UNKNOWN for i in np.flatnonzero(single)]),
            "clean": _mean([read[i].verdict == CLEAN for i in np.flatnonzero(single)]),
            "severity error": _mean(errors),
            "severity within one level": _mean(errors <= 1),
        },
        "clean": {
            "n": int(clean.sum()),
            "clean": _mean([read[i].verdict == CLEAN for i in np.flatnonzero(clean)]),
            "none of these": _mean([read[i].verdict == UNKNOWN for i in np.flatnonzero(clean)]),
        },
        "pairs": pair_report(examples, read, pairs),
        "reliability": reliability(read, exact),
        "by family": by_family(truth, top, single),
        "confusions": confusions(truth, top, single),
    }


def _found(diagnosis: Diagnosis) -> set[str]:
    return {one.family for one in diagnosis.found}


def names_of(examples: Examples, i: int) -> set[str]:
    """Name what is to be found in an example."""
    return {examples.families[j] for j in np.flatnonzero(examples.present[i])}


def _mean(values: Any) -> float:
    return round(float(np.mean(values)), 4) if len(values) else float("nan")


def severity_errors(
    examples: Examples, read: Sequence[Diagnosis], mask: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the absolute errors of severities of the families that are there."""
    errors = []
    for i in np.flatnonzero(mask):
        for one in read[i].candidates:
            severity = examples.severities[i, examples.families.index(one.family)]
            if severity > 0:
                errors.append(abs(one.severity - float(severity)))
    return np.array(errors)


def pair_report(examples: Examples, read: Sequence[Diagnosis], mask: NDArray[np.bool_]) -> Row:
    """Measure how often both components of a pair are named."""
    rows = np.flatnonzero(mask)
    truth = [names_of(examples, i) for i in rows]
    top = [{c.family for c in read[i].candidates[:2]} for i in rows]
    near = []
    for i in rows:
        errors = severity_errors(examples, read, np.arange(len(read)) == i)
        near.append(bool((errors <= 1).all()))
    both = np.array([a == b for a, b in zip(truth, top, strict=True)], dtype=bool)
    near_too = both & np.array(near, dtype=bool)
    return {
        "n": len(rows),
        "both are the two likeliest": _mean(both),
        "at least one among them": _mean([bool(a & b) for a, b in zip(truth, top, strict=True)]),
        "whole verdict": _mean([_found(read[i]) == t for i, t in zip(rows, truth, strict=True)]),
        "both, and severities within one level": _mean(near_too),
        "severities within one level, where both": _mean(near_too[both]),
    }


def usual_pairs(diagnoser: Diagnoser, images: Sequence[Path], seed: int) -> Row:
    """Measure the pairs that cameras and coders make, at levels 2 to 4 of both."""
    random = np.random.default_rng(seed)
    report: Row = {}
    for names in USUAL_PAIRS:
        counts: dict[str, list[tuple[bool, bool, bool]]] = {"alone": [], "paired": []}
        for i, path in enumerate(images):
            pristine = as_image_batch(path)[..., :224, :224]
            levels = random.integers(2, 5, 2)
            spec = "+".join(f"{n}:{level}" for n, level in zip(names, levels, strict=True))
            truth = [
                finding
                for n, level in zip(names, levels, strict=True)
                for finding in findings_of(find_distortion(n), int(level))
            ]
            image = distort(pristine, spec, seed=i)
            for name, reference in (("alone", None), ("paired", pristine)):
                (diagnosis,) = diagnoser(image, reference)
                counts[name].append(_hits(diagnosis, {f.family: f.severity for f in truth}))
        for name, hits in counts.items():
            both, near, verdict = np.array(hits).T
            report[f"{' + '.join(names)}, {name}"] = {
                "n": len(hits),
                "both are the two likeliest": _mean(both),
                "both, and severities within one level": _mean(both & near),
                "whole verdict": _mean(verdict),
            }
    return report


def _hits(diagnosis: Diagnosis, truth: dict[str, float]) -> tuple[bool, bool, bool]:
    """Tell whether both are likeliest, whether severities are near, and the verdict is right."""
    both = {one.family for one in diagnosis.candidates[:2]} == set(truth)
    near = all(
        abs(one.severity - truth[one.family]) <= 1
        for one in diagnosis.candidates
        if one.family in truth
    )
    return both, near, _found(diagnosis) == set(truth)


def reliability(read: Sequence[Diagnosis], exact: NDArray[np.bool_], bins: int = 5) -> Row:
    """Compare confidence with how often verdicts are right, in bins of equal number."""
    known = np.array([d.verdict != UNKNOWN for d in read])
    confidence = np.array([d.confidence for d in read])[known]
    right = exact[known]
    parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    table = [(_mean(confidence[part]), _mean(right[part])) for part in parts]
    gaps = [abs(a - b) * len(part) for (a, b), part in zip(table, parts, strict=True)]
    return {"bins": table, "error": round(sum(gaps) / len(confidence), 4)}


def by_family(
    truth: Sequence[set[str]], top: Sequence[Sequence[str]], single: NDArray[np.bool_]
) -> Row:
    """Return accuracy and number for each family."""
    hits = defaultdict(list)
    for i in np.flatnonzero(single):
        (name,) = truth[i]
        hits[name].append(top[i][0] == name)
    return {name: [_mean(values), len(values)] for name, values in sorted(hits.items())}


def confusions(
    truth: Sequence[set[str]], top: Sequence[Sequence[str]], single: NDArray[np.bool_]
) -> list[list[Any]]:
    """List the commonest confusions: truth, what was said, how often."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for i in np.flatnonzero(single):
        (name,) = truth[i]
        if top[i][0] != name:
            counts[name, top[i][0]] += 1
    return [[*pair, n] for pair, n in sorted(counts.items(), key=lambda kv: -kv[1])[:15]]


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
        verdicts[row["type"]].append(_found(diagnosis) == {finding.family})
        said[row["type"]].append(diagnosis.verdict)
        orders[row["type"]].append((abs(float(row["score"])), first.severity))
    clean = [diagnosis.verdict for diagnosis in read[len(rows) :]]
    everything = [hit for values in hits.values() for hit in values]
    return {
        "n": len(rows),
        "type": _mean(everything),
        "whole verdict": _mean([hit for values in verdicts.values() for hit in values]),
        "none of these": _mean([v == UNKNOWN for values in said.values() for v in values]),
        "references called clean": [clean.count(CLEAN), clean.count(UNKNOWN), len(clean)],
        "by type": {
            name: {
                "type": _mean(values),
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
    from scipy.stats import spearmanr

    return round(float(spearmanr(*np.array(pairs).T).statistic), 3)


def unknown_report(source: Examples, examples: Examples) -> Row:
    """Leave families out of the fit, and see whether their samples stand out from known ones."""
    report: Row = {}
    for fold in FOLDS:
        diagnoser = fit_diagnoser(source.facts["backbone"]["name"], source.without(fold))
        known = examples.without(fold)
        steps = np.array([spec.count("+") + bool(spec) for spec in examples.specs])
        for name in ("alone", "paired"):
            inside = diagnoser.read(known.images, _references(known, name))
            distances = [d.unfamiliarity for d in inside]
            alarms = _mean([d.verdict == UNKNOWN for d in inside])
            for family in fold:
                column = examples.families.index(family)
                rows = examples.where(examples.present[:, column] & (steps == 1))
                outside = diagnoser.read(rows.images, _references(rows, name))
                report.setdefault(family, {})[name] = {
                    "AUROC": auroc([d.unfamiliarity for d in outside], distances),
                    "called none of these": _mean([d.verdict == UNKNOWN for d in outside]),
                    "n": len(rows),
                    "known called so": alarms,
                }
    means = {
        name: {column: _mean([row[name][column] for row in report.values()]) for column in columns}
        for name, columns in dict.fromkeys(
            ("alone", "paired"), ("AUROC", "called none of these", "known called so")
        ).items()
    }
    report["mean"] = means
    return report


def auroc(outside: Sequence[float], inside: Sequence[float]) -> float:
    """Return the share of pairs in which the outsider is the more unusual one; ties count half."""
    from scipy.stats import rankdata

    ranks = rankdata([*outside, *inside])[: len(outside)]
    excess = ranks.sum() - len(outside) * (len(outside) + 1) / 2
    return round(float(excess / max(1, len(outside) * len(inside))), 4)


def draw_confusions(examples: Examples, read: Sequence[Diagnosis], path: Path) -> None:
    """Draw how often single distortions of each family are taken for each."""
    names = sorted(examples.families)
    columns = [*names, CLEAN, UNKNOWN]
    counts = np.zeros((len(names) + 1, len(columns)))
    for i, diagnosis in enumerate(read):
        truth = names_of(examples, i)
        if examples.specs[i].count("+") or len(truth) != bool(examples.specs[i]):
            continue
        row = names.index(next(iter(truth))) if truth else len(names)
        said = diagnosis.verdict if not diagnosis.found else diagnosis.candidates[0].family
        counts[row, columns.index(said)] += 1
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    figure, axes = plt.subplots(figsize=(9.5, 9), layout="constrained")
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    labels = [f"{n} ({int(c)})" for n, c in zip([*names, CLEAN], counts.sum(1), strict=True)]
    axes.set_yticks(range(len(labels)), labels, fontsize=7)
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=7)
    axes.set_xlabel("diagnosis")
    axes.set_ylabel("distortion (number of samples)")
    figure.colorbar(image, shrink=0.6, label="share of the samples of a row")
    save_figure(figure, path)


if __name__ == "__main__":
    typer.run(main)
