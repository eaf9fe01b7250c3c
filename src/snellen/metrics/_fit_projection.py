"""Fit the projection of a reduced-reference metric to how classical metrics judge distortions.

Nobody's scores are needed: pristine images are distorted in the ways of a catalogue, and the few
directions are sought in which pooled features move as full-reference metrics say that quality
does. The first of them serve for few values, all for many.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snellen.distortions import distort, list_distortions
from snellen.errors import MetricError
from snellen.images import as_image_batch
from snellen.metrics._create import create_metric, create_metrics
from snellen.metrics._metric import ImageLike
from snellen.metrics._reduced._make import made_for
from snellen.metrics._reduced._projection import Projection, check_values, fitted_projection
from snellen.metrics._reduced._reduced import ReducedReferenceMetric
from snellen.metrics._set import MetricSet

TEACHERS = ("fsim", "vsi", "haarpsi", "mdsi")
"""Full-reference metrics whose consensus is taught by default."""

Numbers = NDArray[np.float64]

_RIDGE = 0.1  # of the mean variance: directions below are noise, and are not blown up
_PULL, _STEPS, _RATE = 1.0, 300, 0.03


def fit_projection(
    images: Iterable[ImageLike],
    metric: str | ReducedReferenceMetric = "rr-gabor",
    *,
    distortions: Sequence[str] | None = None,
    teachers: Sequence[str] = TEACHERS,
    values: int = 64,
    progress: Callable[[int], None] | None = None,
) -> Projection:
    """Fit a projection to natural images and synthetic distortions, without human scores.

    Parameters
    ----------
    images
        Pristine images: paths, or whatever else `Metric.forward` takes. A dozen do.
    metric
        Reduced-reference metric whose backbone, layers, pooling and protocol the projection is
        for; a metric's own projection plays no part.
    distortions
        What is done to each image, such as ``"gaussian-blur:3"``; by default the 25 types of
        KADID-10k at levels 1, 3 and 5.
    teachers
        Full-reference metrics whose consensus (mean rank over all distorted images) is learned;
        none for the principal components of the differences alone, whitened.
    values
        Largest number of values that the projection shall make.
    progress
        Told how many distorted images were done, each time one is.

    Returns
    -------
    Projection
        Save it, and use it by ``create_metric(..., projection=FILE)``.

    Raises
    ------
    MetricError
        There are no images, or fewer distorted images than values.
    DistortionError
        There is no such distortion.

    Notes
    -----
    Differences of pooled features between distorted image and reference are whitened in the space
    of their first principal components. There a linear map W, which starts as the identity and
    is drawn to it, is fitted by Adam so that for k = 2, 4, 8, ... the length of the first k
    values, made to saturate by d / (1 + d), correlates with the consensus. The procedure is ours.

    Examples
    --------
    >>> photos = torch.rand(2, 1, 3, 32, 32)
    >>> blurs = ["gaussian-blur:1", "gaussian-blur:3", "white-noise:2", "jpeg:4"]
    >>> fit_projection(photos, distortions=blurs, teachers=["mdsi"], values=4).matrix.shape
    torch.Size([150, 4])
    """
    made = create_metric(metric) if isinstance(metric, str) else metric
    if not isinstance(made, ReducedReferenceMetric):
        raise MetricError(f"{made.name} is {made.kind} and has no projection.")
    specs = _default_distortions() if distortions is None else list(distortions)
    centre, moved, badness = _observe(images, made, specs, teachers, progress)
    check_values(values, min(moved.shape))
    basis = fit_directions(moved, badness if teachers else None, values)
    matrix = basis / np.linalg.norm(moved @ basis, axis=1).mean()
    return fitted_projection(
        torch.from_numpy(centre),
        torch.from_numpy(matrix),
        made_for(made.backbone, made.layers, made.pooling),
        {
            "images": len(moved) // len(specs),
            "distortions": specs,
            "teachers": list(teachers),
            "protocol": made.protocol.manifest(),
        },
    )


def fit_directions(moved: Numbers, badness: Numbers | None, values: int) -> Numbers:
    """Find the few directions in which pooled features move as quality does.

    Parameters
    ----------
    moved
        Differences of pooled features between distorted images and references, (N, D).
    badness
        How bad each distorted image is, (N,), by any measure that rises with it; None for the
        principal components of the differences alone, whitened.
    values
        Number of directions.

    Returns
    -------
    NDArray
        (D, values); the first of them serve for fewer values. `fit_projection` scales them.
    """
    basis = _whitened_components(moved, values)
    return basis if badness is None else basis @ _taught(moved @ basis, badness)


def _default_distortions() -> list[str]:
    return [
        f"{one.name}:{level}" for one in list_distortions(source="kadid") for level in (1, 3, 5)
    ]


def _observe(
    images: Iterable[ImageLike],
    metric: ReducedReferenceMetric,
    specs: Sequence[str],
    teachers: Sequence[str],
    progress: Callable[[int], None] | None,
) -> tuple[Numbers, Numbers, Numbers]:
    """Distort images; return the mean pooled features, their differences, and the consensus."""
    judges = create_metrics(teachers) if teachers else None
    references, moved, judged = [], [], []
    with torch.inference_mode():
        for i, reference in enumerate(_one_by_one(images, metric)):
            pooled = metric.pooled(reference)
            references.append(pooled.cpu().numpy())
            for spec in specs:
                distorted = distort(reference, spec, seed=i)
                moved.append((metric.pooled(distorted) - pooled).cpu().numpy())
                if judges is not None:
                    judged.append(_badness(judges, distorted, reference))
                if progress:
                    progress(1)
    if not references:
        raise MetricError("fit_projection was given no images.")
    from scipy.stats import rankdata

    ranks = [rankdata(column) for column in np.array(judged).T]
    consensus = np.mean(ranks, 0) if ranks else np.zeros(len(moved))
    return np.concatenate(references).mean(0), np.concatenate(moved), consensus


def _one_by_one(images: Iterable[ImageLike], metric: ReducedReferenceMetric) -> Iterator[Tensor]:
    for image in images:
        batch = as_image_batch(image, metric.policy).to(metric.device)
        yield from (one[None] for one in batch)


def _badness(judges: MetricSet, distorted: Tensor, reference: Tensor) -> list[float]:
    scores = judges(distorted, reference)
    return [float(scores[m.name]) * (1 if m.lower_better else -1) for m in judges]


def _whitened_components(moved: Numbers, count: int) -> Numbers:
    """Return principal directions of the differences (D, count), scaled to like variance."""
    variances, directions = np.linalg.eigh(moved.T @ moved / len(moved))
    variances, directions = variances[::-1][:count], directions[:, ::-1][:, :count]
    # The sign of an eigenvector is the library's choice.
    signs = np.sign(directions[np.abs(directions).argmax(0), np.arange(count)])
    whitened: Numbers = directions * signs / np.sqrt(variances + _RIDGE * variances.mean())
    return whitened


def _taught(whitened: Numbers, badness: Numbers) -> Numbers:
    """Return the map (K, K) after which lengths of the first k values follow the consensus."""
    points = torch.from_numpy(whitened)
    target = _standardised(torch.from_numpy(badness))
    count = points.shape[1]
    counts = [k for k in (2**i for i in range(1, 20)) if k < count] + [count]
    start = torch.eye(count, dtype=points.dtype)
    weights = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([weights], lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    for _ in range(_STEPS):
        squares = (points @ weights).square().cumsum(1)
        losses = [1 - (_saturated(squares[:, k - 1]) * target).mean() for k in counts]
        pull = _PULL * (weights - start).square().mean()
        loss = torch.stack(losses).mean() + pull
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    found: Numbers = weights.detach().numpy()
    return found


def _saturated(squares: Tensor) -> Tensor:
    lengths = (squares + 1e-8).sqrt()
    relative = lengths / lengths.detach().mean()
    return _standardised(relative / (1 + relative))


def _standardised(x: Tensor) -> Tensor:
    return (x - x.mean()) / (x.std() + 1e-8)
