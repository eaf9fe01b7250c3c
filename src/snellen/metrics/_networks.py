"""The network of a metric: made for it, given and checked, or shared with others."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from snellen.backbones import Backbone, create_backbone
from snellen.errors import MetricError
from snellen.metrics._metric import Metric
from snellen.metrics._options import PathLike, Request
from snellen.metrics._row import MetricRow


def network_of(row: MetricRow, request: Request) -> Backbone:
    """Make the network of a row, another that was asked for by name, or check a finished one."""
    if isinstance(request.backbone, Backbone):
        _refuse_settled(request)
        return _checked(row, request.backbone)
    return _made(
        row, request.backbone or row.backbone, request.weights, request.seed, request.precision
    )


def _made(
    row: MetricRow,
    name: str | None,
    weights: PathLike | None = None,
    seed: int = 0,
    precision: str = "float32",
) -> Backbone:
    """Make a network as a row is defined on it."""
    assert name is not None
    mean, std = (None, None) if row.normalize else ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    return create_backbone(
        name, weights, seed=seed, pooling=row.pooling, precision=precision, mean=mean, std=std
    )


def _refuse_settled(request: Request) -> None:
    if {"weights", "seed", "precision"} & set(request.asked()):
        raise MetricError(
            "backbone: its weights, seed and precision are settled; give them to create_backbone."
        )


def _checked(row: MetricRow, backbone: Backbone) -> Backbone:
    """Refuse a backbone of another definition."""
    pooling = backbone.variant.get("pooling", "max")
    neutral = backbone.mean == (0.0, 0.0, 0.0) and backbone.std == (1.0, 1.0, 1.0)
    if pooling != row.pooling or not (row.normalize or neutral):
        asked = f"pooling={row.pooling!r}" + (
            "" if row.normalize else ", mean=(0, 0, 0), std=(1, 1, 1)"
        )
        raise MetricError(
            f"{row.name} is defined on a backbone with {asked}; the given one has "
            f"pooling={pooling!r}, mean={backbone.mean}, std={backbone.std}."
        )
    return backbone


def backbone_terms(backbone: Backbone) -> Mapping[str, Any]:
    """Return what tells one network from another, wherever its file of weights lies."""
    manifest = backbone.manifest()
    weights = manifest["weights"]
    config = {"config": weights["config"]} if "config" in weights else {}
    return {**manifest, "weights": {"sha256": weights["sha256"], **config}}


class SharedNetworks:
    """Networks that metrics made together share wherever they can.

    Attributes
    ----------
    made
        The networks that were made for them.
    """

    def __init__(self) -> None:
        self._networks: dict[tuple[Any, ...], Backbone] = {}

    @property
    def made(self) -> list[Backbone]:
        """The networks that were made for the metrics."""
        return list(self._networks.values())

    def lend(self, row: MetricRow, options: Mapping[str, Any]) -> dict[str, Any]:
        """Put a finished network into the options of a metric that has one."""
        own = dict(options)
        if row.backbone is None or isinstance(own.get("backbone"), Backbone):
            return own
        given = {name: own.pop(name) for name in ("weights", "seed", "precision") if name in own}
        name = own.get("backbone") or row.backbone
        key = (name, row.pooling, row.normalize)
        if key not in self._networks:
            self._networks[key] = _made(row, name, **given)
        return {**own, "backbone": self._networks[key]}


def keep_needed(metrics: Sequence[Metric], made: Iterable[Backbone] | None = None) -> None:
    """Give up what no metric needs of their networks, or of some of these."""
    users = [metric.network for metric in metrics if metric.network is not None]
    for backbone in {network for network, _ in users} if made is None else made:
        backbone.keep({name for network, layers in users if network is backbone for name in layers})
