"""`create_metric`, `create_metrics` and `list_metrics`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import torch
from torch import Tensor

from snellen.backbones import Backbone
from snellen.errors import MetricError
from snellen.images import ImagePolicy
from snellen.metrics._catalogue._look_up import ROWS, find_row
from snellen.metrics._families import FAMILIES, concerns, refuse_foreign, refuse_unused
from snellen.metrics._handling import Handling, Reduction
from snellen.metrics._metric import Metric
from snellen.metrics._networks import SharedNetworks, keep_needed
from snellen.metrics._options import PathLike, Request, chosen_layers
from snellen.metrics._row import Combine, Kind, MetricRow
from snellen.metrics._set import MetricSet


def create_metric(
    name: str,
    *,
    weights: PathLike | None = None,
    head_weights: PathLike | None = None,
    backbone: Backbone | str | None = None,
    layer: str | None = None,
    layers: Sequence[str] | None = None,
    readout: str | None = None,
    readout_options: Mapping[str, Any] | None = None,
    combine: Combine | None = None,
    channel_weights: Mapping[str, Tensor] | None = None,
    values: int | None = None,
    projection: PathLike | None = None,
    levels: Sequence[int] | None = None,
    degradation_seed: int = 0,
    resize: str | None = None,
    precision: str = "float32",
    seed: int = 0,
    reduction: Reduction = "none",
    align: str = "error",
    policy: ImagePolicy | None = None,
    device: str | torch.device | None = None,
    **options: Any,
) -> Metric:
    """Make a metric by name.

    Every argument but the name changes the definition that the catalogue gives; all of them
    stand in the manifest.

    Parameters
    ----------
    name
        One of `list_metrics`, or a family with any backbone's name: ``"dfb-resnet50"``,
        ``"euclidean-vgg16"``; or the response to any degradation: ``"ddr-blur"``,
        ``"ddr-jpeg@35"``.
    weights
        Weights of the backbone: ``"imagenet"``, ``"random"`` or a file; see `create_backbone`.
    head_weights
        File of the learned weights of LPIPS, DISTS, ``dfb`` or ``ddr``; fetched by default, or the
        package's own.
    backbone
        A backbone to use, and to share with other metrics, or the name of one.
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
    levels
        Levels of the degradation over which a response such as ``"ddr-blur"`` is averaged.
    degradation_seed
        Seed of what a degradation draws at random.
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
    **options
        Options of a single blind metric or attribute: the keys of its row's ``options``.

    Returns
    -------
    Metric
        Call it as ``metric(distorted, reference)``, or ``metric(image)`` where it needs no
        reference.

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
    request = Request(
        weights=weights,
        head_weights=head_weights,
        backbone=backbone,
        layers=chosen_layers(layer, layers),
        readout=readout,
        readout_options=readout_options,
        combine=combine,
        channel_weights=channel_weights,
        values=values,
        projection=projection,
        levels=levels,
        degradation_seed=degradation_seed,
        resize=resize,
        precision=precision,
        seed=seed,
        own_options=options or None,
    )
    refuse_foreign(row, request)
    handling = Handling(policy or ImagePolicy(), align, reduction)
    metric = FAMILIES[row.family].make(row, request, handling)
    if not isinstance(backbone, Backbone):
        keep_needed([metric])
    return metric.to(device)


def create_metrics(
    names: Sequence[str],
    *,
    weights: PathLike | Mapping[str, PathLike] | None = None,
    **options: Any,
) -> MetricSet:
    """Make several metrics that share networks wherever they can.

    Parameters
    ----------
    names
        Names of metrics.
    weights
        Weights of the backbones: the same for all, as `create_metric` takes them, or a mapping
        from the name of a backbone to its own. A metric without a network that is made of a file,
        such as ``"niqe"``, has its own name there.
    **options
        Options of `create_metric`, the same for all; a metric leaves out those that it has no use
        for, and one that none has use for is refused. A `backbone` serves all metrics that have
        one.

    Returns
    -------
    MetricSet
        Scores a pair by all of them, in one pass per network.

    Raises
    ------
    MetricError, BackboneError, WeightsError
        As `create_metric` does; or weights are given for a backbone that no metric has.
    """
    if isinstance(names, str):
        raise MetricError(f"names must be several; for one metric, use create_metric({names!r}).")
    rows = [_asked(find_row(name), options.get("backbone")) for name in dict.fromkeys(names)]
    common, own = _weights(rows, weights)
    refuse_unused({**options, "weights": common}, create_metric.__kwdefaults__ or {}, rows)
    shared = SharedNetworks()
    metrics = []
    for row in rows:
        given = {k: v for k, v in {**options, "weights": common}.items() if concerns(k, row)}
        metrics.append(create_metric(row.name, **shared.lend(row, {**given, **own[row.name]})))
    keep_needed(metrics, shared.made)
    return MetricSet(metrics)


def _asked(row: MetricRow, backbone: object) -> MetricRow:
    """Put the network that was asked for by name into a row that has one."""
    if row.backbone is None or not isinstance(backbone, str):
        return row
    return replace(row, backbone=backbone)


def _weights(
    rows: Sequence[MetricRow], weights: PathLike | Mapping[str, PathLike] | None
) -> tuple[PathLike | None, dict[str, dict[str, PathLike]]]:
    """Return the weights that are for all metrics, and those of each by its name."""
    if not isinstance(weights, Mapping):
        return weights, {row.name: {} for row in rows}
    takers = [row for row in rows if "weights" in FAMILIES[row.family].options]
    known = {row.name: row.backbone or row.name for row in takers}
    for name in weights:
        if name not in known.values():
            raise MetricError(
                f"weights: no metric uses {name}; there are "
                f"{', '.join(sorted(set(known.values()))) or 'none that takes weights'}."
            )
    return None, {
        row.name: {"weights": weights[known[row.name]]} if known.get(row.name) in weights else {}
        for row in rows
    }


def list_metrics(kind: str | None = None, pattern: str = "") -> list[str]:
    """Return the names of metrics.

    Parameters
    ----------
    kind
        ``"full-reference"``, ``"reduced-reference"``, ``"no-reference"`` or ``"attribute"``; all
        by default.
    pattern
        Only names that contain this text.

    Returns
    -------
    list of str
        Names; those that end in ``-*`` are families: any backbone's name may stand there, in
        ``ddr-*`` any degradation.

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
