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
import hashlib
import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm, spearmanr
from torch import Tensor

from snellen.backbones import create_backbone, file_sha256
from snellen.distortions import GROUPS, derived_seed, distort, find_distortion, list_distortions
from snellen.images import find_images, read_image
from snellen.metrics import (
    ResponseHead,
    create_metrics,
    create_response_statistics,
    fit_response_head,
)

DATA = Path(__file__).parents[1] / "src/snellen/metrics/data"
SHORT, LONG = 192, 256

DEGRADATIONS = ("gaussian-blur@0.7", "white-noise@0.003", "jpeg@50", "jpeg@15")
OWN, EACH = 4, 2
"""Statistics of every layer: of the image itself, and of its response to each degradation."""

JUDGES = {"mdsi": "half", "vsi": "half", "haarpsi": "native", "gmsd": "native"}
"""Full-reference metrics and the size at which they look: all of them at half the resolution.

HaarPSI and GMSD halve the image themselves, whatever its size; MDSI and VSI, which go by its size,
would do so only from images twice as large as these on.
"""

PRISTINE, PIPELINE, COMPOUND = 0.06, 0.08, 0.10
WEIGHTS = dict(zip(GROUPS, (0.20, 0.25, 0.25, 0.10, 0.07, 0.06, 0.07), strict=True))
"""Share of each group among the images with one distortion: what is met most, most often."""

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

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """A crop of a photograph and what is done to it; an empty specification for nothing."""

    file: Path
    name: str
    spec: str

    @property
    def types(self) -> set[str]:
        """Names of the types in the specification."""
        names = [step.replace("@", ":").split(":")[0] for step in self.spec.split("+")]
        return {find_distortion(n).name for n in names if n not in ("", "random")}

    def images(self) -> tuple[Tensor, Tensor]:
        """Return the crop and its distorted version."""
        place = random.Random(derived_seed(2, self.name))
        image = read_image(self.file)[None]
        height, width = (SHORT, LONG) if image.shape[2] < image.shape[3] else (LONG, SHORT)
        top = place.randint(0, image.shape[2] - height)
        left = place.randint(0, image.shape[3] - width)
        crop = image[..., top : top + height, left : left + width]
        if not self.spec:
            return crop, crop
        return crop, distort(crop, self.spec, seed=derived_seed(1, self.name))


def draw_samples(folder: Path, each: int) -> list[Sample]:
    """Draw what is done to every photograph of a folder, `each` times."""
    files = find_images(folder)
    if not files:
        raise SystemExit(f"no photographs in {folder}; set SNELLEN_SHARED")
    names = [(file, f"{file.name}/{turn}") for turn in range(each) for file in files]
    return [Sample(file, name, _draw(random.Random(derived_seed(0, name)))) for file, name in names]


def _draw(draw: random.Random) -> str:
    kind = draw.random()
    if kind < PRISTINE:
        return ""
    if kind < PRISTINE + PIPELINE:
        return f"random@{draw.randrange(10**6)}"
    if kind < PRISTINE + PIPELINE + COMPOUND:
        first = _one(draw, draw.choice(("blur", "noise", "sharpness-contrast")))
        return f"{first}+jpeg@{draw.randint(10, 90)}"
    return _one(draw, draw.choices(GROUPS, [WEIGHTS[group] for group in GROUPS])[0])


def _one(draw: random.Random, group: str) -> str:
    return f"{draw.choice(list_distortions(group)).name}:{draw.randint(1, 5)}"


def judged(samples: Sequence[Sample]) -> Iterator[Numbers]:
    """Yield the scores of each sample by all judges, high for good."""
    metrics = [(n, create_metrics([n], resize=resize)[n]) for n, resize in JUDGES.items()]
    for sample in samples:
        crop, distorted = sample.images()
        signs = [-1 if metric.lower_better else 1 for _, metric in metrics]
        scores = [float(metric(distorted, crop)) for _, metric in metrics]
        yield np.array(signs) * np.array(scores)


def consensus(scores: Numbers, among: Numbers) -> Numbers:
    """Return the mean over judges of normal scores of ranks, ranks being those among others."""
    places = []
    for column, others in zip(scores.T, np.sort(among, axis=0).T, strict=True):
        below = (np.searchsorted(others, column, side) for side in ("left", "right"))
        places.append((np.mean(list(below), 0) + 0.5) / (len(others) + 1))
    mean: Numbers = norm.ppf(places).mean(0)
    return mean


