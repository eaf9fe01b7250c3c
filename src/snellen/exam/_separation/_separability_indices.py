"""How well labels separate points: indices of cluster analysis, from distances and centroids."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.exam._separation._principal import growing_distances

Numbers = NDArray[np.float64]
Codes = NDArray[np.intp]

_CHUNK = 4_000_000


def distance_sums(x: Numbers, codes: Codes, components: Sequence[int]) -> Mapping[int, Numbers]:
    """Sum the distances from every point to those of every class.

    Parameters
    ----------
    x
        Points (N, D).
    codes
        Class of each, 0 to T - 1.
    components
        Numbers of leading coordinates to take distances in.

    Returns
    -------
    mapping
        By number of coordinates, (N, T).
    """
    members = np.eye(codes.max() + 1)[codes]
    sums = {k: np.empty((len(x), members.shape[1])) for k in set(components)}
    rows = max(1, _CHUNK // len(x))
    for start in range(0, len(x), rows):
        part = slice(start, start + rows)
        for k, squared in growing_distances(x[part], x, components):
            own = np.sqrt(squared)
            # A point is at no distance from itself, whatever rounding says.
            own[np.arange(len(own)), np.arange(start, start + len(own))] = 0.0
            sums[k][part] = own @ members
    return sums


def silhouettes(sums: Numbers, codes: Codes) -> Numbers:
    """Compare each point's mean distances to its own class and to every other.

    Parameters
    ----------
    sums
        Of distances to every class (N, T), from `distance_sums`.
    codes
        Class of each point.

    Returns
    -------
    array
        (N, T): (b - a) / max(a, b) with a the mean distance to the own class and b to another
        (Rousseeuw, J. Comput. Appl. Math. 20, 1987); NaN in the own class's column, 0 for points
        alone in their class.
    """
    sizes = np.bincount(codes)
    points = np.arange(len(codes))
    alone = sizes[codes] < 2
    own = sums[points, codes] / np.maximum(sizes[codes] - 1, 1)
    other = sums / sizes
    larger = np.maximum(own[:, None], other)
    values = (other - own[:, None]) / np.where(larger > 0, larger, 1.0)
    values[alone] = 0.0
    values[points, codes] = np.nan
    return np.asarray(values)


def mean_silhouette(values: Numbers) -> float:
    """Mean over points of the silhouette against the nearest other class."""
    # (b - a) / max(a, b) rises with b: the nearest class is the one of the lowest value.
    return float(np.nanmin(values, axis=1).mean())


def pair_means(values: Numbers, codes: Codes) -> Numbers:
    """Mean over the points of both classes of each pair.

    Parameters
    ----------
    values
        (N, T): how well each point is told from every class other than its own.
    codes
        Class of each point.

    Returns
    -------
    array
        (T, T), symmetric; NaN on the diagonal.
    """
    members = np.eye(values.shape[1])[codes]
    sums = members.T @ np.nan_to_num(values)
    sizes = members.sum(0)
    means = (sums + sums.T) / (sizes[:, None] + sizes)
    np.fill_diagonal(means, np.nan)
    return np.asarray(means)


def davies_bouldin(x: ArrayLike, codes: Codes) -> float:
    """Return the mean over classes of the worst ratio of spread to distance between centroids.

    Parameters
    ----------
    x
        Points (N, D).
    codes
        Class of each, 0 to T - 1.

    Returns
    -------
    float
        0 or more; lower is better (Davies and Bouldin, IEEE TPAMI 1, 1979). Infinite where
        centroids of classes with spread coincide.
    """
    x = np.asarray(x, dtype=np.float64)
    centroids, sizes = _centroids(x, codes)
    gaps = np.linalg.norm(x - centroids[codes], axis=1)
    spread = np.bincount(codes, gaps) / sizes
    apart = np.linalg.norm(centroids[:, None] - centroids, axis=2)
    total = spread[:, None] + spread
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(total > 0, total / apart, 0.0)
    np.fill_diagonal(ratio, 0.0)
    return float(ratio.max(1).mean())


def calinski_harabasz(x: ArrayLike, codes: Codes) -> float:
    """Return the ratio of variance between classes to that within, each by its freedom.

    Parameters
    ----------
    x
        Points (N, D).
    codes
        Class of each, 0 to T - 1.

    Returns
    -------
    float
        0 or more; higher is better (Calinski and Harabasz, Comm. Statist. 3, 1974). Infinite
        where no class has any spread; NaN where there are as many classes as points.
    """
    x = np.asarray(x, dtype=np.float64)
    centroids, sizes = _centroids(x, codes)
    between = float((sizes[:, None] * (centroids - x.mean(0)) ** 2).sum())
    within = float(((x - centroids[codes]) ** 2).sum())
    freedom = len(x) - len(sizes)
    if freedom == 0 or between == within == 0:
        return float("nan")
    return between / within * freedom / (len(sizes) - 1) if within > 0 else float("inf")


def _centroids(x: Numbers, codes: Codes) -> tuple[Numbers, NDArray[np.intp]]:
    sizes = np.bincount(codes)
    return (np.eye(len(sizes))[codes].T @ x) / sizes[:, None], sizes
