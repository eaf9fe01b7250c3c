"""What a diagnoser makes of examples whose distortions are known: accuracies and confusions.

Used by ``measure_diagnoser.py``.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from snellen.diagnosis import (
    CLEAN,
    UNKNOWN,
    Diagnoser,
    Diagnosis,
    Examples,
    findings_of,
    fit_diagnoser,
)
from snellen.distortions import distort, find_distortion
from snellen.images import as_image_batch
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


def references_of(examples: Examples, name: str) -> NDArray[np.float32] | None:
    """Return what is known of the references: nothing where images are read alone."""
    return examples.references if name == "paired" else None


def catalogue_report(examples: Examples, read: Sequence[Diagnosis]) -> Row:
    """Measure accuracy, severities and reliability on samples of the catalogue."""
    truth = [names_of(examples, i) for i in range(len(examples))]
    count = np.array([len(names) for names in truth])
    steps = np.array([spec.count("+") + bool(spec) for spec in examples.specs])
    exact = np.array([found_by(d) == t for d, t in zip(read, truth, strict=True)])
    exact &= np.array([d.verdict != UNKNOWN for d in read])
    single = (count == 1) & (steps == 1)
    pairs = count == 2
    clean = steps == 0
    top = [[c.family for c in d.candidates[:3]] for d in read]
    errors = severity_errors(examples, read, single)
    return {
        "single": {
            "n": int(single.sum()),
            "type": mean_of([top[i][0] in truth[i] for i in positions(single)]),
            "type among three": mean_of([truth[i] <= set(top[i]) for i in positions(single)]),
            "whole verdict": mean_of(exact[single]),
            "none of these": mean_of([read[i].verdict == UNKNOWN for i in positions(single)]),
            "clean": mean_of([read[i].verdict == CLEAN for i in positions(single)]),
            "severity error": mean_of(errors),
            "severity within one level": mean_of(errors <= 1),
        },
        "clean": {
            "n": int(clean.sum()),
            "clean": mean_of([read[i].verdict == CLEAN for i in positions(clean)]),
            "none of these": mean_of([read[i].verdict == UNKNOWN for i in positions(clean)]),
        },
        "pairs": pair_report(examples, read, pairs),
        "reliability": reliability(read, exact),
        "by family": by_family(truth, top, single),
        "confusions": confusions(truth, top, single),
    }


def found_by(diagnosis: Diagnosis) -> set[str]:
    """Name the families of a verdict."""
    return {one.family for one in diagnosis.found}


def names_of(examples: Examples, i: int) -> set[str]:
    """Name what is to be found in an example."""
    return {examples.families[j] for j in np.flatnonzero(examples.present[i])}


def positions(mask: NDArray[np.bool_]) -> list[int]:
    """Return where a mask is true."""
    found: list[int] = np.flatnonzero(mask).tolist()
    return found


def mean_of(values: Any) -> float:
    """Return a rounded mean, NaN of nothing."""
    return round(float(np.mean(values)), 4) if len(values) else float("nan")


def severity_errors(
    examples: Examples, read: Sequence[Diagnosis], mask: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the absolute errors of severities of the families that are there."""
    errors = []
    for i in positions(mask):
        for one in read[i].candidates:
            severity = examples.severities[i, examples.families.index(one.family)]
            if severity > 0:
                errors.append(abs(one.severity - float(severity)))
    return np.array(errors)


def pair_report(examples: Examples, read: Sequence[Diagnosis], mask: NDArray[np.bool_]) -> Row:
    """Measure how often both components of a pair are named."""
    rows = positions(mask)
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
        "both are the two likeliest": mean_of(both),
        "at least one among them": mean_of([bool(a & b) for a, b in zip(truth, top, strict=True)]),
        "whole verdict": mean_of(
            [found_by(read[i]) == t for i, t in zip(rows, truth, strict=True)]
        ),
        "both, and severities within one level": mean_of(near_too),
        "severities within one level, where both": mean_of(near_too[both]),
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
                "both are the two likeliest": mean_of(both),
                "both, and severities within one level": mean_of(both & near),
                "whole verdict": mean_of(verdict),
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
    return both, near, found_by(diagnosis) == set(truth)


def reliability(read: Sequence[Diagnosis], exact: NDArray[np.bool_], bins: int = 5) -> Row:
    """Compare confidence with how often verdicts are right, in bins of equal number."""
    known = np.array([d.verdict != UNKNOWN for d in read])
    confidence = np.array([d.confidence for d in read])[known]
    right = exact[known]
    parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    table = [(mean_of(confidence[part]), mean_of(right[part])) for part in parts]
    gaps = [abs(a - b) * len(part) for (a, b), part in zip(table, parts, strict=True)]
    return {"bins": table, "error": round(sum(gaps) / len(confidence), 4)}


def by_family(
    truth: Sequence[set[str]], top: Sequence[Sequence[str]], single: NDArray[np.bool_]
) -> Row:
    """Return accuracy and number for each family."""
    hits = defaultdict(list)
    for i in positions(single):
        (name,) = truth[i]
        hits[name].append(top[i][0] == name)
    return {name: [mean_of(values), len(values)] for name, values in sorted(hits.items())}


def confusions(
    truth: Sequence[set[str]], top: Sequence[Sequence[str]], single: NDArray[np.bool_]
) -> list[list[Any]]:
    """List the commonest confusions: truth, what was said, how often."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for i in positions(single):
        (name,) = truth[i]
        if top[i][0] != name:
            counts[name, top[i][0]] += 1
    return [[*pair, n] for pair, n in sorted(counts.items(), key=lambda kv: -kv[1])[:15]]


def unknown_report(source: Examples, examples: Examples) -> Row:
    """Leave families out of the fit, and see whether their samples stand out from known ones."""
    report: Row = {}
    for fold in FOLDS:
        diagnoser = fit_diagnoser(source.facts["backbone"]["name"], source.without(fold))
        known = examples.without(fold)
        steps = np.array([spec.count("+") + bool(spec) for spec in examples.specs])
        for name in ("alone", "paired"):
            inside = diagnoser.read(known.images, references_of(known, name))
            distances = [d.unfamiliarity for d in inside]
            alarms = mean_of([d.verdict == UNKNOWN for d in inside])
            for family in fold:
                column = examples.families.index(family)
                rows = examples.where(examples.present[:, column] & (steps == 1))
                outside = diagnoser.read(rows.images, references_of(rows, name))
                report.setdefault(family, {})[name] = {
                    "AUROC": auroc([d.unfamiliarity for d in outside], distances),
                    "called none of these": mean_of([d.verdict == UNKNOWN for d in outside]),
                    "n": len(rows),
                    "known called so": alarms,
                }
    means = {
        name: {
            column: mean_of([row[name][column] for row in report.values()]) for column in columns
        }
        for name, columns in dict.fromkeys(
            ("alone", "paired"), ("AUROC", "called none of these", "known called so")
        ).items()
    }
    report["mean"] = means
    return report


def auroc(outside: Sequence[float], inside: Sequence[float]) -> float:
    """Return the share of pairs in which the outsider is the more unusual one; ties count half."""
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
