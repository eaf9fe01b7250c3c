"""`create_metric`, `create_metrics` and `list_metrics`."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from snellen.backbones import Backbone, create_backbone
from snellen.errors import MetricError
from snellen.images import ALIGNMENTS, ImagePolicy
from snellen.metrics._catalogue import ROWS, find_row
from snellen.metrics._classical import ClassicalMetric
from snellen.metrics._features import FeatureMetric
from snellen.metrics._heads import load_head
from snellen.metrics._metric import Metric, Reduction
from snellen.metrics._row import Combine, MetricRow
from snellen.metrics._set import MetricSet
from snellen.metrics._stages import resolve_layers
from snellen.readouts import create_readout

PathLike = str | os.PathLike[str]


def create_metric(
    name: str,
    *,
    weights: PathLike | None = None,
    head_weights: PathLike | None = None,
    backbone: Backbone | None = None,
    layer: str | None = None,
    layers: Sequence[str] | None = None,
    readout: str | None = None,
    readout_options: Mapping[str, Any] | None = None,
    combine: Combine | None = None,
    channel_weights: Mapping[str, Tensor] | None = None,
    resize: str | None = None,
    precision: str = "float32",
    seed: int = 0,
    reduction: Reduction = "none",
    align: str = "error",
    policy: ImagePolicy | None = None,
    device: str | torch.device | None = None,
) -> Metric:
    """Make a metric by name.

    Every argument but the name changes the definition that the catalogue gives; all of them
    stand in the manifest.

    Parameters
    ----------
    name
        One of `list_metrics`, or a family with any backbone's name: ``"dfb-resnet50"``,
        ``"euclidean-vgg16"``.
    weights
        Weights of the backbone: ``"imagenet"``, ``"random"`` or a file; see `create_backbone`.
    head_weights
        File of the learned weights of LPIPS or DISTS; fetched by default.
    backbone
        A backbone to use, and to share with other metrics.
    layer, layers
        Name of one layer, or names of several.
    readout, readout_options
        Name and options of another readout.
    combine
        How layers make one score: ``"sum"``, ``"mean"`` or ``"join"`` (concatenation).
    channel_weights
        Non-negative weights of the channels (C,), by layer.
    resize
        Rule of the protocol, such as ``"native"`` or ``"short-256"``; see `Protocol`.
    precision
        ``"float32"``, ``"bfloat16"`` or ``"float64"``: the type in which the network computes.
    seed
        Seed of random weights.
    reduction
        ``"none"``, ``"mean"`` or ``"sum"`` over the batch.
    align
        What to do with images of different sizes: ``"error"``, ``"crop"`` or ``"resize"``.
    policy
        How image files are decoded.
    device
        Where to compute; the CPU by default.

    Returns
    -------
    Metric
        Call it as ``metric(distorted, reference)``.

    Raises
    ------
    MetricError
        There is no such metric, or it does not have that option.
    BackboneError
        There is no such backbone or layer.
    WeightsError
        Weights are missing, damaged or refused.

    Examples
    --------
    >>> import torch
    >>> metric = create_metric("dfb")
    >>> image = torch.rand(1, 3, 32, 32)
    >>> metric(image, image)
    tensor([0.])
    """
    row = find_row(name)
    if align not in ALIGNMENTS:
        raise MetricError(f"align must be one of {', '.join(ALIGNMENTS)}; got {align!r}.")
    chosen = _chosen_layers(layer, layers)
    changes = {"layers": chosen, "readout": readout, "combine": combine, "resize": resize}
    if readout_options is not None or readout is not None:
        changes["options"] = dict(readout_options or {})
    row = _change(row, {k: v for k, v in changes.items() if v is not None})
    common = (row, policy or ImagePolicy(), align, reduction)
    if row.backbone is None and backbone is None:
        _refuse_network_options(row, weights, head_weights, channel_weights, precision)
        return ClassicalMetric(*common).to(device)
    made = backbone or _backbone(row, weights, seed, precision)
    row = replace(row, backbone=made.name)
    metric = _feature_metric(common, row, made, head_weights, channel_weights)
    if backbone is None:
        made.keep(metric.layers)
    return metric.to(device)


def create_metrics(names: Sequence[str], **options: Any) -> MetricSet:
    """Make several metrics that share networks wherever they can.

    Parameters
    ----------
    names
        Names of metrics.
    **options
        Options of `create_metric`, the same for all; metrics without a network leave out those
        that are about one, and those without learned weights leave out `head_weights`.

    Returns
    -------
    MetricSet
        Scores a pair by all of them, in one pass per network.

    Raises
    ------
    MetricError, BackboneError, WeightsError
        As `create_metric` does.

    Examples
    --------
    >>> [metric.name for metric in create_metrics(["dfb", "euclidean-gabor", "psnr"])]
    ['dfb', 'euclidean-gabor', 'psnr']
    """
    shared: dict[tuple[Any, ...], Backbone] = {}
    metrics = []
    for name in dict.fromkeys(names):
        row = find_row(name)
        own = {k: v for k, v in options.items() if _concerns(k, row)}
        if row.backbone is not None:
            key = (row.backbone, row.pooling, row.normalise)
            if key not in shared:
                given = {k: own[k] for k in ("weights", "seed", "precision") if k in own}
                shared[key] = _backbone(row, **given)
            own["backbone"] = shared[key]
        metrics.append(create_metric(name, **own))
    _drop_unused(metrics)
    return MetricSet(metrics)


def _concerns(option: str, row: MetricRow) -> bool:
    if option in ("reduction", "align", "policy", "device"):
        return True
    if option == "head_weights":
        return row.head is not None
    # The embedded network has no weights to choose.
    return row.backbone is not None and not (option == "weights" and row.backbone == "gabor")


def _drop_unused(metrics: Sequence[Metric]) -> None:
    """Give up what no metric needs of the networks that they share."""
    layers: dict[Backbone, set[str]] = {}
    for metric in metrics:
        if isinstance(metric, FeatureMetric):
            layers.setdefault(metric.backbone, set()).update(metric.layers)
    for backbone, names in layers.items():
        backbone.keep(names)


def list_metrics(kind: str | None = None, pattern: str = "") -> list[str]:
    """Return the names of metrics.

    Parameters
    ----------
    kind
        ``"full-reference"``, ``"reduced-reference"`` or ``"no-reference"``; all by default.
    pattern
        Only names that contain this text.

    Returns
    -------
    list of str
        Names; those that end in ``-*`` are families, in which any backbone's name may stand.

    Examples
    --------
    >>> list_metrics(pattern="lpips")
    ['lpips-alex', 'lpips-vgg', 'lpips-squeeze']
    """
    rows = [row for row in ROWS.values() if kind in (None, row.kind)]
    return [row.name for row in rows if pattern in row.name]


def _chosen_layers(layer: str | None, layers: Sequence[str] | None) -> tuple[str, ...] | None:
    if layer is not None and layers is not None:
        raise MetricError("give `layer` or `layers`, not both.")
    if isinstance(layers, str):
        raise MetricError(f"layers must be several names; for one, use layer={layers!r}.")
    if layers is not None and not layers:
        raise MetricError("layers is empty; give at least one name.")
    return (layer,) if layer is not None else tuple(layers) if layers is not None else None


def _change(row: MetricRow, changes: dict[str, Any]) -> MetricRow:
    """Change the definition; learned weights belong to the original layers and readout only."""
    if row.backbone is None and changes:
        raise MetricError(f"{row.name} has no network: {', '.join(changes)} cannot be set.")
    if row.head and {"layers", "readout"} & set(changes):
        changes["head"] = None
    return replace(row, **changes)


def _refuse_network_options(row: MetricRow, *options: Any) -> None:
    if any(option not in (None, "float32") for option in options):
        raise MetricError(
            f"{row.name} has no network: weights, head_weights, channel_weights and precision "
            "cannot be set."
        )


def _backbone(
    row: MetricRow, weights: PathLike | None = None, seed: int = 0, precision: str = "float32"
) -> Backbone:
    assert row.backbone is not None
    neutral = {} if row.normalise else {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    pooling = row.pooling
    return create_backbone(
        row.backbone, weights, seed=seed, pooling=pooling, precision=precision, **neutral
    )


def _feature_metric(
    common: tuple[Any, ...],
    row: MetricRow,
    backbone: Backbone,
    head_weights: PathLike | None,
    channel_weights: Mapping[str, Tensor] | None,
) -> FeatureMetric:
    layers = resolve_layers(row.layers, backbone)
    weights, head = channel_weights, None
    if weights is not None:
        _check_channel_weights(weights, layers, backbone)
    elif row.head is not None:
        weights, head = load_head(row.head, layers, backbone, head_weights)
    elif head_weights is not None:
        raise MetricError(f"{row.name} has no learned weights: head_weights cannot be set.")
    return FeatureMetric(
        replace(row, layers=layers),
        *common[1:],
        backbone=backbone,
        layers=layers,
        readout=create_readout(row.readout, **row.options),
        weights=weights,
        head=head,
    )


def _check_channel_weights(
    weights: Mapping[str, Tensor], layers: Sequence[str], backbone: Backbone
) -> None:
    for name, value in weights.items():
        if name not in layers:
            raise MetricError(
                f"channel_weights: {name!r} is not among the metric's layers {', '.join(layers)}."
            )
        expected = backbone.layer(name).channels
        if value.shape[-1] != expected or bool((value < 0).any()):
            raise MetricError(
                f"channel_weights of {name!r}: expected {expected} non-negative numbers, got a "
                f"tensor of shape {tuple(value.shape)} with minimum {float(value.min()):g}."
            )
