"""Short vectors that summarize the features of images: every layer of a network in one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snellen._threads import at_once, side_by_side
from snellen.backbones import Backbone
from snellen.errors import MetricError
from snellen.exam._exam_run import ExamRun
from snellen.exam._separation._labelled import Group, Labelled
from snellen.metrics import Protocol
from snellen.readouts import Statistics
from snellen.records import Arrays

Floats = NDArray[np.float32]

POOLINGS = ("mean", "std", "mean-std")
"""What is kept of every channel: its mean over positions, its standard deviation, or both."""

_MOMENTS = Statistics("mean-std")


@dataclass(frozen=True)
class Descriptors:
    """Mean and standard deviation of every channel of every layer.

    Parameters
    ----------
    layers
        Names, in order of depth.
    images
        By layer, (N, 2C): means of all channels, then standard deviations.
    references
        By layer, (R, 2C).
    reference_of
        (N,): row of each image's reference.
    """

    layers: tuple[str, ...]
    images: Mapping[str, Floats]
    references: Mapping[str, Floats]
    reference_of: NDArray[np.intp]

    def vectors(self, layer: str, pooling: str = "mean", *, difference: bool = False) -> Floats:
        """Return a descriptor per image.

        Parameters
        ----------
        layer
            Name.
        pooling
            One of `POOLINGS`.
        difference
            Whether to subtract the descriptor of the reference.

        Returns
        -------
        array
            (N, C), or (N, 2C) of ``"mean-std"``.

        Raises
        ------
        MetricError
            There is no such pooling.
        """
        check_poolings([pooling])
        values = self.images[layer]
        if difference:
            values = values - self.references[layer][self.reference_of]
        channels = values.shape[1] // 2
        chosen = {"mean": slice(channels), "std": slice(channels, None)}
        return values[:, chosen.get(pooling, slice(None))]


def check_poolings(poolings: Sequence[str]) -> None:
    """Raise a MetricError where one does not exist."""
    if wrong := [one for one in poolings if one not in POOLINGS]:
        raise MetricError(f"pooling {wrong[0]!r} does not exist; there are {', '.join(POOLINGS)}.")


def describe(
    backbone: Backbone,
    data: Labelled,
    layers: Sequence[str],
    *,
    protocol: Protocol,
    run: ExamRun,
) -> Descriptors:
    """Take every image through a network once.

    Only descriptors are kept: memory does not grow with the size of images.

    Parameters
    ----------
    backbone, data
        Network and images.
    layers
        Names, in order of depth.
    protocol
        What happens to pixels before the network.
    run
        Keeps what was measured of every reference; told of images.

    Returns
    -------
    Descriptors
        In the order of the data.

    Raises
    ------
    ImageError
        An image cannot be read.
    """
    backbone.to(run.device)
    manifest = {
        "version": 1,
        "exam": "descriptors",
        "backbone": backbone.manifest(),
        "protocol": protocol.manifest(),
        "layers": list(layers),
        # A pristine image's distorted versions do not depend on what other images there are.
        "data": {name: value for name, value in data.facts.items() if name != "files"},
    }
    store = run.store(manifest)
    images: dict[str, list[Floats]] = {name: [] for name in layers}
    references: dict[str, list[Floats]] = {name: [] for name in layers}
    positions: list[int] = []
    owners: list[int] = []
    for row, group in enumerate(data.groups()):
        measure = partial(_measure, backbone, group, layers, protocol, run)
        arrays = run.once(store, run.digests(group.files), len(group.positions), measure)
        positions += group.positions
        owners += [row] * len(group.positions)
        for name in layers:
            references[name].append(arrays[name][:1])
            images[name].append(arrays[name][1:])
    order = np.argsort(positions)
    return Descriptors(
        layers=tuple(layers),
        images={name: np.concatenate(parts)[order] for name, parts in images.items()},
        references={name: np.concatenate(parts) for name, parts in references.items()},
        reference_of=np.array(owners)[order],
    )


@torch.inference_mode()
def _measure(
    backbone: Backbone,
    group: Group,
    layers: Sequence[str],
    protocol: Protocol,
    run: ExamRun,
) -> Arrays:
    """Describe a reference, in the first row, and its images: (1 + n, 2C) by layer."""

    def describe_one(image: Tensor) -> dict[str, Tensor]:
        stream = backbone.stream(protocol(image.to(run.device)), layers)
        return {name: _MOMENTS.describe(features.float())[0] for name, features in stream}

    images = group.read()
    first = next(images)
    most = at_once(first.shape[2] * first.shape[3], torch.device(run.device), backbone.thread_safe)
    rows: list[dict[str, Tensor]] = []
    for row in side_by_side(describe_one, chain([first], images), most):
        if rows:  # the first is the reference
            run.done(1)
        rows.append(row)
    return {name: torch.stack([row[name] for row in rows]).cpu().numpy() for name in layers}
