"""The parts of an exam: what each shows to a network, and the tables that come of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from snellen.backbones import INPUT_LAYER, Backbone
from snellen.errors import DatasetError
from snellen.exam._agreement._layers import layers
from snellen.exam._efficacy._efficacy import efficacy, efficacy_images
from snellen.exam._examination._examination import Row, Tables
from snellen.exam._examination._findings import best_separability
from snellen.exam._examination._plan import ExamPlan
from snellen.exam._psychophysics._psychophysics import DEFAULT_FREQUENCIES, metric_csf
from snellen.exam._tuning._tuning import tuning
from snellen.metrics import create_metric
from snellen.vision import Grating

Told = Callable[[int], None]
Found = tuple[Tables, dict[str, Any]]

COMPONENTS = 32
"""Principal components in which types of distortion are told apart."""

_CSF_PHASES = 2
_CSF_LOOKS = 18


class Work(NamedTuple):
    """How many images (or conditions) a part tells of, and megapixels through the network."""

    steps: int
    megapixels: float


class PartKind(NamedTuple):
    """One part: its function, how much work it is, and the data that it needs."""

    run: Callable[[Backbone, str, ExamPlan, Told], Found]
    work: Callable[[Backbone, ExamPlan], Work]
    needs: str | None = None


def _tuning(backbone: Backbone, label: str, plan: ExamPlan, told: Told) -> Found:
    found = tuning(
        backbone,
        plan.layers_of(backbone),
        stimuli=plan.stimuli(backbone),
        csf=plan.csf,
        checkpoint=plan.run.checkpoint,
        device=plan.run.device,
        progress=told,
    )
    curves = tuple(found.curve_table().to_pylist())
    return {"tuning": found.rows, "curves": curves}, found.manifest()


def _tuning_work(backbone: Backbone, plan: ExamPlan) -> Work:
    images = plan.stimuli(backbone).images
    return Work(images, images * _grating_megapixels(backbone, plan))


def _grating_megapixels(backbone: Backbone, plan: ExamPlan) -> float:
    height, width = plan.size_of(backbone)
    return height * width / 1e6


def _efficacy(backbone: Backbone, label: str, plan: ExamPlan, told: Told) -> Found:
    found = efficacy(
        backbone,
        plan.layers_of(backbone),
        _given(plan.dataset),
        stimuli=plan.stimuli(backbone),
        csf=plan.csf,
        resize=plan.resize_of(backbone),
        resampling=plan.resampling,
        checkpoint=plan.run.checkpoint,
        device=plan.run.device,
        progress=told,
    )
    tables = {
        "efficacy": found.rows,
        "efficacy-differences": found.differences,
        "efficacy-channels": tuple(found.channel_table().to_pylist()),
    }
    return tables, found.manifest()


def _efficacy_work(backbone: Backbone, plan: ExamPlan) -> Work:
    stimuli, data = plan.stimuli(backbone), _given(plan.dataset)
    images = efficacy_images(data, stimuli)
    rated = images - stimuli.published_images
    gratings = stimuli.published_images * _grating_megapixels(backbone, plan)
    return Work(images, gratings + rated * plan.rated_megapixels(backbone))


def _separability(backbone: Backbone, label: str, plan: ExamPlan, told: Told) -> Found:
    from snellen.exam._separation._separability import separability

    found = separability(
        {label: backbone},
        _given(plan.images),
        poolings="mean-std",
        components=COMPONENTS,
        layers=[INPUT_LAYER, *plan.layers_of(backbone)],
        resize=plan.resize_of(backbone, default="native"),
        resampling=plan.resampling,
        checkpoint=plan.run.checkpoint,
        device=plan.run.device,
        progress=told,
    )
    best = best_separability(found.rows)
    projection = found.projection(best)
    facts = {
        "layer": projection.row["layer"],
        "explained_x": projection.explained[0],
        "explained_y": projection.explained[1],
    }
    tables = {
        "separability": _without_label(found.rows),
        "separability-pairs": _without_label(found.pairs(best)),
        "separability-confusion": tuple(found.confusion(best).rows()),
        "separability-projection": tuple(facts | row for row in projection.rows()),
    }
    return tables, found.manifest()


def _without_label(rows: Any) -> tuple[Row, ...]:
    """Leave out the label: the same numbers may be asked for again under another one."""
    return tuple({k: v for k, v in row.items() if k != "network"} for row in rows)


def _separability_work(backbone: Backbone, plan: ExamPlan) -> Work:
    images = _given(plan.images)
    side = images.crop or 256
    return Work(len(images), len(images) * side * side / 1e6)


def _agreement(backbone: Backbone, label: str, plan: ExamPlan, told: Told) -> Found:
    found = layers(
        {label: backbone},
        _given(plan.dataset),
        layers=[INPUT_LAYER, *plan.layers_of(backbone)],
        resize=plan.resize_of(backbone),
        resampling=plan.resampling,
        checkpoint=plan.run.checkpoint,
        device=plan.run.device,
        progress=told,
    )
    return {"agreement": _without_label(found.rows)}, found.manifest()


def _agreement_work(backbone: Backbone, plan: ExamPlan) -> Work:
    images = len(_given(plan.dataset))
    return Work(images, images * plan.rated_megapixels(backbone))


def _csf(backbone: Backbone, label: str, plan: ExamPlan, told: Told) -> Found:
    frequencies = _csf_frequencies(plan)
    metric = create_metric(
        "euclidean-gabor",
        backbone=backbone,
        layers=plan.layers_of(backbone),
        device=plan.run.device,
    )
    size = plan.size_of(backbone)
    found = metric_csf(
        metric,
        frequencies,
        stimulus=Grating(4.0, size=size, viewing=plan.viewing),
        phases=_CSF_PHASES,
        progress=told,
    )
    manifest = {"exam": "csf", **found.manifest()}
    return {"csf": tuple(found.rows), "csf-agreement": (found.agreement(),)}, manifest


def _csf_frequencies(plan: ExamPlan) -> list[float]:
    return [f for f in DEFAULT_FREQUENCIES if f <= plan.viewing.nyquist]


def _csf_work(backbone: Backbone, plan: ExamPlan) -> Work:
    count = len(_csf_frequencies(plan))
    looks = count * _CSF_PHASES * _CSF_LOOKS
    return Work(count, looks * _grating_megapixels(backbone, plan))


def _given(data: Any) -> Any:
    if data is None:
        raise DatasetError("This part of the exam needs data that was not given.")
    return data


EXAM_PARTS: dict[str, PartKind] = {
    "tuning": PartKind(_tuning, _tuning_work),
    "efficacy": PartKind(_efficacy, _efficacy_work, "dataset"),
    "separability": PartKind(_separability, _separability_work, "images"),
    "agreement": PartKind(_agreement, _agreement_work, "dataset"),
    "csf": PartKind(_csf, _csf_work),
}
"""The parts of `examine` by name."""

HOW_TO_GET = {
    "dataset": "It needs images with human scores and their references: give --dataset NAME=PATH "
    "(dataset= in Python), the folder of a database's release or a CSV file of your own.",
    "images": "It needs undistorted images: give --images FOLDER (images= in Python), such as "
    "photographs of your own, a dozen or more, at least 256 pixels high and wide.",
}
"""What is told of a part whose data was not given."""
