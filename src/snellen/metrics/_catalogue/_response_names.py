"""Names of degradation responses: ``ddr-TYPE`` and ``ddr-SPECIFICATION``."""

from collections.abc import Sequence
from dataclasses import replace

from snellen.distortions import create_distortion, find_distortion
from snellen.errors import DistortionError, MetricError
from snellen.metrics._row import MetricRow

PREFIX = "ddr-"
"""Prefix of the names of responses."""

LEVELS = (1, 2, 3, 4, 5)
"""Levels over which the response to a type is averaged where none is named."""


def degradation_row(row: MetricRow, name: str) -> MetricRow:
    """Fill the row of the family with the degradation that a name carries.

    Parameters
    ----------
    row
        The row ``ddr-*``.
    name
        ``"ddr-blur"``: all levels of the type; ``"ddr-jpeg:3"``, ``"ddr-jpeg@35"`` or
        ``"ddr-blur:3+jpeg:2"``: this one.

    Returns
    -------
    MetricRow
        Of that name.

    Raises
    ------
    MetricError
        The name carries no degradation.
    """
    text = name.removeprefix(PREFIX)
    try:
        if set(text) & set(":@+"):
            made = create_distortion(text)
            return replace(row, name=name, title=_title(made.spec), degradations=(made.spec,))
        found = find_distortion(text)
    except DistortionError as error:
        raise MetricError(
            f"No metric is called {name!r}: {error} `snellen list distortions` shows all."
        ) from error
    row = replace(row, name=name, title=_title(found.name))
    return replace(row, degradations=_sweep(found.name, LEVELS))


def change_levels(row: MetricRow, levels: Sequence[int]) -> MetricRow:
    """Average over other levels.

    Raises
    ------
    MetricError
        The row is of no type alone, or there are no levels.
    DistortionError
        There is no such level.
    """
    types = {spec.partition(":")[0] for spec in row.degradations}
    text = row.name.removeprefix(PREFIX)
    if not row.name.startswith(PREFIX) or len(types) != 1 or set(text) & set(":@+"):
        raise MetricError(
            f"{row.name}: levels are for the response to a type, such as ddr-blur; this name says "
            "itself what is done to the image."
        )
    if isinstance(levels, str | int) or not levels:
        raise MetricError(f"levels must be several numbers from 1 to 5; got {levels!r}.")
    return replace(row, degradations=_sweep(types.pop(), levels))


def _sweep(name: str, levels: Sequence[int]) -> tuple[str, ...]:
    return tuple(create_distortion(f"{name}:{level}").spec for level in dict.fromkeys(levels))


def _title(what: str) -> str:
    return f"Response of deep features to {what}"
