"""How well one set of descriptors separates types of distortion: every number of one layer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from snellen.agreement import Resampling, bootstrap_mean
from snellen.errors import MetricError
from snellen.exam._separation._descriptors import Descriptors
from snellen.exam._separation._labelled import Labelled
from snellen.exam._separation._neighbors import Nearest, held_out_nearest, told_apart, vote
from snellen.exam._separation._principal import Principal, fit_principal, unit_length
from snellen.exam._separation._separability_indices import (
    calinski_harabasz,
    davies_bouldin,
    distance_sums,
    mean_silhouette,
    pair_means,
    silhouettes,
)
from snellen.records import Row

Numbers = NDArray[np.float64]
Codes = NDArray[np.intp]

Normalize = Literal["none", "z-score", "l2"]
NORMALIZATIONS: tuple[str, ...] = get_args(Normalize)
"""Descriptors as they are, every entry at unit variance, or every descriptor at unit length."""


@dataclass(frozen=True)
class Setting:
    """What is done to the features of a layer before distances are taken."""

    pooling: str
    difference: bool
    normalize: str

    def vectors(self, descriptors: Descriptors, layer: str) -> Numbers:
        """Return the descriptors (N, D) of a layer; a z-score is left to the components."""
        x = descriptors.vectors(layer, self.pooling, difference=self.difference)
        return unit_length(x) if self.normalize == "l2" else x.astype(np.float64)

    def components(self, x: Numbers, k: int) -> Principal:
        """Return principal components of all descriptors."""
        return fit_principal(x, k, standardize=self.normalize == "z-score")


class Labels:
    """Types, severities and contents of images as numbers from 0.

    Parameters
    ----------
    data
        The images.
    """

    def __init__(self, data: Labelled) -> None:
        self.kinds, types = np.unique(data.type, return_inverse=True)
        self.types = types.astype(np.intp)
        self.contents: Codes = np.unique(data.content, return_inverse=True)[1].astype(np.intp)
        graded = np.isfinite(data.severity)
        self.graded = np.flatnonzero(graded)
        self.grades = np.unique(data.severity[graded])
        # Images without a severity get a grade of their own, which is never right.
        self.grade = np.where(graded, np.searchsorted(self.grades, data.severity), len(self.grades))

    def facts(self) -> Row:
        """Count images, contents and types; give the accuracy of the best constant answers."""
        row: Row = {
            "images": len(self.types),
            "contents": int(self.contents.max()) + 1,
            "types": len(self.kinds),
            "chance": float(np.bincount(self.types).max() / len(self.types)),
        }
        grade = self.grade[self.graded]
        apart = np.abs(grade[:, None] - np.arange(len(self.grades)))
        for name, reach in (("level_chance", 0), ("level_within_one_chance", 1)):
            share = (apart <= reach).mean(0) if len(grade) else np.array([np.nan])
            row[name] = float(share.max())
        return row

    def smallest_training_set(self) -> int:
        """Count the images left when the content with most images is held out."""
        return len(self.contents) - int(np.bincount(self.contents).max())


@dataclass(frozen=True)
class Outcome:
    """What one layer, setting, number of components and number of neighbors led to.

    Parameters
    ----------
    types, grades
        (N,): answer for every image.
    silhouette, accuracy
        (T, T): of every pair of types, symmetric, NaN on the diagonal.
    row
        Numbers for a table.
    """

    types: NDArray[np.int16]
    grades: NDArray[np.int16]
    silhouette: NDArray[np.float32]
    accuracy: NDArray[np.float32]
    row: Row


def settings(
    poolings: Sequence[str], difference: Sequence[bool], normalize: Sequence[str]
) -> list[Setting]:
    """Combine the options.

    Raises
    ------
    MetricError
        A normalization does not exist.
    """
    if wrong := [one for one in normalize if one not in NORMALIZATIONS]:
        known = ", ".join(NORMALIZATIONS)
        raise MetricError(f"normalize={wrong[0]!r} does not exist; there are {known}.")
    return [Setting(*one) for one in product(poolings, difference, normalize)]


def separate(
    x: Numbers,
    setting: Setting,
    labels: Labels,
    components: Sequence[int],
    neighbors: Sequence[int],
    resampling: Resampling,
) -> Iterator[Outcome]:
    """Measure one layer under one setting.

    Parameters
    ----------
    x
        Descriptors (N, D), from `Setting.vectors`.
    setting
        How they were made.
    labels
        Of the images.
    components, neighbors
        Numbers to try, every one with every other.
    resampling
        How intervals are made.

    Yields
    ------
    Outcome
        By number of components, then of neighbors.
    """
    principal = setting.components(x, max(components))
    points = principal(x)
    sums = distance_sums(points, labels.types, components)
    nearest = held_out_nearest(
        x,
        labels.contents,
        labels.types,
        components,
        neighbors=max(neighbors),
        standardize=setting.normalize == "z-score",
    )
    for k in components:
        used = min(k, points.shape[1])
        values = silhouettes(sums[k], labels.types)
        indices = {
            "components": k,
            "dimensions": used,
            "explained": float(principal.explained[used - 1]),
            "silhouette": mean_silhouette(values),
            "davies_bouldin": davies_bouldin(points[:, :k], labels.types),
            "calinski_harabasz": calinski_harabasz(points[:, :k], labels.types),
        }
        apart = pair_means(told_apart(nearest[k].by_type, labels.types), labels.types)
        for n in neighbors:
            types, grades = _answers(nearest[k], labels, n)
            yield Outcome(
                types.astype(np.int16),
                grades.astype(np.int16),
                pair_means(values, labels.types).astype(np.float32),
                apart.astype(np.float32),
                indices | {"neighbors": n} | accuracies(types, grades, labels, resampling),
            )


def _answers(nearest: Nearest, labels: Labels, neighbors: int) -> tuple[Codes, Codes]:
    rows = nearest.rows[:, :neighbors]
    return vote(labels.types[rows]), vote(labels.grade[rows])


def accuracies(types: Codes, grades: Codes, labels: Labels, resampling: Resampling) -> Row:
    """Share of right answers, with intervals over contents, as columns of a row."""
    right = types == labels.types
    row = _mean("accuracy", right, labels.contents, resampling)
    for i, grade in enumerate(labels.grades):
        row[f"accuracy_level_{grade:g}"] = float(right[labels.grade == i].mean())
    known = labels.graded
    answered = grades[known] < len(labels.grades)
    apart = np.abs(grades[known] - labels.grade[known])
    contents = labels.contents[known]
    for name, reach in (("level_accuracy", 0), ("level_within_one", 1)):
        row |= _mean(name, answered & (apart <= reach), contents, resampling)
    return row


def _mean(
    name: str, right: NDArray[np.bool_], contents: Codes, resampling: Resampling
) -> dict[str, float]:
    if len(right) == 0:
        return {name: np.nan, f"{name}_low": np.nan, f"{name}_high": np.nan}
    found = bootstrap_mean(right.astype(np.float64), groups=contents, resampling=resampling)
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
