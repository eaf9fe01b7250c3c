"""Which channels of a layer matter to people: non-negative weights fitted to human scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from snellen.agreement import srcc
from snellen.backbones import Backbone
from snellen.datasets import Dataset
from snellen.errors import DatasetError, MetricError
from snellen.exam._agreement._responses import respond
from snellen.exam._exam_run import ExamRun
from snellen.metrics import Protocol

Numbers = NDArray[np.float64]
Rows = NDArray[np.intp]

PENALTIES = (10.0, 1.0, 0.1, 0.01, 0.001)
"""Strengths of the pull towards uniform weights that the inner split chooses from."""


@dataclass(frozen=True)
class Split:
    """One division of the references, and the agreement on those held out.

    Parameters
    ----------
    seed
        Of the division.
    train, test
        Contents.
    penalty
        Pull towards uniform weights, chosen among the training contents.
    uniform, weighted
        SRCC on the test contents with equal weights, and with those fitted on the training
        contents.
    """

    seed: int
    train: tuple[str, ...]
    test: tuple[str, ...]
    penalty: float
    uniform: float
    weighted: float


@dataclass(frozen=True)
class Relevance:
    """Weights of the channels of a layer, and what they are worth; made by `relevance`.

    Parameters
    ----------
    layer
        Name of the layer.
    weights
        (C,), non-negative, of mean 1; fitted on all contents with the median penalty of the
        splits. Agreement on the same images is not held out.
    splits
        Held-out agreement.
    facts
        Network, dataset and protocol.
    """

    layer: str
    weights: Numbers
    splits: tuple[Split, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def interval(self, what: str) -> tuple[float, float, float]:
        """Mean, 2.5 % and 97.5 % quantiles over splits.

        Parameters
        ----------
        what
            ``"uniform"``, ``"weighted"``, or ``"gain"``, the second minus the first.
        """
        values = [
            one.weighted - one.uniform if what == "gain" else getattr(one, what)
            for one in self.splits
        ]
        low, high = np.quantile(values, [0.025, 0.975])
        return float(np.mean(values)), float(low), float(high)

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per split."""
        return [
            {
                "layer": self.layer,
                "seed": one.seed,
                "penalty": one.penalty,
                "srcc_uniform": one.uniform,
                "srcc_weighted": one.weighted,
                "train": " ".join(one.train),
                "test": " ".join(one.test),
            }
            for one in self.splits
        ]

    def summary(self) -> str:
        """Say the held-out agreement in one line."""
        parts = (
            f"{what} {mean:+.3f} [{low:+.3f}, {high:+.3f}]"
            for what in ("uniform", "weighted", "gain")
            for mean, low, high in [self.interval(what)]
        )
        return f"{self.layer}: held-out SRCC {', '.join(parts)} over {len(self.splits)} splits"

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same weights again, as plain values."""
        return {**self.facts, "layer": self.layer, "seeds": [one.seed for one in self.splits]}


def relevance(
    backbone: Backbone,
    layers: str | Sequence[str],
    dataset: Dataset,
    *,
    resize: str = "native",
    seeds: Sequence[int] = range(10),
    test_share: float = 1 / 3,
    penalties: Sequence[float] = PENALTIES,
    checkpoint: str | Path | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] | None = None,
) -> list[Relevance]:
    r"""Fit non-negative weights of the channels of layers to human scores, and hold them out.

    Parameters
    ----------
    backbone, layers, dataset
        Network, its layers (each is fitted by itself), and images with human scores.
    resize
        Rule of the protocol.
    seeds
        One division of the references into training and test contents for each.
    test_share
        Share of the contents that is held out.
    penalties
        Strengths of the pull towards uniform weights to choose from.
    checkpoint, device, progress
        See `snellen.exam.layers`.

    Returns
    -------
    list of Relevance
        One per layer.

    Raises
    ------
    DatasetError
        There are fewer than four reference contents.
    MetricError
        An option makes no sense.

    Notes
    -----
    With :math:`D_{ic}` the mean squared difference of channel c, scaled by its mean over training
    images and channels, and :math:`d_i = \sqrt{\sum_c w_c D_{ic}}`, L-BFGS-B minimises

    .. math:: 1 - r(d, -s) + \lambda \, \mathrm{mean}_c (w_c - 1)^2, \quad w \ge 0

    over the training images, with r Pearson's raw correlation and s the human score. The penalty
    is the one with the best SRCC on a third of the training contents, fitted on the others. What
    is reported is SRCC on contents that took part in neither. This is our procedure: that of
    Hernandez-Camara et al. is not known to us in detail.
    """
    names = [layers] if isinstance(layers, str) else list(layers)
    _check(dataset, seeds, test_share, penalties)
    responses = respond(
        backbone,
        dataset,
        names,
        {},
        protocol=Protocol(resize),
        by_channel=True,
        run=ExamRun(checkpoint, device, progress),
    )
    facts = {
        "exam": "relevance",
        "backbone": backbone.manifest(),
        "dataset": dataset.name,
        "protocol": Protocol(resize).manifest(),
        "penalties": list(penalties),
        "test_share": test_share,
    }
    quality = dataset.score if dataset.higher_better else -dataset.score
    return [
        fit_relevance(
            name,
            responses.channels[name].astype(np.float64),
            quality,
            dataset.content,
            seeds=seeds,
            test_share=test_share,
            penalties=penalties,
            facts=facts,
        )
        for name in names
    ]


def _check(
    dataset: Dataset, seeds: Sequence[int], test_share: float, penalties: Sequence[float]
) -> None:
    contents = len(np.unique(dataset.content))
    if contents < 4:
        raise DatasetError(
            f"{dataset.name} has {contents} reference contents; splits for training, choice and "
            "test take at least 4."
        )
    if not 0 < test_share < 1 or not len(seeds) or not penalties or min(penalties) < 0:
        raise MetricError(
            "relevance: expected 0 < test_share < 1, at least one seed and penalties >= 0; got "
            f"{test_share}, {len(seeds)} seeds and {tuple(penalties)}."
        )


def fit_relevance(
    layer: str,
    channels: Numbers,
    quality: Numbers,
    contents: NDArray[np.str_],
    *,
    seeds: Sequence[int],
    test_share: float = 1 / 3,
    penalties: Sequence[float] = PENALTIES,
    facts: Mapping[str, Any] | None = None,
) -> Relevance:
    """Fit and hold out weights from distances by channel, (N, C); see `relevance`."""
    splits = tuple(
        _split(channels, quality, contents, seed, test_share, penalties) for seed in seeds
    )
    penalty = float(np.median([one.penalty for one in splits]))
    weights = fit_weights(channels, quality, penalty)
    return Relevance(layer, weights, splits, facts or {})


def _split(
    channels: Numbers,
    quality: Numbers,
    contents: NDArray[np.str_],
    seed: int,
    test_share: float,
    penalties: Sequence[float],
) -> Split:
    rng = np.random.default_rng(seed)
    train, test = divide(contents, test_share, rng)
    inner, choice = divide(contents[train], 1 / 3, rng)

    def agreement_of(penalty: float) -> float:
        weights = fit_weights(channels[train][inner], quality[train][inner], penalty)
        return _srcc(channels[train][choice] @ weights, quality[train][choice])

    best = max(penalties, key=agreement_of) if len(penalties) > 1 else penalties[0]
    weights = fit_weights(channels[train], quality[train], best)
    return Split(
        seed,
        tuple(np.unique(contents[train]).tolist()),
        tuple(np.unique(contents[test]).tolist()),
        best,
        _srcc(channels[test].sum(1), quality[test]),
        _srcc(channels[test] @ weights, quality[test]),
    )


def divide(contents: NDArray[np.str_], share: float, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Divide images by content: positions of those kept, and of a share held out."""
    names = rng.permutation(np.unique(contents))
    count = min(max(1, round(share * len(names))), len(names) - 1)
    held = np.isin(contents, names[:count])
    return np.flatnonzero(~held), np.flatnonzero(held)


def _srcc(distances: Numbers, quality: Numbers) -> float:
    return float(np.nan_to_num(srcc(distances, quality, lower_better=True), nan=-1.0))


def fit_weights(channels: Numbers, quality: Numbers, penalty: float) -> Numbers:
    """Return weights (C,) of mean 1 that minimise the loss of `relevance`."""
    scale = channels.mean()
    if scale == 0:
        return np.ones(channels.shape[1])
    x = channels / scale / channels.shape[1]
    y = -(quality - quality.mean())
    y = y / np.linalg.norm(y)

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        distances = np.sqrt(x @ weights + 1e-12)
        centered = distances - distances.mean()
        length = np.linalg.norm(centered) + 1e-12
        r = float(centered @ y / length)
        slope = (y - r * centered / length) / length
        slope = (slope - slope.mean()) / (2 * distances)
        pull = weights - 1
        value = 1 - r + penalty * float(np.mean(pull**2))
        return value, -(x.T @ slope) + 2 * penalty * pull / len(weights)

    start = np.ones(x.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start))
    weights = np.asarray(found.x, dtype=np.float64)
    return weights / weights.mean() if weights.sum() > 0 else start
