"""Nearest neighbors among other contents, in principal components fitted without one's own."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snellen.exam._separation._principal import fit_principal, growing_distances

Numbers = NDArray[np.float64]
Codes = NDArray[np.intp]

_CHUNK = 4_000_000


class Nearest(NamedTuple):
    """What is nearest to every point among the points of other contents.

    Parameters
    ----------
    rows
        (N, n): the n nearest points, nearest first; equal distances in order of position.
    by_type
        (N, T): squared distance to the nearest point of every type; infinite where other contents
        have none.
    """

    rows: Codes
    by_type: Numbers


def held_out_nearest(
    x: Numbers,
    contents: Codes,
    types: Codes,
    components: Sequence[int],
    *,
    neighbors: int = 1,
    standardize: bool = False,
) -> Mapping[int, Nearest]:
    """Leave out every content in turn, and look for its points' neighbors among the others.

    Mean, scale and principal components are those of the other contents: nothing of the content
    that is left out is used.

    Parameters
    ----------
    x
        Points (N, D).
    contents, types
        Content and type of each, from 0.
    components
        Numbers of principal components to take distances in.
    neighbors
        How many to find.
    standardize
        Whether columns are brought to unit variance first.

    Returns
    -------
    mapping
        By number of components.
    """
    kinds = int(types.max()) + 1
    found = {
        k: Nearest(np.empty((len(x), neighbors), dtype=np.intp), np.full((len(x), kinds), np.inf))
        for k in components
    }
    for content in range(int(contents.max()) + 1):
        others = np.flatnonzero(contents != content)
        by_type = np.argsort(types[others], kind="stable")
        there, starts = np.unique(types[others][by_type], return_index=True)
        fitted = fit_principal(x[others], max(components), standardize=standardize)
        train = fitted(x[others])
        held_out = np.flatnonzero(contents == content)
        for own in _chunks(held_out, len(others)):
            for k, squared in growing_distances(fitted(x[own]), train, components):
                found[k].rows[own] = others[_smallest(squared, neighbors)]
                found[k].by_type[np.ix_(own, there)] = np.minimum.reduceat(
                    squared[:, by_type], starts, axis=1
                )
    return found


def _chunks(rows: Codes, width: int) -> list[Codes]:
    parts = -(-len(rows) * width // _CHUNK)
    return list(np.array_split(rows, max(1, parts)))


def _smallest(squared: Numbers, count: int) -> Codes:
    """Columns of the smallest values of every row, smallest first, the first of equals first."""
    left, rows = squared.copy(), np.arange(len(squared))
    found = np.empty((len(squared), count), dtype=np.intp)
    for i in range(count):
        found[:, i] = left.argmin(1)
        left[rows, found[:, i]] = np.inf
    return found


def vote(labels: Codes) -> Codes:
    """Return the label that most neighbors have; of several such, the nearest one's.

    Parameters
    ----------
    labels
        (N, n): of every neighbor, nearest first.

    Returns
    -------
    array
        (N,).

    Examples
    --------
    >>> vote(np.array([[2, 1, 1], [0, 2, 1]])).tolist()
    [1, 0]
    """
    same = labels[:, :, None] == labels[:, None, :]
    # argmax takes the first of equals, which is the nearest.
    winner = same.sum(2).argmax(1)
    return np.asarray(labels[np.arange(len(labels)), winner])


def told_apart(by_type: Numbers, types: Codes) -> Numbers:
    """Tell whether every point is nearer to its own type than to each other one.

    Parameters
    ----------
    by_type
        (N, T), of `Nearest`.
    types
        Type of each point.

    Returns
    -------
    array
        (N, T): 1, 0, or a half where both are equally near; NaN in the own type's column.
    """
    points = np.arange(len(types))
    own = by_type[points, types][:, None]
    right = (own < by_type) + 0.5 * (own == by_type)
    right[points, types] = np.nan
    return np.asarray(right)
