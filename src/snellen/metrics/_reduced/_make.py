"""A reduced-reference metric out of its row: its options, and the projection that serves it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from snellen.backbones import Backbone
from snellen.errors import MetricError
from snellen.metrics._catalogue._look_up import on_network
from snellen.metrics._default_layers import resolve_layers
from snellen.metrics._handling import Handling
from snellen.metrics._networks import backbone_terms, network_of
from snellen.metrics._options import Request
from snellen.metrics._reduced._pooling import Pooling
from snellen.metrics._reduced._projection import (
    Projection,
    check_values,
    seeded_projection,
    shipped_projection,
)
from snellen.metrics._reduced._reduced import ReducedReferenceMetric
from snellen.metrics._row import MetricRow

OPTIONS = ("values", "pooling", "transform", "type", "seed")


def reduced_reference_metric(
    row: MetricRow, request: Request, handling: Handling
) -> ReducedReferenceMetric:
    """Make the metric of a reduced-reference row.

    Raises
    ------
    MetricError
        The projection was fitted for something else, or an option is out of range.
    """
    fitted = None if request.projection is None else Projection.load(request.projection)
    row = _asked(request.resized(row), request, fitted)
    backbone = network_of(row, request)
    layers = resolve_layers(row.layers, backbone)
    pooling = Pooling(row.options["pooling"], row.options["transform"])
    return ReducedReferenceMetric(
        replace(on_network(row, backbone.name), layers=layers),
        handling,
        backbone=backbone,
        layers=layers,
        pooling=pooling,
        projection=_projection(row, fitted, backbone, layers, pooling),
        values=row.options["values"],
        value_type=row.options["type"],
    )


def _asked(row: MetricRow, request: Request, projection: Projection | None) -> MetricRow:
    """Change layers and options of a row; a fitted projection brings its own."""
    given = dict(request.readout_options or {})
    unknown = set(given) - set(OPTIONS)
    if unknown:
        raise MetricError(
            f"{row.name} has no option {', '.join(sorted(unknown))}; there are "
            f"{', '.join(OPTIONS)}."
        )
    if request.values is not None:
        given["values"] = request.values
    layers, brought = _brought(row, projection)
    return replace(
        row, layers=request.layers or layers, options={**row.options, **brought, **given}
    )


def _brought(
    row: MetricRow, projection: Projection | None
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the layers of the row or of a fitted projection, and the options that this brings."""
    if projection is None:
        return row.layers, {}
    pooling = projection.made_for["pooling"]
    return tuple(projection.made_for["layers"]), {
        "pooling": pooling["statistics"],
        "transform": pooling["transform"],
        "values": min(row.options["values"], projection.most_values),
    }


def _projection(
    row: MetricRow,
    fitted: Projection | None,
    backbone: Backbone,
    layers: Sequence[str],
    pooling: Pooling,
) -> Projection:
    """Return the projection that was given, the one that ships if it fits, or a seeded one."""
    if fitted is not None:
        _check_fit(fitted, made_for(backbone, layers, pooling), row.name)
        return fitted
    if row.head is not None:
        shipped = shipped_projection(row.head)
        if shipped.made_for == made_for(backbone, layers, pooling):
            return shipped
    values = row.options["values"]
    size = pooling.per_channel * sum(backbone.layer(name).channels for name in layers)
    check_values(values, size)
    return seeded_projection(size, values, row.options["seed"])


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
