"""What a caller may change in a metric's definition, and what changing it entails."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import torch
from torch import Tensor

from snellen.backbones import Backbone
from snellen.errors import MetricError
from snellen.metrics._row import Combine, MetricRow
from snellen.readouts import Readout, StructureTexture


def chosen_layers(layer: str | None, layers: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the layers asked for by either option, or None."""
    if layer is not None and layers is not None:
        raise MetricError("give `layer` or `layers`, not both.")
    if isinstance(layers, str):
        raise MetricError(f"layers must be several names; for one, use layer={layers!r}.")
    if layers is not None and not layers:
        raise MetricError("layers is empty; give at least one name.")
    if layer is not None:
        return (layer,)
    return None if layers is None else tuple(layers)


def change_row(
    row: MetricRow,
    *,
    layers: tuple[str, ...] | None,
    readout: str | None,
    options: Mapping[str, Any] | None,
    combine: Combine | None,
    resize: str | None,
) -> MetricRow:
    """Change the definition where an argument is not None.

    Learned weights belong to the original layers and readout, and go with them; so does what is
    known of the range of scores. A fitted projection knows itself what it belongs to.
    """
    if combine is not None and combine not in get_args(Combine):
        raise MetricError(
            f"combine must be one of {', '.join(get_args(Combine))}; got {combine!r}."
        )
    if readout is not None:
        options = options or {}
    asked = {"layers": layers, "readout": readout, "combine": combine, "resize": resize}
    changes: dict[str, Any] = {k: v for k, v in asked.items() if v is not None}
    if options is not None:
        changes["options"] = dict(options)
    refused = set(changes) - {"resize"} if row.backbone is None else set()
    if refused:
        raise MetricError(f"{row.name} has no network: {', '.join(refused)} cannot be set.")
    if {"layers", "readout"} & set(changes) and row.kind == "full-reference":
        changes["head"] = None
    if set(changes) - {"resize", "head"}:
        changes["range"] = (0.0, None)
    return replace(row, **changes)


def check_backbone(
    row: MetricRow,
    backbone: Backbone,
    *,
    weights: str | os.PathLike[str] | None,
    seed: int,
    precision: str,
) -> Backbone:
    """Refuse a backbone of another definition, and options that a finished one would ignore."""
    if weights is not None or seed != 0 or precision != "float32":
        raise MetricError(
            "backbone: its weights, seed and precision are settled; give them to create_backbone."
        )
    pooling = backbone.variant.get("pooling", "max")
    neutral = backbone.mean == (0.0, 0.0, 0.0) and backbone.std == (1.0, 1.0, 1.0)
    if pooling != row.pooling or not (row.normalise or neutral):
        asked = f"pooling={row.pooling!r}" + (
            "" if row.normalise else ", mean=(0, 0, 0), std=(1, 1, 1)"
        )
        raise MetricError(
            f"{row.name} is defined on a backbone with {asked}; the given one has "
            f"pooling={pooling!r}, mean={backbone.mean}, std={backbone.std}."
        )
    return backbone


def channel_weights_of(
    given: Mapping[str, Any], layers: Sequence[str], backbone: Backbone, readout: Readout
) -> dict[str, Tensor]:
    """Check the weights of channels that a caller gives, by layer."""
    checked = {}
    for name, value in given.items():
        if name not in layers:
            raise MetricError(
                f"channel_weights: {name!r} is not among the metric's layers {', '.join(layers)}."
            )
        checked[name] = _one_layer(name, value, backbone.layer(name).channels, readout)
    return checked


def _one_layer(name: str, value: Any, channels: int, readout: Readout) -> Tensor:
    tensor = torch.as_tensor(value, dtype=torch.float32)
    shapes = (
        [(channels,), (2, channels)] if isinstance(readout, StructureTexture) else [(channels,)]
    )
    fits = tuple(tensor.shape) in shapes
    if not fits or not bool((tensor >= 0).all() and tensor.isfinite().all()):
        smallest = f"{float(tensor.min()):g}" if tensor.numel() else "none"
        raise MetricError(
            f"channel_weights of {name!r}: expected non-negative numbers of shape "
            f"{' or '.join(map(str, shapes))}, got shape {tuple(tensor.shape)} with minimum "
            f"{smallest}."
        )
    return tensor
