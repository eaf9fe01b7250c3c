"""Responses to degradations out of their rows."""

from dataclasses import replace

from snellen.errors import MetricError
from snellen.metrics._catalogue._look_up import on_network
from snellen.metrics._catalogue._response_names import change_levels
from snellen.metrics._comparison import compared
from snellen.metrics._handling import Handling
from snellen.metrics._networks import network_of
from snellen.metrics._options import Request
from snellen.metrics._response._quality import QualityMetric
from snellen.metrics._response._quality_head import ResponseHead, made_for, shipped_head
from snellen.metrics._response._response import DegradationMetric
from snellen.metrics._row import MetricRow


def response_metric(row: MetricRow, request: Request, handling: Handling) -> DegradationMetric:
    """Make the metric of a row whose images are degraded."""
    if request.levels is not None:
        row = change_levels(row, request.levels)
    row = replace(row, degradation_seed=request.degradation_seed)
    return DegradationMetric(compared(row, request), handling)


def quality_metric(row: MetricRow, request: Request, handling: Handling) -> QualityMetric:
    """Make the metric of a row that combines responses by a fitted head.

    Raises
    ------
    MetricError
        Its head was fitted for something else.
    """
    backbone = network_of(row, request)
    given = request.head_weights
    head = shipped_head(backbone) if given is None else ResponseHead.load(given)
    layers = head.made_for["layers"]
    if head.made_for != made_for(backbone, layers):
        raise MetricError(
            f"{row.name}: the head was fitted for {head.made_for['backbone']['name']} with other "
            f"weights than this {backbone.name}; fit one by recipes/fit_ddr.py."
        )
    row = replace(
        on_network(request.resized(row), backbone.name),
        layers=tuple(layers),
        degradations=head.degradations,
        degradation_seed=head.seed,
    )
    return QualityMetric(row, handling, backbone=backbone, layers=layers, head=head)
