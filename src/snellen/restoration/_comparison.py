"""The same training under several losses."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from snellen.errors import TrainingError
from snellen.metrics import Metric
from snellen.records import Row, replace_file
from snellen.restoration._evaluation import evaluate, make_metrics
from snellen.restoration._plan_file import ComparisonPlan
from snellen.restoration._restorer import load_restorer
from snellen.restoration._training import train

BASELINE = "input"


@dataclass(frozen=True)
class LossComparison:
    """What `compare_losses` found.

    Attributes
    ----------
    plan
        What was compared.
    images
        A row for every image under every loss and seed: ``loss``, ``seed``, ``set``, ``image``,
        ``error`` and a score for each metric. The loss ``"input"`` is the degraded image itself,
        enlarged by bicubic interpolation; its seed is None.
    lower_better
        Direction of every metric.
    """

    plan: ComparisonPlan
    images: Sequence[Row]
    lower_better: Mapping[str, bool]

    @property
    def runs(self) -> list[Row]:
        """A row for every loss, seed and test set: means over images."""
        found = []
        for key in dict.fromkeys((row["loss"], row["seed"], row["set"]) for row in self.images):
            own = [r for r in self.images if (r["loss"], r["seed"], r["set"]) == key]
            row: Row = dict(zip(("loss", "seed", "set"), key, strict=True))
            row["images"] = sum(r["error"] is None for r in own)
            row["failed"] = len(own) - row["images"]
            found.append(row | {label: _mean(own, label) for label in self.lower_better})
        return found

    @property
    def summary(self) -> list[Row]:
        """A row for every loss and test set: mean and standard deviation over seeds, of means.

        ``METRIC difference`` is the mean, over seeds, of the difference to the first loss with
        the same seed, and ``METRIC difference sd`` its standard deviation.
        """
        runs, first = self.runs, next(iter(self.plan.losses))
        found = []
        for loss, name in dict.fromkeys((run["loss"], run["set"]) for run in runs):
            own = {r["seed"]: r for r in runs if (r["loss"], r["set"]) == (loss, name)}
            base = {r["seed"]: r for r in runs if (r["loss"], r["set"]) == (first, name)}
            row: Row = {"loss": loss, "set": name, "seeds": len(own)}
            for label in self.lower_better:
                row |= _spread(label, own, {} if loss in (first, BASELINE) else base)
            found.append(row)
        return found


def compare_losses(
    comparison: ComparisonPlan,
    output: str | Path,
    *,
    device: str = "cpu",
    progress: Callable[[str, int], None] = lambda run, step: None,
) -> LossComparison:
    """Train the same network under several losses, several times, and score all of them.

    Runs with one seed start from the same weights and see the same patches. A run that is finished
    is not done again, and one that was cut off goes on where it was.

    Parameters
    ----------
    comparison
        See `load_comparison`.
    output
        Folder; every run lies in ``LOSS/SEED`` of it.
    device
        Where to compute.
    progress
        Called with the name of the run and its number of steps.

    Returns
    -------
    LossComparison
        Rows by image, by run and by loss.

    Raises
    ------
    TrainingError
        As `train` does, or a label cannot name a folder.
    """
    output, plan = Path(output), comparison.plan
    bad = [one for one in comparison.losses if one == BASELINE or Path(one).name != one]
    if bad:
        raise TrainingError(f"losses: {bad[0]!r} cannot be the name of a folder of results.")
    metrics = make_metrics(plan.metrics, device)
    rows = _tagged(_baseline(comparison, output, metrics), BASELINE, None)
    for seed in comparison.seeds:
        for label, terms in comparison.losses.items():
            own = replace(plan, loss=terms, seed=seed)
            folder = output / label / str(seed)
            name = f"{label}, seed {seed}"
            train(own, folder, resume=True, device=device,
                  progress=lambda step, name=name: progress(name, step))  # type: ignore[misc]  # fmt: skip
            path, mark = folder / "scores.json", own.fingerprint()
            found = _kept(path, mark, lambda folder=folder: list(  # type: ignore[misc]
                evaluate(load_restorer(folder / "network.safetensors", device), plan.test, metrics,
                         scale=plan.scale, border=plan.border)))  # fmt: skip
            rows += _tagged(found, label, seed)
    directions = {label: metric.lower_better is True for label, metric in metrics.items()}
    return LossComparison(comparison, rows, directions)


def _baseline(comparison: ComparisonPlan, output: Path, metrics: Mapping[str, Metric]) -> list[Row]:
    plan = comparison.plan
    return _kept(
        output / f"{BASELINE}.json",
        plan.fingerprint(),
        lambda: list(evaluate(None, plan.test, metrics, scale=plan.scale, border=plan.border)),
    )


def _kept(path: Path, mark: str, make: Callable[[], list[Row]]) -> list[Row]:
    """Read rows that were made before under the same mark, or make and write them."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["fingerprint"] == mark:
            rows: list[Row] = document["rows"]
            return rows
    except (OSError, ValueError, KeyError, TypeError):
        pass
    rows = make()
    replace_file(path, json.dumps({"fingerprint": mark, "rows": rows}))
    return rows


def _tagged(rows: Sequence[Row], loss: str, seed: int | None) -> list[Row]:
    return [{"loss": loss, "seed": seed, **row} for row in rows]


def _mean(rows: Sequence[Row], label: str) -> float | None:
    known = [row[label] for row in rows if row[label] is not None]
    return statistics.fmean(known) if known else None


def _spread(label: str, own: Mapping[Any, Row], base: Mapping[Any, Row]) -> Row:
    values = [row[label] for row in own.values() if row[label] is not None]
    pairs = [(own[seed][label], base[seed][label]) for seed in own if seed in base]
    changes = [a - b for a, b in pairs if a is not None and b is not None]
    return {
        label: statistics.fmean(values) if values else None,
        f"{label} sd": _deviation(values),
        f"{label} difference": statistics.fmean(changes) if changes else None,
        f"{label} difference sd": _deviation(changes),
    }


def _deviation(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None
