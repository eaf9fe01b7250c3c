"""Metrics that hold an image against prompts, out of their rows."""

from dataclasses import replace
from typing import Any

from snellen.errors import MetricError
from snellen.metrics._catalogue._look_up import on_network
from snellen.metrics._handling import Handling
from snellen.metrics._networks import network_of
from snellen.metrics._options import Request
from snellen.metrics._row import MetricRow
from snellen.metrics._text._text_metric import TextMetric


def text_metric(row: MetricRow, request: Request, handling: Handling) -> TextMetric:
    """Make the metric of a row that holds images against prompts.

    Raises
    ------
    MetricError
        It does not have an option that was asked for, or not with this value.
    """
    row = _with_options(request.resized(row), request)
    backbone = network_of(row, request)
    return TextMetric(on_network(row, backbone.name), handling, backbone=backbone)


def _with_options(row: MetricRow, request: Request) -> MetricRow:
    """Change options of the row; those of the readout may be given under that name too."""
    given = {**(request.readout_options or {}), **(request.own_options or {})}
    unknown = [name for name in given if name not in row.options]
    if unknown:
        raise MetricError(
            f"{row.name} has no option {', '.join(unknown)}; it has {', '.join(row.options)}."
        )
    if not given:
        return row
    _check_options(row.name, given)
    changed = replace(row, options={**row.options, **given})
    return replace(changed, range=(0.0, 2.0)) if given.get("adapt") is False else changed


def _check_options(name: str, given: dict[str, Any]) -> None:
    for option in ("adapt", "crops"):
        if not isinstance(given.get(option, True), bool):
            raise MetricError(f"{name}: {option} must be true or false; got {given[option]!r}.")
    for option in ("epsilon", "scale"):
        value = given.get(option, 1.0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise MetricError(f"{name}: {option} must be a number from 0 up; got {value!r}.")
