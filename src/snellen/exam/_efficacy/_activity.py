"""How active the channels of a network are on photographs."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from snellen.backbones import Backbone
from snellen.datasets import Dataset
from snellen.exam._exam_run import ExamRun
from snellen.exam._references import groups
from snellen.images import read_image
from snellen.metrics import Protocol
from snellen.records import Arrays

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
    run: ExamRun,
) -> dict[str, Activity]:
    """Take the references of a dataset, not their scores, through a network, by layer."""
    backbone.to(run.device)
    manifest = {
        "version": 1,
        "activity": backbone.manifest(),
        "protocol": protocol.manifest(),
        "layers": layers,
    }
    store = run.store(manifest)
    found = []
    for path in groups(dataset):
        measure = partial(_one, backbone, path, layers, protocol, run)
        found.append(run.once(store, run.digests([path]), 1, measure))
    return {layer: _joined(found, layer) for layer in layers}


@torch.inference_mode()
def _one(
    backbone: Backbone,
    path: Path,
    layers: list[str],
    protocol: Protocol,
    run: ExamRun,
) -> Arrays:
    image = protocol(read_image(path)[None].to(run.device))
    arrays: Arrays = {}
    for layer, features in backbone.stream(image, layers):
        variance, mean = torch.var_mean(features[0].float(), dim=(1, 2), correction=0)
        arrays[f"mean/{layer}"] = mean.double().cpu().numpy()
        arrays[f"variance/{layer}"] = variance.double().cpu().numpy()
    run.done(1)
    return arrays


def _joined(found: list[Arrays], layer: str) -> Activity:
    means = np.stack([one[f"mean/{layer}"] for one in found])
    variances = np.stack([one[f"variance/{layer}"] for one in found])
    return Activity(means.mean(0), variances.mean(0) + means.var(0))
