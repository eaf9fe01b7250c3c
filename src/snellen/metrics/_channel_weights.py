"""Weights of channels that a caller gives: read from a file, and checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from snellen.backbones import Backbone
from snellen.errors import MetricError, WeightsError
from snellen.readouts import Readout, StructureTexture


def load_channel_weights(path: str | Path) -> dict[str, Tensor]:
    """Read weights that `snellen.exam.save_channel_weights` has written.

    Returns
    -------
    dict of str to Tensor
        (C,) by layer, as ``create_metric(channel_weights=...)`` takes them.

    Raises
    ------
    WeightsError
        The file is missing, or holds something else.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            told = (file.metadata() or {}).get("snellen")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:
        raise WeightsError(f"{path}: no whole file of channel weights: {error}.") from error
    if told != "channel weights" or not all(_are_weights(t) for t in tensors.values()):
        raise WeightsError(
            f"{path}: expected non-negative channel weights by layer, as save_channel_weights "
            "writes them; found other tensors."
        )
    return tensors


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


def _are_weights(tensor: Tensor) -> bool:
    return tensor.ndim == 1 and bool((tensor >= 0).all() and tensor.isfinite().all())
