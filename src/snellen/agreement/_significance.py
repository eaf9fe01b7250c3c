"""Tests in closed form: dependent correlations, and variances of residuals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from snellen.agreement._correlation import orientation, paired, plcc, srcc, vector
from snellen.errors import AgreementError


@dataclass(frozen=True)
class TwoMetricTest:
    """Result of a test of two metrics.

    Parameters
    ----------
    statistic
        Student's t or Fisher's F; above 0 or above 1 where the first metric agrees better.
    p_value
        Two-sided.
    gaussian
        Whether both sets of residuals look normal, which the F-test supposes: their kurtosis is
        between 2 and 4. None for tests without residuals.
    """

    statistic: float
    p_value: float
    gaussian: bool | None = None


def williams_test(
    first: ArrayLike,
    second: ArrayLike,
    mos: ArrayLike,
    *,
    lower_better: tuple[bool, bool] = (False, False),
    higher_better: bool = True,
    ranks: bool = True,
) -> TwoMetricTest:
    r"""Test whether two metrics correlate equally with the same human scores.

    Parameters
    ----------
    first, second
        Scores of two metrics for the same images.
    mos
        Human scores.
    lower_better
        Direction of each metric.
    higher_better
        Direction of the human scores.
    ranks
        Compare rank correlations (`srcc`); False: linear ones (`plcc`).

    Returns
    -------
    TwoMetricTest
        With t on n - 3 degrees of freedom.

    Raises
    ------
    AgreementError
        Fewer than four images, a metric whose scores are all equal, or columns that do not fit.

    Notes
    -----
    Williams' T2, which Steiger [1]_ recommends for correlations that share a variable:

    .. math:: t = (r_{1} - r_{2}) \sqrt{\frac{(n-1)(1+r_{12})}
              {2 \frac{n-1}{n-3} |R| + \bar r^2 (1-r_{12})^3}}

    with :math:`|R| = 1 - r_1^2 - r_2^2 - r_{12}^2 + 2 r_1 r_2 r_{12}` and
    :math:`\bar r = (r_1 + r_2) / 2`. It takes images as independent. They are not where several
    show one content: `compare` resamples contents, and is to be preferred there.

    References
    ----------
    .. [1] Steiger, Tests for comparing elements of a correlation matrix, Psychological Bulletin
       87(2), 1980.
    """
    correlation = srcc if ranks else plcc
    x, y = paired(first, mos)
    z, _ = paired(second, mos)
    if len(x) < 4:
        raise AgreementError(f"Williams' test takes at least four images, not {len(x)}.")
    a, b = (orientation(lower, higher_better) for lower in lower_better)
    r1, r2, r12 = correlation(a * x, y), correlation(b * z, y), correlation(a * x, b * z)
    if not np.isfinite([r1, r2, r12]).all():
        raise AgreementError("All scores of one metric, or all human scores, are equal.")
    statistic = _williams_t(r1, r2, r12, len(x))
    return TwoMetricTest(statistic, float(2 * stats.t.sf(abs(statistic), len(x) - 3)))


def residual_variance_test(
    first: ArrayLike, second: ArrayLike, *, parameters: int = 5
) -> TwoMetricTest:
    r"""Test whether two metrics, each after its curve, predict human scores equally well.

    Parameters
    ----------
    first, second
        Residuals of two metrics: human scores minus ``fit.predict(scores)``.
    parameters
        Parameters of each curve, which the degrees of freedom lose.

    Returns
    -------
    TwoMetricTest
        With F, the second's residual variance over the first's; above 1 where the first is better.

    Raises
    ------
    AgreementError
        No more residuals than parameters, residuals that are not finite, or all zero.

    Notes
    -----
    The test of Sheikh et al. [1]_ and, on RMSE, of ITU-T P.1401 [2]_, here two-sided:

    .. math:: F = \frac{\sum e_2^2 / (n_2 - d)}{\sum e_1^2 / (n_1 - d)} \sim F(n_2 - d, n_1 - d)

    It takes residuals as normal and independent. Those of two metrics on the same images are
    correlated, which makes the test miss differences that `compare` finds.

    References
    ----------
    .. [1] Sheikh, Sabir, Bovik, IEEE TIP 15(11), 2006.
    .. [2] ITU-T P.1401, Methods, metrics and procedures for statistical evaluation, qualification
       and comparison of objective quality prediction models.
    """
    e1, e2 = vector(first, "first"), vector(second, "second")
    n1, n2 = len(e1) - parameters, len(e2) - parameters
    if min(n1, n2) < 1:
        raise AgreementError(f"{min(len(e1), len(e2))} residuals are too few: {parameters} fitted.")
    v1, v2 = float(e1 @ e1) / n1, float(e2 @ e2) / n2
    if v1 == 0 or v2 == 0:
        raise AgreementError("All residuals of one metric are zero: their variance has no ratio.")
    ratio = v2 / v1
    tail = min(stats.f.cdf(ratio, n2, n1), stats.f.sf(ratio, n2, n1))
    normal = all(2 <= stats.kurtosis(e, fisher=False) <= 4 for e in (e1, e2) if np.ptp(e) > 0)
    return TwoMetricTest(ratio, float(min(1.0, 2 * tail)), normal)


def _williams_t(r1: float, r2: float, r12: float, size: int) -> float:
    if r1 == r2:
        return 0.0
    determinant = 1 - r1**2 - r2**2 - r12**2 + 2 * r1 * r2 * r12
    mean = (r1 + r2) / 2
    spread = 2 * (size - 1) / (size - 3) * max(determinant, 0.0) + mean**2 * (1 - r12) ** 3
    return float((r1 - r2) * np.sqrt((size - 1) * (1 + r12) / spread)) if spread > 0 else np.inf
