"""Correlation of a metric with people, with the direction of both said and kept."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from snellen.errors import AgreementError

Numbers = NDArray[np.float64]


def srcc(
    scores: ArrayLike, mos: ArrayLike, *, lower_better: bool = False, higher_better: bool = True
) -> float:
    r"""Spearman's rank correlation: Pearson's of the ranks, ties at their mean rank.

    Parameters
    ----------
    scores
        One number per image, from a metric.
    mos
        One number per image, from people.
    lower_better
        Direction of the metric (`lower_better` of a metric): whether low means good.
    higher_better
        Direction of the human score (`higher_better` of a dataset): False for DMOS.

    Returns
    -------
    float
        In [-1, 1]. **Positive where metric and people agree** on what is better, negative where
        they disagree; the sign is never dropped. A caller who wants it dropped says ``abs(...)``.
        NaN where one side has a single value, so that there is nothing to rank.

    Raises
    ------
    AgreementError
        The lengths differ, are below two, or a value is not finite.

    Examples
    --------
    >>> srcc([0.9, 0.5, 0.1], [1, 2, 3], lower_better=True)
    1.0
    """
    x, y = paired(scores, mos)
    sign = orientation(lower_better, higher_better)
    return sign * pearson(stats.rankdata(x), stats.rankdata(y))


def krcc(
    scores: ArrayLike, mos: ArrayLike, *, lower_better: bool = False, higher_better: bool = True
) -> float:
    r"""Kendall's tau-b.

    .. math::  \tau_b = \frac{P - Q}{\sqrt{(P + Q + T_x)(P + Q + T_y)}}

    with *P* concordant, *Q* discordant pairs, and those tied in one variable alone.

    Parameters
    ----------
    scores, mos, lower_better, higher_better
        As in `srcc`.

    Returns
    -------
    float
        As in `srcc`.

    Raises
    ------
    AgreementError
        As in `srcc`.
    """
    x, y = paired(scores, mos)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return orientation(lower_better, higher_better) * float(stats.kendalltau(x, y).statistic)


def plcc(
    scores: ArrayLike, mos: ArrayLike, *, lower_better: bool = False, higher_better: bool = True
) -> float:
    """Pearson's linear correlation of the raw scores, without a fitted curve.

    Published tables mostly give it after a logistic curve; for that, see `fit_logistic`.

    Parameters
    ----------
    scores, mos, lower_better, higher_better
        As in `srcc`.

    Returns
    -------
    float
        As in `srcc`.

    Raises
    ------
    AgreementError
        As in `srcc`.
    """
    x, y = paired(scores, mos)
    return orientation(lower_better, higher_better) * pearson(x, y)


def rmse(predicted: ArrayLike, mos: ArrayLike) -> float:
    """Root mean squared error of predicted human scores, in their unit.

    Parameters
    ----------
    predicted
        Human scores as predicted, such as ``fit_logistic(scores, mos).predict(scores)``.
    mos
        Human scores.

    Returns
    -------
    float
        The square root of the mean of the squares, divided by the number of images, not by the
        degrees of freedom.

    Raises
    ------
    AgreementError
        As in `srcc`.
    """
    x, y = paired(predicted, mos)
    return float(np.sqrt(np.mean((x - y) ** 2)))


def orientation(lower_better: bool, higher_better: bool) -> int:
    """Return the sign that makes agreement positive."""
    return 1 if lower_better != higher_better else -1


def paired(scores: ArrayLike, mos: ArrayLike) -> tuple[Numbers, Numbers]:
    """Return both as vectors of finite numbers of one length, at least two."""
    x, y = vector(scores, "scores"), vector(mos, "mos")
    if len(x) != len(y):
        raise AgreementError(f"There are {len(x)} scores for {len(y)} human scores.")
    if len(x) < 2:
        raise AgreementError(f"A correlation takes at least two images, not {len(x)}.")
    return x, y


def vector(values: ArrayLike, name: str) -> Numbers:
    """Return a vector of finite numbers, or raise naming the first that is none."""
    try:
        x = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise AgreementError(f"{name} are no numbers: {error}.") from error
    if x.ndim != 1:
        raise AgreementError(f"{name} have the shape {x.shape}, expected one number per image.")
    if bad := np.flatnonzero(~np.isfinite(x)).tolist():
        raise AgreementError(
            f"{len(bad)} of {len(x)} {name} are not finite, the first is number {bad[0]}: "
            f"{x[bad[0]]}. Leave those images out, and say so."
        )
    return x


def pearson(x: Numbers, y: Numbers) -> float:
    """Return Pearson's correlation, NaN for a constant."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    x, y = x - x.mean(), y - y.mean()
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))
