"""Files of fitted channel weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from snellen.errors import WeightsError


class WeightedLayer(Protocol):
    """Weights of the channels of a layer, such as `Relevance` or `ChannelWeights`."""

    @property
    def layer(self) -> str:
        """Name of the layer."""

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights (C,), not negative."""


def save_channel_weights(path: str | Path, found: Sequence[WeightedLayer]) -> None:
    """Write weights of channels, keyed by layer, for ``create_metric(channel_weights=...)``.

    Parameters
    ----------
    path
        A ``.safetensors`` file.
    found
        Layers of one network.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {one.layer: torch.from_numpy(one.weights).float() for one in found}
    save_file(tensors, path, metadata={"snellen": "channel weights"})


def load_channel_weights(path: str | Path) -> dict[str, Tensor]:
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
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            told = (file.metadata() or {}).get("snellen")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:
        raise WeightsError(f"{path}: no whole file of channel weights: {error}.") from error
    if told != "channel weights" or any(t.ndim != 1 or t.min() < 0 for t in tensors.values()):
        raise WeightsError(
            f"{path}: expected non-negative channel weights by layer, as save_channel_weights "
            "writes them; found other tensors."
        )
    return tensors
