"""Agreement of one metric with one database: everything that a table reports, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.agreement import _bootstrap as boot
from snellen.agreement._bootstrap import Estimate, Resampling
from snellen.agreement._correlation import krcc, orientation, paired, plcc, srcc
from snellen.agreement._logistic import LogisticFit, fit_logistic
from snellen.errors import AgreementError

Numbers = NDArray[np.float64]
Rank = Literal["srcc", "krcc", "plcc"]

STATISTICS = ("srcc", "krcc", "plcc", "plcc_fitted", "rmse")


@dataclass(frozen=True)
class Agreement:
    """How far a metric agrees with people on one set of images; made by `agree`.

    Parameters
    ----------
    size, contents
        Number of images, and of the contents that were resampled.
    srcc, krcc, plcc
        Rank correlations and the raw linear one, positive where metric and people agree.
    plcc_fitted, rmse
        Linear correlation and error after the curve, which may rise or fall: `plcc_fitted` does
        not tell the direction. Their intervals hold the curve fixed.
    fit
        The curve, or None if none was asked for or could be fitted.
    fit_failure
        Why there is no curve although one was asked for, else empty.
    by_type
        The same for each distortion type, under the curve of all images.
    resampling
        How the intervals were made.
    """

    size: int
    contents: int
    srcc: Estimate
    krcc: Estimate
    plcc: Estimate
    plcc_fitted: Estimate
    rmse: Estimate
    fit: LogisticFit | None
    fit_failure: str
    by_type: Mapping[str, "Agreement"]
    resampling: Resampling

    def mean_over_types(self, statistic: str = "srcc") -> float:
        """Return the plain mean of a statistic over distortion types.

        Parameters
        ----------
        statistic
            ``"srcc"``, ``"krcc"``, ``"plcc"``, ``"plcc_fitted"`` or ``"rmse"``.
        """
        if statistic not in STATISTICS:
            raise AgreementError(f"Statistics are {', '.join(STATISTICS)}, not {statistic!r}.")
        if not self.by_type:
            raise AgreementError("This agreement was computed without types=.")
        return float(np.mean([getattr(one, statistic).value for one in self.by_type.values()]))


def agree(
    scores: ArrayLike,
    mos: ArrayLike,
    *,
    lower_better: bool = False,
    higher_better: bool = True,
    groups: ArrayLike | None = None,
    types: ArrayLike | None = None,
    parameters: Literal[4, 5] | None = 5,
    resampling: Resampling | None = None,
    kendall: bool = True,
) -> Agreement:
    """Compare a metric's scores with people's.

    Parameters
    ----------
    scores, mos
        One number per image, from the metric and from people.
    lower_better, higher_better
        Direction of the metric and of the human scores; see `srcc`.
    groups
        Content of each image (`Dataset.content`): contents are resampled, not images, because
        images of one reference are not independent. Default: each image its own.
    types
        Distortion type of each image, for `Agreement.by_type`.
    parameters
        Parameters of the logistic curve (see `fit_logistic`); None for no curve.
    resampling
        How intervals are made; 1000 resamples, 95 %, percentile by default.
    kendall
        Whether to compute an interval for `krcc` too; above a thousand contents it is slow.

    Returns
    -------
    Agreement
        Statistics with intervals, all images pooled and per type.

    Raises
    ------
    AgreementError
        Columns do not fit, or a value is not finite.

    Examples
    --------
    >>> found = agree([30.1, 28.0, 35.2, 22.9], [4.0, 3.1, 4.6, 2.0], parameters=None)
    >>> found.srcc.value
    1.0
    """
    x, y = paired(scores, mos)
    how = resampling or Resampling()
    sign = orientation(lower_better, higher_better)
    fit, failure = _curve(x, y, parameters)
    predicted = None if fit is None else fit.predict(x)
    columns = _Columns(sign * x, y, predicted, np.arange(len(x)) if groups is None else groups)
    whole = columns.statistics(how, kendall)
    kinds = {} if types is None else _positions_by_type(types, len(x))
    by_type = {
        kind: Agreement(
            **columns.take(chosen).statistics(how, kendall),
            fit=fit,
            fit_failure=failure,
            by_type={},
            resampling=how,
        )
        for kind, chosen in kinds.items()
    }
    return Agreement(**whole, fit=fit, fit_failure=failure, by_type=by_type, resampling=how)


class _Columns:
    """Oriented scores, human scores, predictions and contents of the same images."""

    def __init__(
        self, x: Numbers, y: Numbers, predicted: Numbers | None, groups: ArrayLike
    ) -> None:
        self.x, self.y, self.predicted = x, y, predicted
        self.groups = np.asarray(groups)
        self.codes, self.contents = boot.contents_of(groups, len(x))

    def take(self, chosen: NDArray[np.intp]) -> "_Columns":
        predicted = None if self.predicted is None else self.predicted[chosen]
        return _Columns(self.x[chosen], self.y[chosen], predicted, self.groups[chosen])

    def statistics(self, how: Resampling, kendall: bool) -> dict[str, Any]:
        sizes: dict[str, Any] = {"size": len(self.x), "contents": self.contents}
        return sizes | self._correlations(how, kendall) | self._fitted(how)

    def _correlations(self, how: Resampling, kendall: bool) -> dict[str, Estimate]:
        if len(self.x) < 2:
            return dict.fromkeys(("srcc", "krcc", "plcc"), Estimate(np.nan))
        x, y, codes, contents = self.x, self.y, self.codes, self.contents
        tau = krcc(x, y)
        return {
            "srcc": how.interval(srcc(x, y), boot.spearman_of_counts(x, y, codes), contents),
            "plcc": how.interval(
                plcc(x, y), boot.pearson_of_counts(x, y, codes, contents), contents
            ),
            "krcc": how.interval(tau, boot.kendall_of_counts(x, y, codes, contents), contents)
            if kendall and how.resamples
            else Estimate(tau),
        }

    def _fitted(self, how: Resampling) -> dict[str, Estimate]:
        if self.predicted is None or len(self.x) < 2:
            return dict.fromkeys(("plcc_fitted", "rmse"), Estimate(np.nan))
        q, y, codes, contents = self.predicted, self.y, self.codes, self.contents
        error = float(np.sqrt(np.mean((q - y) ** 2)))
        return {
            "plcc_fitted": how.interval(
                plcc(q, y), boot.pearson_of_counts(q, y, codes, contents), contents
            ),
            "rmse": how.interval(error, boot.rmse_of_counts(q - y, codes, contents), contents),
        }


def _curve(
    x: Numbers, y: Numbers, parameters: Literal[4, 5] | None
) -> tuple[LogisticFit | None, str]:
    if parameters is None:
        return None, ""
    try:
        return fit_logistic(x, y, parameters=parameters), ""
    except AgreementError as error:
        return None, str(error)


def _positions_by_type(types: ArrayLike, size: int) -> dict[str, NDArray[np.intp]]:
    labels = np.asarray(types).astype(np.str_)
    if labels.shape != (size,):
        raise AgreementError(f"There are {labels.shape} types for {size} images.")
    return {str(kind): np.flatnonzero(labels == kind) for kind in np.unique(labels)}
