"""How the columns of a scored table go together."""

import math
from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any

from snellen.agreement import Estimate, Resampling, agree
from snellen.errors import AgreementError
from snellen.records import Row

_LEAST_ROWS = 3


def correlation_table(
    rows: Sequence[Row],
    columns: Sequence[str],
    *,
    groups: str | None = None,
    resampling: Resampling | None = None,
) -> list[Row]:
    """Correlate columns of a table with each other, by rank.

    Parameters
    ----------
    rows
        A row for each image, as `snellen score` writes them; values may be missing.
    columns
        Names of numeric columns: metrics, attributes, responses.
    groups
        Name of the column that tells which images belong together, such as versions of one
        photograph: these are resampled together. By default each image stands for itself.
    resampling
        How intervals are made; 1000 resamples, 95 %, percentile by default.

    Returns
    -------
    list of dict
        A row for each pair of columns, and for each with itself: ``first``, ``second``,
        ``images`` that have both values, ``srcc`` (raw: of the values as they are, whatever
        their direction), ``low`` and ``high``. Not a number where fewer than three images have
        both, or a column is constant.

    Raises
    ------
    AgreementError
        A column does not exist or is not numeric, or fewer than two are named.

    Examples
    --------
    >>> rows = [{"blur": i, "noise": -i} for i in range(5)]
    >>> table = correlation_table(rows, ["blur", "noise"], resampling=Resampling(0))
    >>> [(row["first"], row["second"], round(row["srcc"])) for row in table]
    [('blur', 'blur', 1), ('blur', 'noise', -1), ('noise', 'noise', 1)]
    """
    names = list(dict.fromkeys(columns))
    if len(names) < 2:
        raise AgreementError(f"correlation_table needs at least two columns; got {names}.")
    for name in [*names, *([groups] if groups else [])]:
        if not any(name in row for row in rows):
            known = ", ".join(rows[0]) if rows else "none: there are no rows"
            raise AgreementError(f"No row has a column {name!r}; there are {known}.")
    values = {name: [_number(row.get(name), name) for row in rows] for name in names}
    labels = [str(row.get(groups)) if groups else str(i) for i, row in enumerate(rows)]
    how = resampling or Resampling()
    return [_pair(a, b, values, labels, how) for a, b in combinations_with_replacement(names, 2)]


def _number(value: Any, column: str) -> float:
    if value is None or value == "":
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise AgreementError(
            f"column {column!r} holds {value!r}: expected numbers, or nothing where there is none."
        ) from error


def _pair(
    first: str,
    second: str,
    values: dict[str, list[float]],
    labels: Sequence[str],
    how: Resampling,
) -> Row:
    both = [
        (x, y, label)
        for x, y, label in zip(values[first], values[second], labels, strict=True)
        if math.isfinite(x) and math.isfinite(y)
    ]
    found = Estimate(math.nan)
    if len(both) >= _LEAST_ROWS:
        x, y, groups = zip(*both, strict=True)
        if len(set(x)) > 1 and len(set(y)) > 1:
            found = agree(x, y, groups=groups, parameters=None, kendall=False, resampling=how).srcc
    return {
        "first": first,
        "second": second,
        "images": len(both),
        "srcc": found.value,
        "low": found.low,
        "high": found.high,
    }
