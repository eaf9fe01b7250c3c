"""Bootstrap over reference contents, vectorised over resamples.

Drawing contents with replacement is the same as counting each image as often as its content was
drawn. Every statistic is therefore written for counts: nothing is copied or sorted per resample.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from snellen.agreement._correlation import vector
from snellen.errors import AgreementError

Numbers = NDArray[np.float64]
Codes = NDArray[np.intp]
Statistic = Callable[[Numbers], Numbers]
Method = Literal["percentile", "bca"]

_CHUNK = 2_000_000
# Above these, Kendall's tau is computed anew for each resample.
_MOST_CONTENTS = 1000
_MOST_PAIRS = 400_000_000


class Estimate(NamedTuple):
    """A value with its confidence interval; the ends are NaN where none was computed."""

    value: float
    low: float = np.nan
    high: float = np.nan


@dataclass(frozen=True)
class Resampling:
    """How intervals are made.

    Parameters
    ----------
    resamples
        Number of bootstrap resamples; 0 for no intervals.
    confidence
        Coverage of the intervals.
    method
        ``"percentile"``: quantiles of the resampled statistic. ``"bca"``: the same, corrected for
        bias and acceleration (Efron, JASA 82, 1987), with a jackknife over contents.
    seed
        Same seed, same intervals.
    """

    resamples: int = 1000
    confidence: float = 0.95
    method: Method = "percentile"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 0 or not 0 < self.confidence < 1:
            raise AgreementError(
                f"Expected resamples >= 0 and 0 < confidence < 1, not {self.resamples} and "
                f"{self.confidence}."
            )
        if self.method not in ("percentile", "bca"):
            raise AgreementError(f"Intervals are 'percentile' or 'bca', not {self.method!r}.")

    def counts(self, contents: int) -> Numbers:
        """Return how often each content is drawn: (resamples, contents)."""
        rng = np.random.default_rng(self.seed)
        even = np.full(contents, 1 / contents)
        return rng.multinomial(contents, even, size=self.resamples).astype(np.float64)

    def interval(self, value: float, statistic: Statistic, contents: int) -> Estimate:
        """Return the value with the interval of a statistic of counts."""
        if contents < 2 or self.resamples == 0 or not np.isfinite(value):
            return Estimate(value)
        resampled = statistic(self.counts(contents))
        return self.ends(value, resampled, lambda: jackknife(statistic, contents))

    def ends(self, value: float, resampled: Numbers, left_out: Callable[[], Numbers]) -> Estimate:
        """Return the value with the interval of resampled ones; half of them have to be finite."""
        finite = resampled[np.isfinite(resampled)]
        if 2 * len(finite) < self.resamples or not np.isfinite(value):
            return Estimate(value)
        tails = np.array([(1 - self.confidence) / 2, (1 + self.confidence) / 2])
        if self.method == "bca":
            tails = _bca_tails(tails, value, finite, left_out())
        low, high = np.quantile(finite, tails).tolist()
        return Estimate(value, low, high)


def _bca_tails(tails: Numbers, value: float, resampled: Numbers, left_out: Numbers) -> Numbers:
    below = np.mean(resampled < value) + np.mean(resampled == value) / 2
    edge = 1 / (len(resampled) + 1)
    bias = stats.norm.ppf(np.clip(below, edge, 1 - edge))
    left_out = left_out[np.isfinite(left_out)]
    pulls = np.mean(left_out) - left_out if len(left_out) else np.zeros(1)
    spread = np.sum(pulls**2) ** 1.5
    acceleration = np.sum(pulls**3) / (6 * spread) if spread > 0 else 0.0
    shifted = bias + stats.norm.ppf(tails)
    return np.asarray(stats.norm.cdf(bias + shifted / (1 - acceleration * shifted)))


def contents_of(groups: ArrayLike | None, size: int) -> tuple[Codes, int]:
    """Return a number per image for its content, and how many contents there are."""
    if groups is None:
        return np.arange(size), size
    labels = np.asarray(groups)
    if labels.shape != (size,):
        raise AgreementError(f"There are {labels.shape} groups for {size} images.")
    unique, codes = np.unique(labels.astype(np.str_), return_inverse=True)
    return codes, len(unique)


def jackknife(statistic: Statistic, contents: int) -> Numbers:
    """Return the statistic without each content in turn."""
    rows = max(1, _CHUNK // contents)
    parts = []
    for start in range(0, contents, rows):
        counts = np.ones((min(rows, contents - start), contents))
        counts[np.arange(len(counts)), np.arange(start, start + len(counts))] = 0.0
        parts.append(statistic(counts))
    return np.concatenate(parts)


def bootstrap_mean(
    values: ArrayLike, *, groups: ArrayLike | None = None, resampling: Resampling | None = None
) -> Estimate:
    """Return a mean with a confidence interval.

    Parameters
    ----------
    values
        Such as `two_afc_values`.
    groups
        What each value belongs to; groups are resampled, not values. Default: each its own.
    resampling
        How the interval is made.

    Returns
    -------
    Estimate
        Mean, and ends of the interval.

    Raises
    ------
    AgreementError
        A value is not finite, there is none, or groups do not fit.
    """
    x = vector(values, "values")
    if len(x) == 0:
        raise AgreementError("There are no values to take the mean of.")
    codes, contents = contents_of(groups, len(x))
    sums = np.stack([np.bincount(codes, v, contents) for v in (np.ones_like(x), x)], axis=1)

    def mean(counts: Numbers) -> Numbers:
        total = counts @ sums
        return total[:, 1] / total[:, 0]

    return (resampling or Resampling()).interval(float(x.mean()), mean, contents)


def pearson_of_counts(x: Numbers, y: Numbers, codes: Codes, contents: int) -> Statistic:
    """Return Pearson's correlation as a function of counts."""
    x, y = x - x.mean(), y - y.mean()
    columns = (np.ones_like(x), x, y, x * x, y * y, x * y)
    sums = np.stack([np.bincount(codes, column, contents) for column in columns], axis=1)

    def statistic(counts: Numbers) -> Numbers:
        return _pearson_of_sums(*(counts @ sums).T)

    return statistic


