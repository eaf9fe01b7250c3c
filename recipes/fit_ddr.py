r"""Fit the head of `ddr`: blind quality out of responses to degradations, without human scores.

The file ``src/snellen/metrics/data/ddr-gabor.safetensors`` was made by::

    OMP_NUM_THREADS=1 python recipes/fit_ddr.py --cache FOLDER

and the same for another network by ``--backbone NAME [--weights FILE]``. Photographs are those of
BSDS500 (from SNELLEN_SHARED): its training part is fitted to, its validation part chooses width and
ridge, both are in the head that ships. Each is distorted in ways drawn from the catalogue, and the
consensus of four full-reference metrics says how good the result is. The targets do not depend on
the network and are kept in the cache; so are the statistics of each network.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ddr_examples import (
    JUDGES,
    SHORT,
    Examples,
    Numbers,
    Sample,
    consensus,
    draw_samples,
    judged,
    kept,
    photographs,
)
from scipy.stats import spearmanr

from snellen.backbones import create_backbone, file_sha256
from snellen.distortions import derived_seed, find_distortion
from snellen.metrics import (
    ResponseHead,
    ResponseStatistics,
    create_response_statistics,
    fit_response_head,
)

DATA = Path(__file__).parents[1] / "src/snellen/metrics/data"

DEGRADATIONS = ("gaussian-blur@0.7", "white-noise@0.003", "jpeg@50", "jpeg@15")
OWN, EACH = 4, 2
"""Statistics of every layer: of the image itself, and of its response to each degradation."""

WIDTHS, RIDGES, STRETCHES = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0), (0.01, 0.03, 0.1, 0.3), (0.3, 0.5, 1.0)
"""What is chosen by the validation part; a stretch is the weight of responses, that of the image's
own statistics being 1."""

HELD_OUT = (
    ("tid-gaussian-noise", "white-noise", "white-noise-ycbcr", "tid-color-noise"),
    ("gaussian-blur", "tid-gaussian-blur", "lens-blur"),
    ("jpeg", "tid-jpeg", "webp", "tid-jpeg-transmission"),
    ("contrast", "tid-contrast", "contrast-compression", "gamma-contrast"),
    ("jpeg2000", "tid-jpeg2000", "avif"),
)
"""Families that are left out together to see what a head makes of what it has not met."""


@dataclass(frozen=True)
class Settings:
    """What is chosen by the validation part."""

    width: float
    ridge: float
    stretch: float


def fitted(examples: Examples, own: int, settings: Settings, **rest: Any) -> ResponseHead:
    """Fit a head; the first columns are the image's own statistics."""
    weights = torch.full((examples.statistics.shape[1],), settings.stretch)
    weights[:own] = 1
    return fit_response_head(
        torch.from_numpy(examples.statistics),
        torch.from_numpy(examples.values),
        width=settings.width,
        ridge=settings.ridge,
        weights=weights,
        **{"degradations": (), **rest},
    )


def agreement(head: ResponseHead, examples: Examples) -> float:
    """Return the rank correlation of what a head says with the consensus."""
    said = head(torch.from_numpy(examples.statistics).float()).numpy()
    return float(spearmanr(said, examples.values).statistic)


def choose(train: Examples, val: Examples, own: int) -> tuple[float, Settings]:
    """Return the agreement and the settings of the head that is best on other photographs."""
    stretches = STRETCHES if 0 < own < train.statistics.shape[1] else (1.0,)
    tried = [Settings(w, r, s) for w in WIDTHS for r in RIDGES for s in stretches]
    found = [agreement(fitted(train, own, one), val) for one in tried]
    best = int(np.argmax(found))
    return found[best], tried[best]


def ablation(train: Examples, val: Examples, layers: int) -> dict[str, float]:
    """Tell what the parts are worth: the image's own statistics, and each response."""
    own, end = OWN * layers, train.statistics.shape[1]
    parts = {"own statistics, no degradation": range(own), "all responses": range(own, end)}
    found = {}
    for i, degradation in enumerate(DEGRADATIONS):
        here = range(own + i * EACH * layers, own + (i + 1) * EACH * layers)
        parts[f"response to {degradation}"] = here
        both = [*range(own), *here]
        found[f"own, and to {degradation}"] = choose(train.columns(both), val.columns(both), own)[0]
    alone = {k: choose(train.columns(c), val.columns(c), len(c))[0] for k, c in parts.items()}
    plain = val.statistics[:, own::EACH]
    mean = ((plain - plain.mean(0)) / plain.std(0)).mean(1)
    return {
        "mean response, unweighted": float(spearmanr(mean, val.values).statistic),
        **alone,
        **found,
        "everything": choose(train, val, own)[0],
    }


