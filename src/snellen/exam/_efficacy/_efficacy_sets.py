"""Agreement with people of the distance on sets of channels, and differences between sets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.agreement import Drawn, RankAgreement
from snellen.exam._efficacy._channel_groups import (
    Mask,
    group_distances,
    high_group,
    low_group,
    random_groups,
    top_group,
)
from snellen.records import Row

Array = NDArray[np.float64]
Key = tuple[str, float | None]

EFFICACY_SETS = (
    "F", "H", "L", "H-normalized", "top-activation", "top-variance", "random", "soft",
)  # fmt: skip
"""Sets of channels in the rows of the efficacy exam; all but F, L and soft have the size of H."""

DIFFERENCES = (
    ("H", "F"),
    ("H", "random"),
    ("H", "top-activation"),
    ("H", "top-variance"),
    ("H", "H-normalized"),
    ("H", "L"),
    ("H-normalized", "F"),
    ("H-normalized", "random"),
    ("top-activation", "F"),
    ("top-activation", "random"),
)
"""Which sets of one x are compared, first minus second; soft weights with F besides."""

_CENTRAL = (0.025, 0.975)
_SAME = 1e-9


@dataclass(frozen=True)
class ChannelEfficacy:
    """The channels of one layer.

    Parameters
    ----------
    layer
        Name of the layer.
    reading
        How responses to gratings were read.
    mu1, mu2, efficacy
        (C,), Tariq et al., Eqs. 2 to 5.
    normalized
        (C,), the same of curves divided by the channel's largest response.
    activation, variance
        (C,), on the references of the dataset.
    """

    layer: str
    reading: str
    mu1: Array
    mu2: Array
    efficacy: Array
    normalized: Array
    activation: Array
    variance: Array

    def rows(self) -> Iterator[Row]:
        """Yield a row per channel."""
        names = ("mu1", "mu2", "efficacy", "normalized", "activation", "variance")
        for c in range(len(self.efficacy)):
            values = {name: float(getattr(self, name)[c]) for name in names}
            yield {"layer": self.layer, "channel": c, "reading": self.reading} | values


@dataclass(frozen=True)
class SetAgreement:
    """Agreement of one set of channels, with its resamples.

    Parameters
    ----------
    channels
        How many there are.
    values
        (G,), SRCC of each of G sets: one, or many random ones.
    resampled
        (G, B), the same for every resample.
    """

    channels: float
    values: Array
    resampled: NDArray[np.floating[Any]]

    @property
    def value(self) -> float:
        """SRCC; the median over random sets."""
        return float(np.median(self.values))

    @cached_property
    def draws(self) -> Array:
        """(B,), the same for every resample."""
        return np.asarray(np.median(self.resampled, axis=0), dtype=np.float64)


def set_agreements(
    layer: ChannelEfficacy,
    by_channel: ArrayLike,
    ranks: RankAgreement,
    x: Sequence[float],
    *,
    draws: int,
    seed: int,
) -> dict[Key, SetAgreement]:
    """Correlate the distance on every set of a layer's channels with human scores.

    Parameters
    ----------
    layer
        Its channels.
    by_channel
        (N, C), mean squared difference of every channel.
    ranks
        Human scores.
    x
        Percent of the groups.
    draws, seed
        Number of random sets of the size of each H-x.

    Returns
    -------
    dict
        By name of the set and x (None where there is none).
    """
    distances = np.asarray(by_channel, dtype=np.float64)
    found: dict[Key, SetAgreement] = {}
    for key, mask in _masks(layer, x).items():
        found[key] = _agreement(mask[None], ranks(group_distances(distances, mask[None])))
    soft = distances @ layer.efficacy
    every = np.ones((1, len(layer.efficacy)), dtype=np.bool_)
    found["soft", None] = _agreement(every, ranks(soft[:, None]))
    own_seed = [seed, crc32(layer.layer.encode())]
    for percent in x:
        count = int(found["H", percent].channels)
        masks = random_groups(len(layer.efficacy), count, draws, own_seed)
        found["random", percent] = _agreement(masks, ranks(group_distances(distances, masks)))
    return found


def _masks(layer: ChannelEfficacy, x: Sequence[float]) -> dict[Key, Mask]:
    masks: dict[Key, Mask] = {("F", None): np.ones(len(layer.efficacy), dtype=np.bool_)}
    for percent in x:
        high = high_group(layer.efficacy, percent)
        count = int(high.sum())
        masks["H", percent] = high
        masks["L", percent] = low_group(layer.efficacy, percent)
        masks["H-normalized", percent] = top_group(layer.normalized, count)
        masks["top-activation", percent] = top_group(layer.activation, count)
        masks["top-variance", percent] = top_group(layer.variance, count)
    return masks


def _agreement(masks: Mask, drawn: Drawn) -> SetAgreement:
    # Hundreds of random sets for every layer and x are kept for the mean over layers.
    kind = np.float32 if len(masks) > 1 else np.float64
    return SetAgreement(float(masks[0].sum()), drawn.values, drawn.draws.astype(kind))


def mean_over_layers(
    layers: Sequence[Mapping[Key, SetAgreement]],
) -> dict[Key, SetAgreement]:
    """Average every set's agreement over layers, set by set and resample by resample."""
    return {
        key: SetAgreement(
            float(np.mean([one[key].channels for one in layers])),
            np.mean([one[key].values for one in layers], axis=0),
            np.mean([one[key].resampled for one in layers], axis=0),
        )
        for key in layers[0]
    }


