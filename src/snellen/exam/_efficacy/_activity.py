"""How active the channels of a network are on photographs."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from snellen.backbones import Backbone, file_sha256
from snellen.datasets import Dataset
from snellen.exam._checkpoint import Arrays, Checkpoint
from snellen.exam._references import groups
from snellen.exam._tuning._presentations import Progress
from snellen.images import read_image
from snellen.metrics import Protocol

Array = NDArray[np.float64]


class Activity(NamedTuple):
    """Mean and variance of every channel (C,) over positions and images, images weighing alike."""

    mean: Array
    variance: Array


def activity(
    backbone: Backbone,
    dataset: Dataset,
    layers: list[str],
    *,
    protocol: Protocol,
    checkpoint: Path | None = None,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> dict[str, Activity]:
    """Take the references of a dataset, not their scores, through a network, by layer."""
    backbone.to(device)
    manifest = {
        "version": 1,
        "activity": backbone.manifest(),
        "protocol": protocol.manifest(),
        "layers": layers,
    }
    store = Checkpoint(checkpoint, manifest)
    found = []
    for path in groups(dataset):
        digests = [file_sha256(path)] if checkpoint else []
        arrays = store.read(digests)
        if arrays is None:
            arrays = _one(backbone, path, layers, protocol, device)
            store.write(digests, arrays)
        found.append(arrays)
        if progress is not None:
            progress(1)
    return {layer: _joined(found, layer) for layer in layers}


@torch.inference_mode()
def _one(
    backbone: Backbone,
    path: Path,
    layers: list[str],
    protocol: Protocol,
    device: str | torch.device,
) -> Arrays:
    image = protocol(read_image(path)[None].to(device))
    arrays: Arrays = {}
    for layer, features in backbone.stream(image, layers):
        variance, mean = torch.var_mean(features[0].float(), dim=(1, 2), correction=0)
        arrays[f"mean/{layer}"] = mean.double().cpu().numpy()
        arrays[f"variance/{layer}"] = variance.double().cpu().numpy()
    return arrays


def _joined(found: list[Arrays], layer: str) -> Activity:
    means = np.stack([one[f"mean/{layer}"] for one in found])
    variances = np.stack([one[f"variance/{layer}"] for one in found])
    return Activity(means.mean(0), variances.mean(0) + means.var(0))