def unmet(examples: Examples, own: int, settings: Settings) -> list[dict[str, object]]:
    """Compare heads that have and have not met a family, on photographs neither has seen."""
    half = np.array([derived_seed(3, name) % 2 == 0 for name in examples.photographs])
    rows: list[dict[str, object]] = []
    for family in HELD_OUT:
        names = {find_distortion(name).name for name in family}
        of_it = np.array([bool(names & types) for types in examples.types])
        row: dict[str, object] = {"family": ", ".join(sorted(names)), "images": int(of_it.sum())}
        for label, banned in (("met", np.zeros_like(of_it)), ("not met", of_it)):
            said, true = [], []
            for side in (half, ~half):
                head = fitted(examples.subset(side & ~banned), own, settings)
                rest = examples.subset(~side & of_it)
                said.append(head(torch.from_numpy(rest.statistics).float()).numpy())
                true.append(rest.values)
            row[label] = float(spearmanr(np.concatenate(said), np.concatenate(true)).statistic)
        rows.append(row)
    return rows


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backbone", default="gabor")
    parser.add_argument("--weights")
    parser.add_argument("--output", type=Path, help="default: where the package looks for it")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--each", type=int, default=6, help="samples of each photograph")
    parser.add_argument("--photographs", type=int, help="only so many of each part")
    parser.add_argument("--report", type=Path, help="JSON file of what was found on the way")
    parser.add_argument(
        "--own", action="store_true", help="control: the image's own statistics alone"
    )
    given = parser.parse_args()
    if given.own and given.output is None:
        parser.error("--own makes no head to ship: give --output")
    return given


def samples_of(given: argparse.Namespace) -> list[list[Sample]]:
    """Draw the samples of the training part and of the validation part."""
    parts = [
        draw_samples(photographs() / part, each)
        for part, each in (("train", given.each), ("val", max(1, given.each // 2)))
    ]
    if given.photographs:
        parts = [[s for s in part if _early(s, part, given.photographs)] for part in parts]
    return parts


def _early(sample: Sample, part: Sequence[Sample], count: int) -> bool:
    return sample.file in list(dict.fromkeys(other.file for other in part))[:count]


def described(samples: Sequence[Sample], statistics: ResponseStatistics) -> Iterator[Numbers]:
    """Yield the statistics of each sample."""
    for sample in samples:
        yield statistics(sample.images()[1])[0].numpy()


def examples_of(
    parts: Sequence[Sequence[Sample]], statistics: ResponseStatistics, cache: Path | None
) -> list[Examples]:
    """Measure samples, or take what is in the cache; consensus is among all of them."""
    scores, values = [], []
    for part in parts:
        names = [(sample.name, sample.spec) for sample in part]
        what: list[object] = ["judges", JUDGES, SHORT, names]
        scores.append(kept(cache, what, len(part), partial(judged, part)))
        what = ["statistics", statistics.made_for(), DEGRADATIONS, SHORT, names]
        values.append(kept(cache, what, len(part), partial(described, part, statistics)))
    among = np.concatenate(scores)
    return [
        Examples(m, consensus(s, among), [x.file.name for x in part], [x.types for x in part])
        for m, s, part in zip(values, scores, parts, strict=True)
    ]


def fit(
    train: Examples, val: Examples, statistics: ResponseStatistics, control: bool
) -> tuple[ResponseHead, dict[str, Any]]:
    """Choose settings, fit to both parts, and report; a control has no responses to look at."""
    layers = len(statistics.layers)
    own = OWN * layers
    # A control keeps the first degradation, at no weight: own statistics come with its pass.
    degradations = DEGRADATIONS[:1] if control else DEGRADATIONS
    looked_at = [part.columns(range(own)) if control else part for part in (train, val)]
    reached, settings = choose(looked_at[0], looked_at[1], own)
    both = train.joined(val).columns(range(own + EACH * layers * len(degradations)))
    if control:
        settings = replace(settings, stretch=0.0, width=settings.width * _narrowing(both, own))
    head = fitted(
        both,
        own,
        settings,
        degradations=degradations,
        made_for=statistics.made_for(),
        fit={"examples": len(both.values), "judges": list(JUDGES), "srcc": round(reached, 4)},
    )
    return head, {
        "examples": [len(train.values), len(val.values)],
        "settings": asdict(settings),
        "agreement with the consensus on other photographs": reached,
        "parts": {} if control else ablation(train, val, layers),
        "families": unmet(both, own, settings),
    }


def _narrowing(examples: Examples, own: int) -> float:
    """Undo that the width of a kernel grows with the number of statistics."""
    return float((own / examples.statistics.shape[1]) ** 0.5)


def main() -> None:
    """Fit, report, save."""
    given = arguments()
    torch.set_num_threads(1)
    backbone = create_backbone(given.backbone, given.weights)
    statistics = create_response_statistics(backbone, DEGRADATIONS)
    train, val = examples_of(samples_of(given), statistics, given.cache)
    head, report = fit(train, val, statistics, given.own)
    output = given.output or DATA / f"ddr-{backbone.name}.safetensors"
    head.save(output)
    text = json.dumps(report, indent=2)
    if given.report:
        given.report.write_text(text + "\n", encoding="utf-8")
    size = output.stat().st_size
    sys.stdout.write(f"{text}\n{output}: {size} bytes, sha256 {file_sha256(output)}\n")


if __name__ == "__main__":
    main()