def agreement_rows(
    layer: str, found: Mapping[Key, SetAgreement], ranks: RankAgreement
) -> Iterator[Row]:
    """Yield a row per set: agreement with its interval, and its place among the random sets."""
    for (name, x), one in sorted(found.items(), key=_place):
        value, low, high = ranks.estimate(one.value, one.draws)
        row: Row = {"layer": layer, "set": name, "x": x, "channels": one.channels}
        row |= {"srcc": value, "srcc_low": low, "srcc_high": high}
        row |= {"spread_low": None, "spread_high": None, "above_random": None}
        if name == "random":
            ends = np.quantile(one.values, _CENTRAL).tolist()
            row |= {"spread_low": ends[0], "spread_high": ends[1]}
        elif x is not None:
            row["above_random"] = _rank_among(one.value, found["random", x].values)
        yield row


def _rank_among(value: float, others: Array) -> float:
    """Share of others below a value, equal ones by halves."""
    above, below = value > others + _SAME, value < others - _SAME
    return float((1 + above.mean() - below.mean()) / 2)


def difference_rows(
    layer: str, found: Mapping[Key, SetAgreement], ranks: RankAgreement
) -> Iterator[Row]:
    """Yield a row per compared pair of sets: paired difference with its interval."""
    for x in dict.fromkeys(percent for _, percent in found if percent is not None):
        for a, b in DIFFERENCES:
            second = found[b, None if b == "F" else x]
            yield _difference(layer, x, (a, b), (found[a, x], second), ranks)
    yield _difference(layer, None, ("soft", "F"), (found["soft", None], found["F", None]), ranks)


def _difference(
    layer: str,
    x: float | None,
    names: tuple[str, str],
    sets: tuple[SetAgreement, SetAgreement],
    ranks: RankAgreement,
) -> Row:
    first, second = sets
    value, low, high = ranks.estimate(first.value - second.value, first.draws - second.draws)
    row: Row = {"layer": layer, "x": x, "first": names[0], "second": names[1]}
    return row | {"difference": value, "low": low, "high": high}


def _place(item: tuple[Key, SetAgreement]) -> tuple[float, int]:
    (name, x), _ = item
    return -1.0 if x is None else x, EFFICACY_SETS.index(name)
