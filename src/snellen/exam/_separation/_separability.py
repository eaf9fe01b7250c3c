"""Which layers of a network separate types of distortion, and how well."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import torch

from snellen.agreement import Resampling
from snellen.backbones import INPUT_LAYER, Backbone
from snellen.datasets import Dataset
from snellen.errors import DatasetError, MetricError
from snellen.exam._exam_run import ExamRun
from snellen.exam._networks import in_order, layer_facts, named_networks
from snellen.exam._separation._descriptors import Descriptors, check_poolings, describe
from snellen.exam._separation._labelled import Source, labelled
from snellen.exam._separation._separability_exam import SeparabilityExam
from snellen.exam._separation._separation import Labels, Outcome, Setting, separate, settings
from snellen.metrics import Protocol

DEFAULT_COMPONENTS = (2, 8, 16, 32, 64)


def separability(
    backbones: Sequence[str | Backbone] | str | Backbone | Mapping[str, Backbone],
    data: Dataset | Source,
    *,
    weights: str | Path | None = None,
    poolings: str | Sequence[str] = ("mean", "mean-std"),
    difference: bool | Sequence[bool] = (False, True),
    components: int | Sequence[int] = DEFAULT_COMPONENTS,
    normalize: str | Sequence[str] = "z-score",
    neighbors: int | Sequence[int] = 1,
    layers: Sequence[str] | None = None,
    resize: str = "native",
    controls: Literal["none", "random"] = "none",
    seeds: Sequence[int] = (0,),
    resampling: Resampling | None = None,
    checkpoint: str | Path | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] | None = None,
) -> SeparabilityExam:
    """Measure how well every layer of networks separates types and levels of distortion.

    Every network sees every image once. Of each layer a short descriptor is kept, and brought to
    its first principal components. There, without any training, indices of cluster analysis tell
    how far the types lie apart, and the nearest image of other contents tells an image's type
    and level.

    Parameters
    ----------
    backbones
        Names, `Backbone` objects, or several of either; a mapping gives them labels.
    data
        A dataset whose images have types and references, or a `synthetic_set`.
    weights
        Weights of the networks given by name; see `snellen.create_backbone`.
    poolings
        What is kept of every channel: ``"mean"``, ``"std"``, ``"mean-std"``; one or several.
    difference
        Whether the reference's descriptor is subtracted; one or both.
    components
        Numbers of principal components; one beyond the descriptor's own length means all.
    normalize
        ``"none"``; ``"z-score"``: every entry at unit variance; ``"l2"``: every descriptor at unit
        length; one or several. Before the principal components.
    neighbors
        Numbers of neighbors that vote.
    layers
        Names of layers, for all networks; by default the input and all listed layers.
    resize
        Rule of `snellen.metrics.Protocol`, such as ``"native"`` or ``"half"``.
    controls
        ``"random"``: every network given by name also with random weights, one per seed.
    seeds
        Seeds of the controls.
    resampling
        How intervals are made; 1000 resamples of contents by default.
    checkpoint
        Folder for descriptors: an exam that was cut off goes on where it was.
    device
        Where to compute.
    progress
        Called with the number of images described since the last call; what follows takes about
        as long.

    Returns
    -------
    SeparabilityExam
        A row per network, layer and combination of options, and what is behind it.

    Raises
    ------
    BackboneError
        A network or layer does not exist, or a control was asked of a network without a name.
    MetricError
        There is no such pooling, normalization or resize rule, or a number is not positive.
    DatasetError
        An image has no reference or type, or there are too few types, contents or images.

    Notes
    -----
    The question is that of Bianco, Celona and Napoletano, Pattern Recognition Letters 148 (2021)
    128-135. Pooling, normalization, number of components and of neighbors, and the index are not
    known to us; every one is an option here. Accuracy leaves whole contents out: mean, scale and
    principal components are those of the other contents, and so are the neighbors. Its intervals
    resample contents; nothing is fitted anew for a resample. The indices use one set of
    components, of all images. The defaults were chosen on photographs under KADID-10k's types, not
    on any images with human scores.
    """
    several = settings(_list(poolings), _list(difference), _list(normalize))
    check_poolings(_list(poolings))
    counts = _positive("components", _list(components))
    voters = _positive("neighbors", _list(neighbors))
    images = labelled(data)
    labels = Labels(images)
    if max(voters) > (most := labels.smallest_training_set()):
        raise DatasetError(
            f"{images.name}: neighbors={max(voters)}, but without the largest content only {most} "
            "images are left."
        )
    protocol, run = Protocol(resize), ExamRun(checkpoint, device, progress)
    described: dict[str, Descriptors] = {}
    outcomes: list[Outcome] = []
    networks = named_networks(backbones, weights, controls, seeds)
    common = {"data": images.name, "resize": resize, **labels.facts()}
    for label, backbone in networks.items():
        names = layers or (INPUT_LAYER, *(info.name for info in backbone.layers))
        described[label] = describe(
            backbone,
            images,
            in_order(backbone, names),
            protocol=protocol,
            run=run,
        )
        source = {"network": label, "backbone": backbone.name, "weights": backbone.weights.source}
        ordered = described[label].layers
        for depth, layer in enumerate(ordered):
            facts = source | layer_facts(backbone, layer, depth, len(ordered)) | common
            outcomes += _of_layer(
                facts, described[label], layer, several, labels, counts, voters, resampling
            )
    manifests = {label: backbone.manifest() for label, backbone in networks.items()}
    return SeparabilityExam(tuple(outcomes), images, described, manifests, resize)


def _of_layer(
    facts: dict[str, Any],
    described: Descriptors,
    layer: str,
    several: Iterable[Setting],
    labels: Labels,
    components: Sequence[int],
    neighbors: Sequence[int],
    resampling: Resampling | None,
) -> Iterable[Outcome]:
    how = resampling or Resampling()
    for setting in several:
        x = setting.vectors(described, layer)
        for one in separate(x, setting, labels, components, neighbors, how):
            yield replace(one, row=facts | asdict(setting) | one.row)


def _list(value: Any) -> list[Any]:
    several = [value] if isinstance(value, str | bool | int) else list(value)
    return list(dict.fromkeys(several))


def _positive(name: str, values: list[int]) -> list[int]:
    if not values or min(values) < 1:
        raise MetricError(f"{name}={values}: expected whole numbers from 1.")
    return values
