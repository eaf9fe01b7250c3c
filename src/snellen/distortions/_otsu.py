"""Otsu's criterion for many thresholds, by dynamic programming."""

import numpy as np
import numpy.typing as npt
from torch import Tensor

Array = npt.NDArray[np.float64]


def otsu_thresholds(counts: Tensor, number: int) -> list[int]:
    """Find the thresholds that leave the least variance within classes.

    Parameters
    ----------
    counts
        Tensor (K,): how often each of the values 0 to K - 1 occurs.
    number
        Of thresholds, less than K.

    Returns
    -------
    thresholds
        In rising order; a value belongs below a threshold that equals it.

    Notes
    -----
    Otsu, "A threshold selection method from gray-level histograms", 1979. An optimal split of
    the values up to one of them into classes holds an optimal split into one class less.
    """
    costs = _costs(counts.cpu().numpy().astype(np.float64))
    best = costs[0]
    starts = []
    for _ in range(number):
        totals = np.vstack([np.full(len(best), np.inf), best[:-1, None] + costs[1:]])
        starts.append(totals.argmin(0))
        best = totals.min(0)
    thresholds = []
    last = len(best) - 1
    for start in reversed(starts):
        last = int(start[last]) - 1
        thresholds.append(last)
    return thresholds[::-1]


def _costs(counts: Array) -> Array:
    """Sum of squared deviations of the values i to j, infinite for j < i."""
    values = np.arange(len(counts))
    weight, first, second = (
        np.concatenate([[0], np.cumsum(counts * values**power)]) for power in range(3)
    )
    weights = weight[None, 1:] - weight[:-1, None]
    sums = first[None, 1:] - first[:-1, None]
    squares = second[None, 1:] - second[:-1, None]
    means = sums / np.maximum(weights, 1)
    costs: Array = np.where(values[:, None] <= values, squares - sums * means, np.inf)
    return costs
