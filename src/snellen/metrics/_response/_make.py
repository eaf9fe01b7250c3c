"""Responses to degradations out of their rows."""

from dataclasses import replace

from snellen.errors import MetricError
from snellen.metrics._catalogue._response_names import COMBINED, change_levels
from snellen.metrics._changes import change_row
from snellen.metrics._default_layers import resolve_layers
from snellen.metrics._networks import network_of
from snellen.metrics._options import Request, Terms
from snellen.metrics._response._quality import quality_metric
from snellen.metrics._response._response import DegradationMetric, ResponseMetric
from snellen.metrics._row import MetricRow
from snellen.readouts import create_readout


def response_metric(row: MetricRow, request: Request, terms: Terms) -> ResponseMetric:
    """Make the metric of a row whose images are degraded.

    Raises
    ------
    MetricError
        It does not have an option that was asked for.
    """
    if row.readout == COMBINED:
        return quality_metric(row, request, terms)
    if request.asked("head_weights", "channel_weights"):
        raise MetricError(
            f"{row.name} has no learned weights: head_weights and channel_weights cannot be set."
        )
    row = change_row(
        row if request.levels is None else change_levels(row, request.levels),
        layers=request.layers,
        readout=request.readout,
        options=request.readout_options,
        combine=request.combine,
        resize=request.resize,
    )
    backbone = network_of(row, request)
    if backbone.name != row.backbone:
        row = replace(row, backbone=backbone.name, range=(0.0, None))
    layers = resolve_layers(row.layers, backbone)
    readout = create_readout(row.readout, **row.options)
    if row.combine == "join" and not readout.joins:
        raise MetricError(
            f"{row.name}: the readout {readout.name!r} cannot be taken of concatenated layers; "
            "use combine='mean' or 'sum'."
        )
    return DegradationMetric(
        replace(row, layers=layers, degradation_seed=request.degradation_seed),
        terms.policy,
        terms.align,
        terms.reduction,
        backbone=backbone,
        layers=layers,
        readout=readout,
    )
