"""Comparison of metrics on the same images, by a paired bootstrap over contents."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.agreement import _bootstrap as boot
from snellen.agreement._bootstrap import Estimate, Resampling, Statistic
from snellen.agreement._correlation import krcc, orientation, paired, plcc, srcc, vector
from snellen.errors import AgreementError

Numbers = NDArray[np.float64]
Correlation = Literal["srcc", "krcc", "plcc"]

_VALUES = {"srcc": srcc, "krcc": krcc, "plcc": plcc}


@dataclass(frozen=True)
class Comparison:
    """Two metrics on the same images; made by `compare`.

    Parameters
    ----------
    first, second
        Names of the metrics.
    statistic
        Which correlation is compared.
    difference
        That of the first minus that of the second, with an interval.
    p_value
        Two-sided probability of a difference this large if there were none.
    p_adjusted
        The same after Holm's correction for all pairs compared together.
    """

    first: str
    second: str
    statistic: str
    difference: Estimate
    p_value: float
    p_adjusted: float


def compare(
    scores: Mapping[str, ArrayLike],
    mos: ArrayLike,
    *,
    lower_better: Mapping[str, bool] | bool = False,
    higher_better: bool = True,
    groups: ArrayLike | None = None,
    statistic: Correlation = "srcc",
    resampling: Resampling | None = None,
) -> list[Comparison]:
    """Compare each pair of metrics by a paired bootstrap over contents.

    Parameters
    ----------
    scores
        Scores of each metric by name, for the same images; two metrics or more.
    mos
        Human scores.
    lower_better
        Direction of each metric by name, or one for all.
    higher_better
        Direction of the human scores.
    groups
        Content of each image: contents are resampled, the same ones for every metric.
    statistic
        ``"srcc"``, ``"krcc"`` or ``"plcc"`` (raw).
    resampling
        How intervals are made. The p-value inverts the percentile interval, whatever the method:
        twice the smaller share of resamples on either side of zero, at least 2 / (resamples + 1).

    Returns
    -------
    list of Comparison
        One per pair, in the order of `scores`.

    Raises
    ------
    AgreementError
        Fewer than two metrics, an unknown statistic, no resamples, or columns that do not fit.
    """
    how = resampling or Resampling()
    if len(scores) < 2 or statistic not in _VALUES or how.resamples == 0:
        raise AgreementError(
            "A comparison takes two metrics or more, the statistic srcc, krcc or plcc, and "
            f"resamples; found {len(scores)}, {statistic!r} and {how.resamples}."
        )
    oriented = {
        name: orientation(_direction(lower_better, name), higher_better) * paired(x, mos)[0]
        for name, x in scores.items()
    }
    y = vector(mos, "mos")
    codes, contents = boot.contents_of(groups, len(y))
    values = {name: _VALUES[statistic](x, y) for name, x in oriented.items()}
    of_counts = {n: _of_counts(statistic, x, y, codes, contents) for n, x in oriented.items()}
    counts = how.counts(contents)
    drawn = {name: one(counts) for name, one in of_counts.items()}

    def difference(a: str, b: str) -> Estimate:
        def left_out() -> Numbers:
            return boot.jackknife(
                lambda counts: of_counts[a](counts) - of_counts[b](counts), contents
            )

        return how.ends(values[a] - values[b], drawn[a] - drawn[b], left_out)

    pairs = list(combinations(scores, 2))
    found = [_two_sided(drawn[a] - drawn[b]) for a, b in pairs]
    return [
        Comparison(a, b, statistic, difference(a, b), p, float(adjusted))
        for (a, b), p, adjusted in zip(pairs, found, holm(found), strict=True)
    ]


def holm(p_values: ArrayLike) -> Numbers:
    r"""Adjust p-values for the number of comparisons (Holm's step-down method).

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min(1, (m - j + 1) p_{(j)})

    Parameters
    ----------
    p_values
        One per comparison, in [0, 1].

    Returns
    -------
    numpy.ndarray
        Adjusted p-values in the same order: those below a level are significant at it, with the
        probability of even one false finding below that level.

    Raises
    ------
    AgreementError
        A value is outside [0, 1] or not finite.

    References
    ----------
    .. [1] Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
       Statistics 6, 1979.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = vector(p_values, "p_values")
    if len(p) and (p.min() < 0 or p.max() > 1):
        raise AgreementError(f"p-values are in [0, 1]; found {p.min()} to {p.max()}.")
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(stepped)
    return adjusted


def _two_sided(differences: Numbers) -> float:
    """Twice the smaller share of resamples beyond zero, counting the sample itself as one."""
    finite = differences[np.isfinite(differences)]
    beyond = min(np.sum(finite <= 0), np.sum(finite >= 0))
    return float(min(1.0, 2 * (beyond + 1) / (len(finite) + 1)))


def _direction(lower_better: Mapping[str, bool] | bool, name: str) -> bool:
    if isinstance(lower_better, bool):
        return lower_better
    if name not in lower_better:
        raise AgreementError(f"lower_better does not say the direction of {name!r}.")
    return lower_better[name]


def _of_counts(
    statistic: Correlation, x: Numbers, y: Numbers, codes: boot.Codes, contents: int
) -> Statistic:
    if statistic == "srcc":
        return boot.spearman_of_counts(x, y, codes)
    if statistic == "krcc":
        return boot.kendall_of_counts(x, y, codes, contents)
    return boot.pearson_of_counts(x, y, codes, contents)
