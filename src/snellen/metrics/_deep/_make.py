"""Full-reference metrics out of their rows: classical ones, and those of deep features."""

from dataclasses import replace

from snellen.backbones import Backbone
from snellen.errors import MetricError
from snellen.metrics._changes import change_row, channel_weights_of
from snellen.metrics._classical._classical import ClassicalMetric
from snellen.metrics._deep._features import FeatureMetric
from snellen.metrics._deep._learned_weights import load_head
from snellen.metrics._default_layers import resolve_layers
from snellen.metrics._metric import Metric
from snellen.metrics._networks import network_of
from snellen.metrics._options import Request, Terms
from snellen.metrics._row import MetricRow
from snellen.readouts import create_readout


def full_reference_metric(row: MetricRow, request: Request, terms: Terms) -> Metric:
    """Make the metric of a full-reference row.

    Raises
    ------
    MetricError
        It does not have an option that was asked for.
    """
    row = change_row(
        row,
        layers=request.layers,
        readout=request.readout,
        options=request.readout_options,
        combine=request.combine,
        resize=request.resize,
    )
    if row.backbone is None:
        _refuse_network_options(row, request)
        return ClassicalMetric(row, terms.policy, terms.align, terms.reduction)
    return _feature_metric(row, request, terms, network_of(row, request))


def _refuse_network_options(row: MetricRow, request: Request) -> None:
    options = ("weights", "head_weights", "channel_weights", "precision", "backbone")
    if request.asked(*options):
        raise MetricError(
            f"{row.name} has no network: weights, head_weights, channel_weights, precision and "
            "backbone cannot be set."
        )


def _feature_metric(
    row: MetricRow, request: Request, terms: Terms, backbone: Backbone
) -> FeatureMetric:
    if backbone.name != row.backbone:
        row = replace(row, backbone=backbone.name, range=(0.0, None))
    layers = resolve_layers(row.layers, backbone)
    readout = create_readout(row.readout, **row.options)
    weights, head = None, None
    if request.channel_weights is not None:
        row = replace(row, head=None)
        weights = channel_weights_of(request.channel_weights, layers, backbone, readout)
    if row.head is not None:
        weights, head = load_head(row.head, layers, backbone, request.head_weights)
    elif request.head_weights is not None:
        raise MetricError(
            f"{row.name} has no learned weights with these options: head_weights cannot be set."
        )
    return FeatureMetric(
        replace(row, layers=layers),
        terms.policy,
        terms.align,
        terms.reduction,
        backbone=backbone,
        layers=layers,
        readout=readout,
        weights=weights,
        head=head,
    )
