"""Scores of a metric on choices between images: 2AFC and just noticeable differences."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.agreement._correlation import vector
from snellen.errors import AgreementError

Numbers = NDArray[np.float64]


def two_afc_score(d0: ArrayLike, d1: ArrayLike, human: ArrayLike) -> float:
    r"""Fraction of people whose choice between two images a distance shares (2AFC).

    .. math:: \frac1N \sum_i h_i [d_{1,i} < d_{0,i}] + (1 - h_i) [d_{0,i} < d_{1,i}]
              + \tfrac12 [d_{0,i} = d_{1,i}]

    Parameters
    ----------
    d0, d1
        Distances of the two candidates from the reference; smaller is nearer. Negate scores of
        which high is good.
    human
        Fraction of people who found the second candidate nearer, in [0, 1].

    Returns
    -------
    float
        In [0, 1]; 0.5 is chance. People themselves do not reach 1, because they disagree: see
        `two_afc_values` for a mean with an interval.

    Raises
    ------
    AgreementError
        Lengths differ, a value is not finite, or a fraction is outside [0, 1].

    Notes
    -----
    This is the definition of LPIPS (Zhang et al., CVPR 2018, and its code): the value per type is
    the mean over triplets, published averages are means over types.

    Examples
    --------
    >>> two_afc_score([0.1, 0.5, 0.2], [0.3, 0.4, 0.2], [0.0, 0.8, 1.0])
    0.766...
    """
    return float(two_afc_values(d0, d1, human).mean())


def two_afc_values(d0: ArrayLike, d1: ArrayLike, human: ArrayLike) -> Numbers:
    """Return the terms of `two_afc_score`, one per triplet, such as for `bootstrap_mean`.

    Parameters
    ----------
    d0, d1, human
        As in `two_afc_score`.

    Returns
    -------
    numpy.ndarray
        Values in [0, 1].

    Raises
    ------
    AgreementError
        As in `two_afc_score`.
    """
    x0, x1, h = vector(d0, "d0"), vector(d1, "d1"), _fractions(human, "human")
    _same_length(d0=x0, d1=x1, human=h)
    return np.where(x1 < x0, h, np.where(x0 < x1, 1.0 - h, 0.5))


def jnd_map(distances: ArrayLike, same: ArrayLike, types: ArrayLike | None = None) -> float:
    """Average precision of a distance at telling pairs that people take for the same (JND mAP).

    Parameters
    ----------
    distances
        One per pair; smaller means more alike.
    same
        Fraction of people, in [0, 1], who saw no difference; pairs count in parts.
    types
        A type per pair: then the mean of the types' average precisions.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    AgreementError
        Lengths differ, a value is not finite, a fraction is outside [0, 1], or nobody saw any pair
        as the same.

    Notes
    -----
    The algorithm of LPIPS (Zhang et al., CVPR 2018, and its code): pairs sorted by distance, true
    positives the cumulative sum of `same`, area under the precision envelope as in PASCAL VOC 2010.
    Pairs of equal distance keep their order, where LPIPS leaves it to the sorting routine.

    Examples
    --------
    >>> jnd_map([0.1, 0.2, 0.3, 0.4], [1, 1, 0, 0])
    1.0
    """
    d, s = vector(distances, "distances"), _fractions(same, "same")
    _same_length(distances=d, same=s)
    if types is None:
        return _average_precision(d, s)
    kinds = np.asarray(types)
    _same_length(distances=d, types=kinds)
    return float(
        np.mean([_average_precision(d[kinds == k], s[kinds == k]) for k in np.unique(kinds)])
    )


def _average_precision(distances: Numbers, same: Numbers) -> float:
    if len(same) == 0 or same.sum() == 0:
        raise AgreementError(
            "Nobody took any of these pairs for the same: no precision is defined."
        )
    hits = np.cumsum(same[np.argsort(distances, kind="stable")])
    precision = hits / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    gains = np.diff(hits / hits[-1], prepend=0.0)
    return float(np.sum(gains * envelope))


def _fractions(values: ArrayLike, name: str) -> Numbers:
    x = vector(values, name)
    if len(x) and (x.min() < 0 or x.max() > 1):
        raise AgreementError(f"{name} are fractions in [0, 1]; found {x.min()} to {x.max()}.")
    return x


def _same_length(**columns: NDArray[np.generic]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise AgreementError(f"Expected one value per row in each column; lengths are {lengths}.")