def rmse_of_counts(error: Numbers, codes: Codes, contents: int) -> Statistic:
    """Return the root mean squared error as a function of counts."""
    sums = np.stack([np.bincount(codes, v, contents) for v in (np.ones_like(error), error**2)], 1)

    def statistic(counts: Numbers) -> Numbers:
        total = counts @ sums
        return np.asarray(np.sqrt(total[:, 1] / total[:, 0]))

    return statistic


def spearman_of_counts(x: Numbers, y: Numbers, codes: Codes) -> Statistic:
    """Return Spearman's correlation as a function of counts."""
    rank_x, rank_y = _ranker(x), _ranker(y)
    rows = max(1, _CHUNK // len(x))

    def few(counts: Numbers) -> Numbers:
        weights = counts[:, codes]
        total = weights.sum(axis=1)
        middle = (total[:, None] + 1) / 2  # the mean of all ranks, ties or not
        a, b = rank_x(weights) - middle, rank_y(weights) - middle
        return _ratio(
            np.einsum("ij,ij,ij->i", weights, a, b),
            np.einsum("ij,ij,ij->i", weights, a, a),
            np.einsum("ij,ij,ij->i", weights, b, b),
        )

    def statistic(counts: Numbers) -> Numbers:
        return np.concatenate([few(counts[i : i + rows]) for i in range(0, len(counts), rows)])

    return statistic


def kendall_of_counts(x: Numbers, y: Numbers, codes: Codes, contents: int) -> Statistic:
    """Return Kendall's tau-b as a function of counts.

    With C[a, b] the concordant minus the discordant pairs of an image of content a and one of b,
    and m the counts, the difference over a resample is m'Cm; likewise for pairs that are not tied.
    """
    if contents > _MOST_CONTENTS or len(x) ** 2 > _MOST_PAIRS:
        return _kendall_anew(x, y, codes)
    matrices = _pair_sums(x, y, codes, contents)

    def statistic(counts: Numbers) -> Numbers:
        return _ratio(*(np.einsum("ij,ij->i", counts @ matrix, counts) for matrix in matrices))

    return statistic


def _kendall_anew(x: Numbers, y: Numbers, codes: Codes) -> Statistic:
    def statistic(counts: Numbers) -> Numbers:
        times = counts.astype(np.intp)
        drawn = (np.repeat(np.arange(len(x)), row[codes]) for row in times)
        return np.array([stats.kendalltau(x[i], y[i]).statistic for i in drawn])

    return statistic


def _pair_sums(
    x: Numbers, y: Numbers, codes: Codes, contents: int
) -> tuple[Numbers, Numbers, Numbers]:
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    x, y = stats.rankdata(x)[order], stats.rankdata(y)[order]
    starts = np.searchsorted(codes, np.arange(contents))
    sums = np.zeros((3, contents, contents))
    rows = max(1, _CHUNK // len(x))
    for i in range(0, len(x), rows):
        a = np.sign(x[i : i + rows, None] - x).astype(np.int8)
        b = np.sign(y[i : i + rows, None] - y).astype(np.int8)
        for matrix, pairs in zip(sums, (a * b, a * a, b * b), strict=True):
            np.add.at(
                matrix, codes[i : i + rows], np.add.reduceat(pairs, starts, 1, dtype=np.int64)
            )
    return sums[0], sums[1], sums[2]


def _ranker(x: Numbers) -> Callable[[Numbers], Numbers]:
    """Ranks under weights: a value's mean rank is the weight below it plus half of its own."""
    _, groups, sizes = np.unique(x, return_inverse=True, return_counts=True)
    order = np.argsort(groups, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])

    def ranks(weights: Numbers) -> Numbers:
        own = np.add.reduceat(weights[:, order], starts, axis=1)
        return (np.cumsum(own, axis=1) - (own - 1) / 2)[:, groups]

    return ranks


def _pearson_of_sums(
    n: Numbers, x: Numbers, y: Numbers, xx: Numbers, yy: Numbers, xy: Numbers
) -> Numbers:
    return _ratio(xy - x * y / n, xx - x * x / n, yy - y * y / n)


def _ratio(covariance: Numbers, first: Numbers, second: Numbers) -> Numbers:
    """Covariance over the root of both variances; NaN where one of them vanishes."""
    scale = np.sqrt(np.maximum(first, 0.0) * np.maximum(second, 0.0))
    defined = scale > 0
    return np.where(defined, covariance / np.where(defined, scale, 1.0), np.nan)
