"""Files of fitted channel weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file


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
