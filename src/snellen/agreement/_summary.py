"""Agreement over several databases: means, and rows for a file."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from snellen.agreement._agree import STATISTICS, Agreement
from snellen.agreement._correlation import vector
from snellen.errors import AgreementError

Cell = str | int | float | bool | None


def mean_over_databases(
    values: ArrayLike, sizes: ArrayLike | None = None, *, fisher: bool = False
) -> float:
    r"""Average a correlation over databases.

    Parameters
    ----------
    values
        One correlation per database.
    sizes
        Number of images of each, for a weighted mean; without it all count alike.
    fisher
        Average :math:`z = \operatorname{artanh} r` and turn the mean back: a mean of correlations
        is biased towards zero, the more so the closer they are to one.

    Returns
    -------
    float
        The mean. With `fisher`, one where any correlation is one.

    Raises
    ------
    AgreementError
        No value, values that are not finite, sizes that do not fit or are not positive, or
        `fisher` with a value outside [-1, 1].

    Examples
    --------
    >>> mean_over_databases([0.9, 0.8], sizes=[3000, 1000])
    0.875
    """
    r = vector(values, "values")
    weights = np.ones_like(r) if sizes is None else vector(sizes, "sizes")
    if len(r) == 0 or len(weights) != len(r) or weights.min() <= 0:
        raise AgreementError(f"Expected a positive size for each of {len(r)} values, at least one.")
    if not fisher:
        return float(weights @ r / weights.sum())
    if np.abs(r).max() > 1:
        raise AgreementError(f"Fisher's z takes correlations in [-1, 1], not {r.tolist()}.")
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = float(np.tanh(weights @ np.arctanh(r) / weights.sum()))
    if np.isnan(mean):
        raise AgreementError("A correlation of 1 and one of -1 have no mean in Fisher's z.")
    return mean


def agreement_table(
    results: Mapping[tuple[str, str], Agreement], *, types: bool = True
) -> list[dict[str, Cell]]:
    """Return rows for a CSV or Parquet file.

    Parameters
    ----------
    results
        Agreement by (metric, database).
    types
        Whether to add a row per distortion type.

    Returns
    -------
    list of dict
        A row per metric and database, then one per type, all with the same keys: ``metric``,
        ``dataset``, ``type`` (empty: all images), ``images``, ``contents``; per statistic its
        value, ``_low`` and ``_high``; the curve (``fit_parameters`` as text, ``fit_converged``,
        ``fit_monotone``, ``fit_note``); and how intervals were made. Undefined numbers are None.
    """
    return [
        _row(metric, dataset, kind, one)
        for (metric, dataset), whole in results.items()
        for kind, one in _parts(whole, types)
    ]


def _parts(whole: Agreement, types: bool) -> Iterable[tuple[str, Agreement]]:
    return [("", whole), *(whole.by_type.items() if types else ())]


def _row(metric: str, dataset: str, kind: str, one: Agreement) -> dict[str, Cell]:
    return {
        "metric": metric,
        "dataset": dataset,
        "type": kind,
        "images": one.size,
        "contents": one.contents,
        **_estimates(one),
        "fit_parameters": " ".join(map(repr, one.fit.parameters)) if one.fit else None,
        "fit_converged": one.fit.converged if one.fit else None,
        "fit_monotone": one.fit.monotone if one.fit else None,
        "fit_note": one.fit.reason if one.fit else one.fit_failure,
        "resamples": one.resampling.resamples,
        "confidence": one.resampling.confidence,
        "interval": one.resampling.method,
        "seed": one.resampling.seed,
    }


def _estimates(one: Agreement) -> dict[str, Any]:
    found = {name: getattr(one, name) for name in STATISTICS}
    return {
        name + end: None if np.isnan(number) else float(number)
        for name, estimate in found.items()
        for end, number in zip(("", "_low", "_high"), estimate, strict=True)
    }
