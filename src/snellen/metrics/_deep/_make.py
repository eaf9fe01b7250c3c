"""Metrics of deep features out of their rows."""

from dataclasses import replace

from snellen.errors import MetricError
from snellen.metrics._channel_weights import channel_weights_of
from snellen.metrics._comparison import compared
from snellen.metrics._deep._features import FeatureMetric
from snellen.metrics._deep._learned_weights import load_head
from snellen.metrics._handling import Handling
from snellen.metrics._options import Request
from snellen.metrics._row import MetricRow


def deep_metric(row: MetricRow, request: Request, handling: Handling) -> FeatureMetric:
    """Make the metric of a row that compares deep features.

    Raises
    ------
    MetricError
        It has no learned weights, or not with what else was asked for, and a file of them is given.
    """
    made = compared(row, request)
    weights, head = None, None
    if request.channel_weights is not None:
        made = replace(made, row=replace(made.row, head=None))
        weights = channel_weights_of(
            request.channel_weights, made.layers, made.backbone, made.readout
        )
    if made.row.head is not None:
        weights, head = load_head(made.row, made.backbone, request.head_weights)
    elif request.head_weights is not None:
        raise MetricError(
            f"{row.name} has no learned weights with these options: head_weights cannot be set."
        )
    return FeatureMetric(made, handling, weights=weights, head=head)