def kept(
    cache: Path | None, what: object, count: int, make: Callable[[], Iterator[Numbers]]
) -> Numbers:
    """Return rows from the cache, or make them, saving now and then."""
    key = hashlib.sha256(json.dumps(what, default=str).encode()).hexdigest()[:16]
    path = None if cache is None else cache / f"{key}.npy"
    if path is not None and path.exists():
        loaded: Numbers = np.load(path)
        return loaded
    rows = []
    for row in make():
        rows.append(row)
        if len(rows) % 50 == 0:
            sys.stderr.write(f"{len(rows)} of {count}\n")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.array(rows))
    return np.array(rows)


@dataclass(frozen=True)
class Examples:
    """Statistics (M, D), values (M,), and which photograph and types each comes from."""

    statistics: Numbers
    values: Numbers
    photographs: list[str]
    types: list[set[str]]

    def subset(self, chosen: Sequence[bool] | NDArray[np.bool_]) -> "Examples":
        """Choose examples."""
        where = np.flatnonzero(chosen)
        return Examples(
            self.statistics[where],
            self.values[where],
            [self.photographs[i] for i in where],
            [self.types[i] for i in where],
        )

    def columns(self, chosen: Sequence[int] | range) -> "Examples":
        """Choose statistics."""
        columns = np.ascontiguousarray(self.statistics[:, list(chosen)])
        return Examples(columns, self.values, self.photographs, self.types)


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


def main() -> None:
    """Fit, report, save."""
    given = arguments()
    torch.set_num_threads(1)
    shared = Path(os.environ.get("SNELLEN_SHARED", Path(__file__).parents[2] / "shared"))
    parts = [
        draw_samples(shared / "data/natural/bsds500" / part, each)
        for part, each in (("train", given.each), ("val", max(1, given.each // 2)))
    ]
    if given.photographs:
        parts = [[s for s in part if _early(s, part, given.photographs)] for part in parts]
    backbone = create_backbone(given.backbone, given.weights)
    statistics = create_response_statistics(backbone, DEGRADATIONS)
    belongs = statistics.made_for()
    scores, measured = [], []
    for part in parts:
        names = [(sample.name, sample.spec) for sample in part]
        what = ["judges", JUDGES, SHORT, names]
        scores.append(kept(given.cache, what, len(part), lambda part=part: judged(part)))
        what = ["statistics", belongs, DEGRADATIONS, SHORT, names]
        rows = (statistics(sample.images()[1])[0].numpy() for sample in part)
        measured.append(kept(given.cache, what, len(part), lambda rows=rows: rows))
    among = np.concatenate(scores)
    train, val = (
        Examples(m, consensus(s, among), [x.file.name for x in part], [x.types for x in part])
        for m, s, part in zip(measured, scores, parts, strict=True)
    )
    own = OWN * len(statistics.layers)
    degradations = DEGRADATIONS
    if given.own:
        # The first degradation stays, at no weight: own statistics come with its pass.
        degradations = DEGRADATIONS[:1]
        columns = range(own)
        reached, settings = choose(train.columns(columns), val.columns(columns), own)
    else:
        reached, settings = choose(train, val, own)
    both = Examples(
        np.concatenate([train.statistics, val.statistics]),
        np.concatenate([train.values, val.values]),
        train.photographs + val.photographs,
        train.types + val.types,
    ).columns(range(own + EACH * len(statistics.layers) * len(degradations)))
    if given.own:
        settings = replace(settings, stretch=0.0, width=settings.width * _narrowing(both, own))
    report = {
        "examples": [len(train.values), len(val.values)],
        "settings": asdict(settings),
        "agreement with the consensus on other photographs": reached,
        "parts": {} if given.own else ablation(train, val, len(statistics.layers)),
        "families": unmet(both, own, settings),
    }
    head = fitted(
        both,
        own,
        settings,
        degradations=degradations,
        made_for=belongs,
        fit={"examples": len(both.values), "judges": list(JUDGES), "srcc": round(reached, 4)},
    )
    output = given.output or DATA / f"ddr-{backbone.name}.safetensors"
    head.save(output)
    text = json.dumps(report, indent=2)
    if given.report:
        given.report.write_text(text + "\n", encoding="utf-8")
    size = output.stat().st_size
    sys.stdout.write(f"{text}\n{output}: {size} bytes, sha256 {file_sha256(output)}\n")


def _narrowing(examples: Examples, own: int) -> float:
    """Undo that the width of a kernel grows with the number of statistics."""
    return float((own / examples.statistics.shape[1]) ** 0.5)


def _early(sample: Sample, part: Sequence[Sample], count: int) -> bool:
    return sample.file in list(dict.fromkeys(other.file for other in part))[:count]


if __name__ == "__main__":
    main()
