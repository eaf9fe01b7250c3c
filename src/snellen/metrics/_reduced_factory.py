"""A reduced-reference metric out of its row: its options, and the projection that serves it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from snellen.backbones import Backbone
from snellen.errors import MetricError
from snellen.images import ImagePolicy
from snellen.metrics._metric import Reduction
from snellen.metrics._pooled import Pooling
from snellen.metrics._projection import (
    Projection,
    check_values,
    seeded_projection,
    shipped_projection,
)
from snellen.metrics._reduced import ReducedReferenceMetric, backbone_terms
from snellen.metrics._row import MetricRow
from snellen.metrics._stages import resolve_layers

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
        The row is not of a reduced-reference metric, or has no such option.
    """
    if row.kind != "reduced-reference":
        if values is not None or projection is not None:
            raise MetricError(
                f"{row.name} is {row.kind}: values and projection are options of "
                "reduced-reference metrics."
            )
        return row
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


def reduced_metric(
    common: tuple[MetricRow, ImagePolicy, str, Reduction],
    backbone: Backbone,
    projection: Projection | None,
) -> ReducedReferenceMetric:
    """Make the metric of a row on a backbone.

    Raises
    ------
    MetricError
        The projection was fitted for something else, or an option is out of range.
    """
    row, policy, align, reduction = common
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
        policy,
        align,
        reduction,
        backbone=backbone,
        layers=layers,
        pooling=pooling,
        projection=projection,
        values=options["values"],
        value_type=options["type"],
    )


def refuse_full_reference_options(row: MetricRow, *options: Any) -> None:
    """Refuse options that only a comparison of features has."""
    if any(option is not None for option in options):
        raise MetricError(
            f"{row.name} compares descriptors: head_weights, channel_weights, combine and readout "
            "cannot be set; see values, projection and readout_options."
        )


def made_for(backbone: Backbone, layers: Sequence[str], pooling: Pooling) -> dict[str, Any]:
    """Return what a fitted projection belongs to."""
    terms = {k: v for k, v in backbone_terms(backbone).items() if k != "precision"}
    return {"backbone": terms, "layers": list(layers), "pooling": pooling.manifest()}


def load_projection(path: str | os.PathLike[str] | None) -> Projection | None:
    """Read the projection that a caller names, if any."""
    return None if path is None else Projection.load(path)


def _check_fit(projection: Projection, here: Mapping[str, Any], name: str) -> None:
    wrong = [key for key, value in here.items() if projection.made_for.get(key) != value]
    if wrong:
        there = "; ".join(f"{key}: {projection.made_for.get(key)}" for key in wrong)
        raise MetricError(
            f"{name}: the projection was fitted for another {' and '.join(wrong)} ({there}); fit "
            "one for this metric, or leave the option out."
        )
