"""The whole eye exam of networks."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from snellen.agreement import Resampling
from snellen.backbones import Backbone
from snellen.datasets import Dataset
from snellen.errors import DatasetError, MetricError, error_text
from snellen.exam._exam_run import ExamRun
from snellen.exam._examination._examination import Examination
from snellen.exam._examination._part import Part
from snellen.exam._examination._parts import EXAM_PARTS
from snellen.exam._examination._plan import (
    HOW_TO_GET,
    OPPONENT,
    SELECTIVE_OSI,
    ExamPlan,
    exam_images,
)
from snellen.exam._examination._progress import Clock, ExamProgress
from snellen.exam._examination._storage import pack, unpack
from snellen.exam._networks import named_networks
from snellen.records import Checkpoint
from snellen.vision import Viewing

if TYPE_CHECKING:
    from snellen.exam._separation._synthetic import SyntheticSet


def examine(
    backbones: Sequence[str | Backbone] | str | Backbone | Mapping[str, Backbone],
    *,
    dataset: Dataset | None = None,
    images: "str | Path | Sequence[str | Path] | SyntheticSet | None" = None,
    layers: Sequence[str] | None = None,
    parts: str | Sequence[str] = tuple(EXAM_PARTS),
    weights: str | Path | None = None,
    controls: Literal["none", "random"] = "none",
    full: bool = False,
    resize: str | None = None,
    crop: int = 256,
    viewing: Viewing | None = None,
    csf: str = "tariq",
    resampling: Resampling | None = None,
    checkpoint: str | Path | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[ExamProgress], None] | None = None,
) -> Examination:
    """Take networks through the whole eye exam.

    A part that fails is kept with its error, and the others go on. A part whose data is not given
    is left out.

    Parameters
    ----------
    backbones
        Names, `Backbone` objects, or several of either; a mapping gives them labels.
    dataset
        Images with references and human scores: for ``efficacy`` and ``agreement``.
    images
        Folder of undistorted images, or files, or a `synthetic_set`: for ``separability``.
    layers
        Names of layers, for all networks; by default all listed ones but the classifier's.
    parts
        Names of `EXAM_PARTS`: ``tuning``, ``efficacy``, ``separability``, ``agreement``, ``csf``.
    weights
        Weights of the networks given by name; see `snellen.create_backbone`.
    controls
        ``"random"``: every network given by name also with random weights.
    full
        Show all gratings, all images and all levels of distortion, instead of fewer of each.
    resize
        Rule of the protocol of all photographs; by default half size for those with human scores
        and whole for those without, or else the only size that a network takes.
    crop
        Side of the square from the middle of each of `images`; 0: whole images.
    viewing
        Geometry; 60 pixels per degree by default.
    csf
        Name of the human curve in the efficacy of channels.
    resampling
        How intervals are made; 1000 resamples of contents by default.
    checkpoint
        Folder for what was measured: an exam that was cut off goes on where it was, and one that
        was finished is read back.
    device
        Where to compute.
    progress
        Called with how far the exam is.

    Returns
    -------
    Examination
        Tables of all parts, and a summary.

    Raises
    ------
    BackboneError
        A network or layer does not exist, or a control was asked of a network without a name.
    WeightsError
        Weights are missing, damaged or refused.
    MetricError
        There is no such part.
    DatasetError
        No part is left that has its data.

    Examples
    --------
    >>> from snellen.vision import Viewing
    >>> found = examine("gabor", parts="csf", layers=["energy1"], viewing=Viewing(8))
    >>> found.summary()[0]["csf_n"]
    6
    """
    left_out, chosen = _chosen(parts, dataset, images)
    networks = named_networks(backbones, weights, controls, (0,))
    plan = ExamPlan(
        dataset=dataset,
        images=None if images is None else exam_images(images, full=full, crop=crop),
        layers=None if layers is None else tuple(layers),
        full=full,
        resize=resize,
        resampling=resampling or Resampling(),
        viewing=viewing or Viewing(),
        csf=csf,
        run=ExamRun(checkpoint, device),
    )
    for backbone in networks.values():
        for name in plan.layers_of(backbone):
            backbone.layer(name)
    found = _take(networks, chosen, plan, progress)
    manifests = {label: backbone.manifest() for label, backbone in networks.items()}
    return Examination(tuple(found), manifests, left_out, _facts(plan, networks))


def _chosen(
    parts: str | Sequence[str], dataset: Any, images: Any
) -> tuple[dict[str, str], list[str]]:
    asked = list(dict.fromkeys([parts] if isinstance(parts, str) else parts))
    if not asked or (unknown := [name for name in asked if name not in EXAM_PARTS]):
        what = repr(unknown[0]) if asked else "none"
        raise MetricError(f"parts: expected some of {', '.join(EXAM_PARTS)}; found {what}.")
    given = {None: True, "dataset": dataset is not None, "images": images is not None}
    left_out = {
        name: HOW_TO_GET[str(EXAM_PARTS[name].needs)]
        for name in asked
        if not given[EXAM_PARTS[name].needs]
    }
    chosen = [name for name in EXAM_PARTS if name in asked and name not in left_out]
    if not chosen:
        raise DatasetError(
            f"parts {', '.join(asked)}: {' '.join(dict.fromkeys(left_out.values()))}"
        )
    return left_out, chosen


def _take(
    networks: Mapping[str, Backbone],
    chosen: Sequence[str],
    plan: ExamPlan,
    progress: Callable[[ExamProgress], None] | None,
) -> list[Part]:
    digests = {name: _digests(name, plan) for name in chosen}
    todo = {
        (name, label): plan.run.store(_key(name, backbone, plan))
        for label, backbone in networks.items()
        for name in chosen
    }
    kept = {key: _read(*key, store, digests[key[0]]) for key, store in todo.items()}
    clock = Clock(networks, [key for key, part in kept.items() if part is None], plan, progress)
    found = []
    for (name, label), store in todo.items():
        part = kept[name, label]
        if part is None:
            part = _one(name, label, networks[label], plan, clock)
            if part.error is None:
                store.write(digests[name], pack(part))
        found.append(part)
    return found


def _digests(name: str, plan: ExamPlan) -> list[str]:
    """Return hashes of the files of a part; where one cannot be read, the part will say so."""
    try:
        return plan.digests(EXAM_PARTS[name].needs)
    except OSError:
        return []


def _read(name: str, label: str, store: Checkpoint, digests: list[str]) -> Part | None:
    arrays = store.read(digests)
    return None if arrays is None else unpack(name, label, arrays)


def _one(name: str, label: str, backbone: Backbone, plan: ExamPlan, clock: Clock) -> Part:
    start = time.perf_counter()
    run = replace(plan.run, progress=lambda count: clock.told(name, label, count))
    try:
        tables, manifest = EXAM_PARTS[name].run(backbone, label, plan, run)
    except Exception as error:
        # Whatever it is, the other parts are worth having, and the report says what it was.
        return Part(name, label, error=error_text(error))
    finally:
        clock.finished(name, label)
    return Part(name, label, tables, manifest, time.perf_counter() - start)


def _key(name: str, backbone: Backbone, plan: ExamPlan) -> dict[str, Any]:
    """Say all that the numbers of a part depend on but the pixels of photographs."""
    needs = EXAM_PARTS[name].needs
    key: dict[str, Any] = {
        "version": 1,
        "part": name,
        "backbone": backbone.manifest(),
        "layers": plan.layers_of(backbone),
        "stimuli": plan.stimuli(backbone).manifest(),
        "csf": plan.csf,
        "torch": torch.__version__,
    }
    if needs is not None:
        key |= {"resize": plan.resize_of(backbone), "resampling": repr(plan.resampling)}
    if needs == "dataset" and plan.dataset is not None:
        data = plan.dataset
        columns = (data.score.tolist(), data.content.tolist(), data.higher_better)
        key |= {"dataset": plan.dataset_facts(), "rated": columns}
    if needs == "images":
        key |= {"images": plan.images_facts()}
    return key


def _facts(plan: ExamPlan, networks: Mapping[str, Backbone]) -> dict[str, Any]:
    first = next(iter(networks.values()))
    return {
        "full": plan.full,
        "layers": {label: plan.layers_of(one) for label, one in networks.items()},
        "resize": {label: plan.resize_of(one) for label, one in networks.items()},
        "pixels_per_degree": plan.viewing.pixels_per_degree,
        "csf": plan.csf,
        "selective_osi": SELECTIVE_OSI,
        "opponent": OPPONENT,
        "grating_area": plan.area(first),
        "human_peak": plan.human_peak(first),
        "dataset": plan.dataset_facts(),
        "images": plan.images_facts(),
        "resamples": plan.resampling.resamples,
        "gratings": plan.stimuli(first).images,
        "all_gratings": replace(plan, full=True).stimuli(first).images,
        "torch": torch.__version__,
    }
