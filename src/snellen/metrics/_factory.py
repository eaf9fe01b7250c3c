"""`create_metric`, `create_metrics` and `list_metrics`."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import torch
from torch import Tensor

from snellen.backbones import EMBEDDED, Backbone, create_backbone
from snellen.errors import MetricError
from snellen.images import ALIGNMENTS, ImagePolicy
from snellen.metrics._catalogue import ROWS, find_row
from snellen.metrics._changes import change_row, channel_weights_of, check_backbone, chosen_layers
from snellen.metrics._classical import ClassicalMetric
from snellen.metrics._features import FeatureMetric
from snellen.metrics._heads import load_head
from snellen.metrics._metric import Metric, Reduction
from snellen.metrics._reduced import ReducedReferenceMetric
from snellen.metrics._reduced_factory import (
    load_projection,
    reduced_metric,
    reduced_row,
    refuse_full_reference_options,
)
from snellen.metrics._row import Combine, Kind, MetricRow
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
    values: int | None = None,
    projection: PathLike | None = None,
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
        File of the learned weights of LPIPS, DISTS or ``dfb``; fetched by default, or the
        package's own.
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
    values
        Number of values that a reduced-reference metric transmits.
    projection
        File of a fitted projection of a reduced-reference metric; see `fit_projection`.
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
    fitted = load_projection(projection)
    row = reduced_row(find_row(name), readout_options, values, fitted)
    if align not in ALIGNMENTS:
        raise MetricError(f"align must be one of {', '.join(ALIGNMENTS)}; got {align!r}.")
    row = change_row(
        row,
        layers=chosen_layers(layer, layers),
        readout=readout,
        options=None if row.kind == "reduced-reference" else readout_options,
        combine=combine,
        resize=resize,
    )
    common = (row, policy or ImagePolicy(), align, reduction)
    if row.backbone is None:
        _refuse_network_options(row, weights, head_weights, channel_weights, precision, backbone)
        return ClassicalMetric(*common).to(device)
    if backbone is None:
        made = _backbone(row, weights, seed, precision)
    else:
        made = check_backbone(row, backbone, weights=weights, seed=seed, precision=precision)
    metric: FeatureMetric | ReducedReferenceMetric
    if row.kind == "reduced-reference":
        refuse_full_reference_options(row, head_weights, channel_weights, combine, readout)
        metric = reduced_metric(common, made, fitted)
    else:
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
        that are about one, and those without learned weights leave out `head_weights`. A
        `backbone` serves all metrics that have one.

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
    if isinstance(names, str):
        raise MetricError(f"names must be several; for one metric, use create_metric({names!r}).")
    rows = [find_row(name) for name in dict.fromkeys(names)]
    _refuse_unused_options(options, rows)
    shared: dict[tuple[Any, ...], Backbone] = {}
    metrics = []
    for row in rows:
        own = {k: v for k, v in options.items() if _concerns(k, row)}
        if row.backbone is not None and own.get("backbone") is None:
            given = {k: own.pop(k) for k in ("weights", "seed", "precision") if k in own}
            key = (row.backbone, row.pooling, row.normalise)
            if key not in shared:
                shared[key] = _backbone(row, **given)
            own["backbone"] = shared[key]
        metrics.append(create_metric(row.name, **own))
    _drop_unused(metrics, shared.values())
    return MetricSet(metrics)


def _refuse_unused_options(options: Mapping[str, Any], rows: Sequence[MetricRow]) -> None:
    # A metric that leaves an option out would otherwise swallow a misspelt or a useless one.
    known = create_metric.__kwdefaults__ or {}
    for option, value in options.items():
        if option not in known:
            raise MetricError(
                f"create_metrics has no option {option!r}; it has {', '.join(known)}."
            )
        if value != known[option] and not any(_concerns(option, row) for row in rows):
            names = ", ".join(row.name for row in rows)
            raise MetricError(f"{option} cannot be set: no metric among {names} has use for it.")


def _concerns(option: str, row: MetricRow) -> bool:
    if option in ("reduction", "align", "policy", "device", "resize"):
        return True
    if option in ("values", "projection"):
        return row.kind == "reduced-reference"
    if option == "head_weights":
        return row.head is not None and row.kind == "full-reference"
    # Embedded networks bring their own: a file among several metrics is for the others.
    return row.backbone is not None and not (option == "weights" and row.backbone in EMBEDDED)


def _drop_unused(metrics: Sequence[Metric], made: Iterable[Backbone]) -> None:
    """Give up what no metric needs of the networks made for them."""
    users = [m for m in metrics if isinstance(m, FeatureMetric | ReducedReferenceMetric)]
    for backbone in made:
        backbone.keep({name for m in users if m.backbone is backbone for name in m.layers})


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

    Raises
    ------
    MetricError
        There is no such kind.

    Examples
    --------
    >>> list_metrics(pattern="lpips")
    ['lpips-alex', 'lpips-vgg', 'lpips-squeeze']
    """
    if kind is not None and kind not in get_args(Kind):
        raise MetricError(f"kind must be one of {', '.join(get_args(Kind))}; got {kind!r}.")
    rows = [row for row in ROWS.values() if kind in (None, row.kind)]
    return [row.name for row in rows if pattern in row.name]


def _refuse_network_options(row: MetricRow, *options: Any) -> None:
    if any(option not in (None, "float32") for option in options):
        raise MetricError(
            f"{row.name} has no network: weights, head_weights, channel_weights, precision and "
            "backbone cannot be set."
        )


def _backbone(
    row: MetricRow, weights: PathLike | None = None, seed: int = 0, precision: str = "float32"
) -> Backbone:
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


def _feature_metric(
    common: tuple[Any, ...],
    row: MetricRow,
    backbone: Backbone,
    head_weights: PathLike | None,
    channel_weights: Mapping[str, Tensor] | None,
) -> FeatureMetric:
    if backbone.name != row.backbone:
        row = replace(row, backbone=backbone.name, range=(0.0, None))
    layers = resolve_layers(row.layers, backbone)
    readout = create_readout(row.readout, **row.options)
    weights, head = None, None
    if channel_weights is not None:
        row = replace(row, head=None)
        weights = channel_weights_of(channel_weights, layers, backbone, readout)
    if row.head is not None:
        weights, head = load_head(row.head, layers, backbone, head_weights)
    elif head_weights is not None:
        raise MetricError(
            f"{row.name} has no learned weights with these options: head_weights cannot be set."
        )
    return FeatureMetric(
        replace(row, layers=layers),
        *common[1:],
        backbone=backbone,
        layers=layers,
        readout=readout,
        weights=weights,
        head=head,
    )
