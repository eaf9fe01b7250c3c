"""A reduced-reference metric out of its row: its options, and the projection that serves it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from snellen.backbones import Backbone
from snellen.errors import MetricError
from snellen.metrics._changes import change_row
from snellen.metrics._default_layers import resolve_layers
from snellen.metrics._networks import network_of
from snellen.metrics._options import Request, Terms
from snellen.metrics._reduced._pooling import Pooling
from snellen.metrics._reduced._projection import (
    Projection,
    check_values,
    seeded_projection,
    shipped_projection,
)
from snellen.metrics._reduced._reduced import ReducedReferenceMetric, backbone_terms
from snellen.metrics._row import MetricRow

OPTIONS = ("values", "pooling", "transform", "type", "seed")


def reduced_row(
    row: MetricRow,
    options: Mapping[str, Any] | None,
    values: int | None,
    projection: Projection | None,
) -> MetricRow:
    """Change the options of a descriptor; a fitted projection brings the layers and pooling.

    Raises
    ------
    MetricError
        The row has no such option.
    """
    unknown = set(options or {}) - set(OPTIONS)
    if unknown:
        raise MetricError(
            f"{row.name} has no option {', '.join(sorted(unknown))}; there are "
            f"{', '.join(OPTIONS)}."
        )
    layers = row.layers
    brought: dict[str, Any] = {}
    if projection is not None:
        layers = tuple(projection.made_for["layers"])
        pooling = projection.made_for["pooling"]
        brought = {
            "pooling": pooling["statistics"],
            "transform": pooling["transform"],
            "values": min(row.options["values"], projection.most_values),
        }
    given = dict(options or {}) | ({} if values is None else {"values": values})
    return replace(row, layers=layers, options={**row.options, **brought, **given})


def reduced_reference_metric(
    row: MetricRow, request: Request, terms: Terms
) -> ReducedReferenceMetric:
    """Make the metric of a reduced-reference row.

    Raises
    ------
    MetricError
        The projection was fitted for something else, or an option is out of range or of another
        kind of metric.
    """
    fitted = None if request.projection is None else Projection.load(request.projection)
    row = change_row(
        reduced_row(row, request.readout_options, request.values, fitted),
        layers=request.layers,
        readout=request.readout,
        options=None,
        combine=request.combine,
        resize=request.resize,
    )
    backbone = network_of(row, request)
    if request.asked("head_weights", "channel_weights", "combine", "readout"):
        raise MetricError(
            f"{row.name} compares descriptors: head_weights, channel_weights, combine and readout "
            "cannot be set; see values, projection and readout_options."
        )
    return _on_backbone(row, terms, backbone, fitted)


def _on_backbone(
    row: MetricRow, terms: Terms, backbone: Backbone, projection: Projection | None
) -> ReducedReferenceMetric:
    if backbone.name != row.backbone:
        row = replace(row, backbone=backbone.name)
    layers = resolve_layers(row.layers, backbone)
    options = row.options
    pooling = Pooling(options["pooling"], options["transform"])
    if projection is not None:
        _check_fit(projection, made_for(backbone, layers, pooling), row.name)
    elif row.head is not None:
        shipped = shipped_projection(row.head)
        fits = shipped.made_for == made_for(backbone, layers, pooling)
        projection = shipped if fits else None
    if projection is None:
        size = pooling.per_channel * sum(backbone.layer(name).channels for name in layers)
        check_values(options["values"], size)
        projection = seeded_projection(size, options["values"], options["seed"])
    return ReducedReferenceMetric(
        replace(row, layers=layers),
        terms.policy,
        terms.align,
        terms.reduction,
        backbone=backbone,
        layers=layers,
        pooling=pooling,
        projection=projection,
        values=options["values"],
        value_type=options["type"],
    )


def made_for(backbone: Backbone, layers: Sequence[str], pooling: Pooling) -> dict[str, Any]:
    """Return what a fitted projection belongs to."""
    terms = {k: v for k, v in backbone_terms(backbone).items() if k != "precision"}
    return {"backbone": terms, "layers": list(layers), "pooling": pooling.manifest()}


def _check_fit(projection: Projection, here: Mapping[str, Any], name: str) -> None:
    wrong = [key for key, value in here.items() if projection.made_for.get(key) != value]
    if wrong:
        there = "; ".join(f"{key}: {projection.made_for.get(key)}" for key in wrong)
        raise MetricError(
            f"{name}: the projection was fitted for another {' and '.join(wrong)} ({there}); fit "
            "one for this metric, or leave the option out."
        )
