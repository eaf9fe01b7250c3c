"""Distorted photographs and how good full-reference metrics say that they are: what `ddr` learns.

Used by ``fit_ddr.py`` and ``measure_ddr.py``. Nothing here depends on a network.
"""

import hashlib
import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor

from snellen.distortions import GROUPS, derived_seed, distort, find_distortion, list_distortions
from snellen.images import find_images, read_image
from snellen.metrics import create_metrics

SHORT, LONG = 192, 256
"""Sides of the crops."""

JUDGES = {"mdsi": "half", "vsi": "half", "haarpsi": "native", "gmsd": "native"}
"""Full-reference metrics and the size at which they look: all of them at half the resolution.

HaarPSI and GMSD halve the image themselves, whatever its size; MDSI and VSI, which go by its size,
would do so only from images twice as large as these on.
"""

PRISTINE, PIPELINE, COMPOUND = 0.06, 0.08, 0.10
WEIGHTS = dict(zip(GROUPS, (0.20, 0.25, 0.25, 0.10, 0.07, 0.06, 0.07), strict=True))
"""Share of each group among the images with one distortion: what is met most, most often."""

Numbers = NDArray[np.float64]


def photographs() -> Path:
    """Return the folder of BSDS500, with its parts train, val and test."""
    shared = Path(os.environ.get("SNELLEN_SHARED", Path(__file__).parents[2] / "shared"))
    return shared / "data/natural/bsds500"


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

    def joined(self, other: "Examples") -> "Examples":
        """Return these examples and others."""
        return Examples(
            np.concatenate([self.statistics, other.statistics]),
            np.concatenate([self.values, other.values]),
            self.photographs + other.photographs,
            self.types + other.types,
        )

    def columns(self, chosen: Sequence[int] | range) -> "Examples":
        """Choose statistics."""
        columns = np.ascontiguousarray(self.statistics[:, list(chosen)])
        return Examples(columns, self.values, self.photographs, self.types)
