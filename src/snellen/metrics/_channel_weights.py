"""Weights of channels by layer: files of them, and those that a caller gives, checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from snellen.backbones import Backbone
from snellen.errors import MetricError, WeightsError
from snellen.metrics._fitted_files import write_fitted
from snellen.readouts import Readout, StructureTexture
from snellen.records import PathLike

_MARK = "channel weights"


def save_channel_weights(path: PathLike, weights: Mapping[str, Any]) -> None:
    """Write weights of channels, for ``create_metric(channel_weights=load_channel_weights(path))``.

    Parameters
    ----------
    path
        A ``.safetensors`` file; folders are made.
    weights
        Non-negative weights (C,) by layer: tensors, arrays or lists.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_channel_weights(f"{folder}/w.safetensors", {"relu1": [1.0, 0.5]})
    ...     load_channel_weights(f"{folder}/w.safetensors")
    {'relu1': tensor([1.0000, 0.5000])}
    """
    tensors = {
        name: torch.as_tensor(value, dtype=torch.float32).contiguous()
        for name, value in weights.items()
    }
    write_fitted(path, tensors, {"snellen": _MARK})


def load_channel_weights(path: PathLike) -> dict[str, Tensor]:
    """Read weights that `save_channel_weights` has written.

    Returns
    -------
    dict of str to Tensor
        (C,) by layer, as ``create_metric(channel_weights=...)`` takes them.

    Raises
    ------
    WeightsError
        The file is missing, or holds something else.
    """
    try:
        with safe_open(Path(path), framework="pt") as file:
            told = (file.metadata() or {}).get("snellen")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:
        raise WeightsError(f"{path}: no whole file of channel weights: {error}.") from error
    if told != _MARK or not all(_are_weights(t) for t in tensors.values()):
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
