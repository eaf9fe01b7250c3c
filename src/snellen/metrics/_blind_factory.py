"""Metrics of an image alone out of their rows: text, statistics of scenes, attributes."""

from dataclasses import replace
from typing import Any

from snellen.errors import MetricError
from snellen.metrics._attributes._attributes import AttributeMetric
from snellen.metrics._changes import change_row
from snellen.metrics._natural_scenes._natural_scenes import SceneMetric, scene_model
from snellen.metrics._networks import network_of
from snellen.metrics._no_reference import NoReferenceMetric
from snellen.metrics._options import Request, Terms
from snellen.metrics._row import MetricRow
from snellen.metrics._text._text_metric import TextMetric

_OF_READOUTS = ("layers", "readout", "combine", "channel_weights")


def make_blind(row: MetricRow, request: Request, terms: Terms) -> NoReferenceMetric:
    """Make the metric of a row of `BLIND_ROWS`.

    Raises
    ------
    MetricError
        It does not have an option that was asked for, or not with this value.
    """
    refused = request.asked(*_OF_READOUTS)
    if refused:
        raise MetricError(f"{row.name} compares no features: {', '.join(refused)} cannot be set.")
    row = change_row(
        row, layers=None, readout=None, options=None, combine=None, resize=request.resize
    )
    row = _with_options(row, request)
    common = (terms.policy, terms.align, terms.reduction)
    if row.backbone is not None:
        return _text_metric(row, request, common)
    if request.asked("precision", "backbone") or (row.head is None and _files(request)):
        raise MetricError(
            f"{row.name} has no network: weights, head_weights, precision and backbone cannot be "
            "set."
            if row.head is None
            else f"{row.name} has no network: precision and backbone cannot be set."
        )
    if row.kind == "attribute":
        return AttributeMetric(row, *common)
    if len(_files(request)) > 1:
        raise MetricError(f"{row.name} takes one file: give weights or head_weights, not both.")
    model, file = scene_model(row, next(iter(_files(request)), None))
    return SceneMetric(row, *common, model=model, file=file)


def _files(request: Request) -> list[Any]:
    return [path for path in (request.weights, request.head_weights) if path is not None]


def _with_options(row: MetricRow, request: Request) -> MetricRow:
    """Change options of the row; those of the readout may be given under that name too."""
    given = {**(request.readout_options or {}), **(request.options or {})}
    unknown = [name for name in given if name not in row.options]
    if unknown:
        known = ", ".join(row.options) or "none of its own"
        raise MetricError(f"{row.name} has no option {', '.join(unknown)}; it has {known}.")
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


def _text_metric(row: MetricRow, request: Request, common: tuple[Any, ...]) -> TextMetric:
    if request.head_weights is not None:
        raise MetricError(f"{row.name} has no learned weights: head_weights cannot be set.")
    backbone = network_of(row, request)
    return TextMetric(replace(row, backbone=backbone.name), *common, backbone=backbone)
