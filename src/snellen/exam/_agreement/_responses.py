"""One network over one dataset: every layer's sums for every readout, in one pass."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snellen._threads import at_once, side_by_side
from snellen.backbones import Backbone
from snellen.datasets import Dataset
from snellen.errors import ImageError
from snellen.exam._exam_run import ExamRun
from snellen.exam._networks import in_order
from snellen.exam._references import groups
from snellen.images import read_image
from snellen.metrics import Protocol
from snellen.readouts import (
    Moments,
    Readout,
    ReferenceMoments,
)
from snellen.records import Arrays

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Responses:
    """What one network does to every pair of a dataset.

    Parameters
    ----------
    layers
        Names, in order of depth.
    sums
        By readout, (N, L, K): what `Readout.measure` gives of each pair and layer.
    channels
        By layer, (N, C): mean squared difference of every channel; empty if not asked for.
    """

    layers: tuple[str, ...]
    sums: Mapping[str, Numbers]
    channels: Mapping[str, NDArray[np.float32]]

    def distances(self, name: str, readout: Readout, *, cumulative: bool = False) -> Numbers:
        """Distance of every pair at each layer, (N, L), or of all layers up to it joined."""
        sums = torch.from_numpy(self.sums[name])
        sums = sums.cumsum(1) if cumulative else sums
        flat = readout.score(readout.distance(sums.flatten(0, 1)))
        return flat.view(sums.shape[:2]).numpy()

    def channel_normalized(self, *, cumulative: bool = False) -> Numbers:
        """Root of the mean over channels of D_ic / mean_i D_ic, (N, L)."""
        totals, counts = [], []
        for layer in self.layers:
            normalized = unit_mean(self.channels[layer])
            totals.append(normalized.sum(1))
            counts.append(normalized.shape[1])
        total, count = np.stack(totals, 1), np.array(counts)
        if cumulative:
            total, count = total.cumsum(1), count.cumsum()
        return np.asarray(np.sqrt(total / count))


def unit_mean(channels: NDArray[np.float32]) -> Numbers:
    """Divide every channel's distances (N, C) by their mean over images; dead channels stay 0."""
    wide = channels.astype(np.float64)
    mean = wide.mean(0)
    return np.asarray(wide / np.where(mean > 0, mean, 1))


def respond(
    backbone: Backbone,
    dataset: Dataset,
    layers: Sequence[str],
    readouts: Mapping[str, Readout],
    *,
    protocol: Protocol,
    by_channel: bool = False,
    memory: int = 2 << 30,
    run: ExamRun,
) -> Responses:
    """Take every pair of a dataset through a network once.

    Features of a reference are computed once for all its distorted versions, and only those of
    one reference are kept: memory does not grow with the dataset. Where all layers of one
    reference take more than `memory` bytes, both images of each pair go layer by layer instead.
    On a processor several versions are compared at once, each in a thread.

    Parameters
    ----------
    backbone, dataset
        Network, and images that all have references.
    layers
        Names of layers.
    readouts
        By the name under which their sums are kept.
    protocol
        What happens to pixels before the network.
    by_channel
        Whether to keep the mean squared difference of every channel.
    memory
        Bytes that the features of one reference may take.
    run
        Keeps what was measured of every reference; told of pairs.

    Returns
    -------
    Responses
        In the order of the dataset.

    Raises
    ------
    DatasetError
        An image has no reference.
    ImageError
        An image cannot be read, or differs in size from its reference.
    """
    backbone.to(run.device)
    names = in_order(backbone, layers)
    manifest = {
        "version": 1,
        "backbone": backbone.manifest(),
        "protocol": protocol.manifest(),
        "layers": names,
        "readouts": {name: readout.manifest() for name, readout in readouts.items()},
        "by_channel": by_channel,
    }
    store = run.store(manifest)
    measure = _Measure(backbone, names, readouts, protocol, by_channel, memory, run)
    rows: list[int] = []
    found: list[Arrays] = []
    for reference, positions in groups(dataset).items():
        paths = [reference, *(dataset.image[i] for i in positions)]
        own = partial(measure, paths)
        found.append(run.once(store, run.digests(paths), len(positions), own))
        rows.extend(positions)
    joined = _in_dataset_order(found, np.array(rows))
    return Responses(
        layers=tuple(names),
        sums={name: joined[f"sums/{name}"] for name in readouts},
        channels={name: joined[f"channels/{name}"] for name in names} if by_channel else {},
    )


