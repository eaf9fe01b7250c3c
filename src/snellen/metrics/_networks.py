"""The network of a metric: made for it, or given and checked."""

from dataclasses import replace

from snellen.backbones import Backbone, create_backbone
from snellen.metrics._changes import check_backbone
from snellen.metrics._options import PathLike, Request
from snellen.metrics._row import MetricRow


def network_of(row: MetricRow, request: Request) -> Backbone:
    """Make the network of a row, another that was asked for by name, or check a finished one."""
    weights, seed, precision = request.weights, request.seed, request.precision
    if isinstance(request.backbone, Backbone):
        return check_backbone(
            row, request.backbone, weights=weights, seed=seed, precision=precision
        )
    return make_network(named(row, request.backbone), weights, seed, precision)


def named(row: MetricRow, backbone: str | None) -> MetricRow:
    """Put another network's name into a row, if one is given."""
    return row if backbone is None else replace(row, backbone=backbone)


def make_network(
    row: MetricRow, weights: PathLike | None = None, seed: int = 0, precision: str = "float32"
) -> Backbone:
    """Make the network that a row names, as the row is defined on it."""
    assert row.backbone is not None
    mean, std = (None, None) if row.normalise else ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    return create_backbone(
        row.backbone,
        weights,
        seed=seed,
        pooling=row.pooling,
        precision=precision,
        mean=mean,
        std=std,
    )