def _in_dataset_order(found: Sequence[Arrays], rows: NDArray[np.intp]) -> Arrays:
    order = np.argsort(rows)
    return {name: np.concatenate([one[name] for one in found])[order] for name in found[0]}


class _Measure:
    """Takes a reference and its distorted versions through a network."""

    def __init__(
        self,
        backbone: Backbone,
        layers: Sequence[str],
        readouts: Mapping[str, Readout],
        protocol: Protocol,
        by_channel: bool,
        memory: int,
        run: ExamRun,
    ) -> None:
        self._backbone, self._layers = backbone, layers
        self._readouts, self._by_channel = readouts, by_channel
        self._protocol, self._memory, self._run = protocol, memory, run
        self._means = any(readout.needs_means for readout in readouts.values())

    @torch.inference_mode()
    def __call__(self, paths: Sequence[Path]) -> Arrays:
        reference = self._read(paths[0])
        kept = self._keep(reference)
        collected: dict[str, list[NDArray[np.generic]]] = {}
        compare = partial(self._compare, paths[0], reference, kept)
        pixels = reference.shape[2] * reference.shape[3]
        most = at_once(pixels, reference.device, self._backbone.thread_safe)
        for measured in side_by_side(compare, paths[1:], most):
            for name, values in measured.items():
                collected.setdefault(name, []).append(values)
            self._run.done(1)
        return {name: np.stack(values) for name, values in collected.items()}

    def _compare(
        self,
        source: Path,
        reference: Tensor,
        kept: Mapping[str, ReferenceMoments] | None,
        path: Path,
    ) -> Arrays:
        """Measure one image against its reference, which was read from `source`."""
        image = self._read(path)
        if image.shape != reference.shape:
            raise ImageError(
                f"{path} is {image.shape[3]}x{image.shape[2]}, its reference {source} "
                f"{reference.shape[3]}x{reference.shape[2]} pixels: sizes must be equal."
            )
        return self._pair(self._pairs(image, reference, kept))

    def _read(self, path: Path) -> Tensor:
        return self._protocol(read_image(path)[None].to(self._run.device))

    def _keep(self, reference: Tensor) -> dict[str, ReferenceMoments] | None:
        """Keep all layers of a reference, or nothing where they would be too large."""
        kept: dict[str, ReferenceMoments] = {}
        for name, features in self._backbone.stream(reference, self._layers):
            kept[name] = ReferenceMoments(features)
            if sum(one.nbytes for one in kept.values()) > self._memory:
                return None
        return kept

    def _pairs(
        self, image: Tensor, reference: Tensor, kept: Mapping[str, ReferenceMoments] | None
    ) -> Iterator[tuple[str, Moments]]:
        stream = self._backbone.stream(image, self._layers, lend=True)
        other: Iterable[tuple[str, ReferenceMoments]]
        if kept is not None:
            other = kept.items()
        else:
            second = self._backbone.stream(reference, self._layers, lend=True)
            other = ((name, ReferenceMoments(features)) for name, features in second)
        for (name, features), (_, moments) in zip(stream, other, strict=True):
            yield name, Moments(features, moments, means=self._means)

    def _pair(self, pairs: Iterator[tuple[str, Moments]]) -> Arrays:
        sums: dict[str, list[NDArray[np.float64]]] = {name: [] for name in self._readouts}
        channels: Arrays = {}
        for layer, moments in pairs:
            for name, readout in self._readouts.items():
                sums[name].append(readout.from_moments(moments).double().cpu().numpy())
            if self._by_channel:
                channels[f"channels/{layer}"] = moments.by_channel.float().cpu().numpy()
        return {f"sums/{name}": np.stack(values) for name, values in sums.items()} | channels
