"""Groups of the channels of a layer: by efficacy, as published, and the controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.errors import MetricError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ChannelWeights:
    """Non-negative weights of the channels of a layer, as `save_channel_weights` takes them.

    Parameters
    ----------
    layer
        Name of the layer.
    weights
        (C,), of mean 1.
    """

    layer: str
    weights: Array


def high_group(efficacy: ArrayLike, x: float) -> Mask:
    """Return H-x (Eq. 7): channels at or above the (100 - x)th percentile of efficacy.

    Parameters
    ----------
    efficacy
        (C,).
    x
        Percent, above 0 and below 100.

    Returns
    -------
    numpy.ndarray
        (C,), True for its channels.

    Raises
    ------
    MetricError
        `x` is out of range.

    Examples
    --------
    >>> high_group([0.1, 0.4, 0.2, 0.3], 50).tolist()
    [False, True, False, True]
    """
    values = np.asarray(efficacy, dtype=np.float64)
    return np.asarray(values >= np.percentile(values, 100 - _percent(x)))


def low_group(efficacy: ArrayLike, x: float) -> Mask:
    """Return L-x (Eq. 8): channels at or below the xth percentile of efficacy.

    It may hold more than x percent: all channels of zero efficacy are in it together.

    Parameters
    ----------
    efficacy, x
        As in `high_group`.

    Returns
    -------
    numpy.ndarray
        (C,), True for its channels.

    Raises
    ------
    MetricError
        `x` is out of range.
    """
    values = np.asarray(efficacy, dtype=np.float64)
    return np.asarray(values <= np.percentile(values, _percent(x)))


def top_group(values: ArrayLike, count: int) -> Mask:
    """Return the `count` channels with the largest values (C,); of equal ones the first."""
    order = np.argsort(-np.asarray(values, dtype=np.float64), kind="stable")
    mask = np.zeros(len(order), dtype=np.bool_)
    mask[order[:count]] = True
    return mask


def random_groups(channels: int, count: int, draws: int, seed: Sequence[int]) -> Mask:
    """Draw groups of `count` of the channels without replacement: (draws, channels)."""
    keys = np.random.default_rng([*seed, count]).random((draws, channels))
    return np.asarray(keys.argsort(1).argsort(1) < count)


def group_distances(by_channel: ArrayLike, masks: Mask) -> Array:
    """Return the distance of Eq. 1 of every image on groups of channels.

    Parameters
    ----------
    by_channel
        (N, C), mean squared difference of every channel.
    masks
        (G, C).

    Returns
    -------
    numpy.ndarray
        (N, G), mean over the channels of each group.
    """
    shares = masks / masks.sum(1, keepdims=True)
    return np.asarray(np.asarray(by_channel, dtype=np.float64) @ shares.T)


def efficacy_weights(
    efficacy: Mapping[str, ArrayLike], *, group: str = "soft", x: float = 10
) -> list[ChannelWeights]:
    """Turn efficacy into weights of channels for metrics and losses.

    Parameters
    ----------
    efficacy
        (C,), by layer.
    group
        ``"soft"``: proportional to efficacy, as in the paper's loss; ``"H"`` or ``"L"``: equal in
        that group of channels and zero elsewhere.
    x
        Percent of the group.

    Returns
    -------
    list of ChannelWeights
        One per layer, of mean 1; for `save_channel_weights`, or as
        ``{one.layer: one.weights for one in found}`` for ``create_metric(channel_weights=...)``.

    Raises
    ------
    MetricError
        There is no such group, `x` is out of range, or all of a layer's efficacy is zero.

    Examples
    --------
    >>> efficacy_weights({"fire2": [0.25, 0.75]})[0].weights.tolist()
    [0.5, 1.5]
    """
    return [
        ChannelWeights(layer, _weights(layer, np.asarray(values, dtype=np.float64), group, x))
        for layer, values in efficacy.items()
    ]


def _weights(layer: str, values: Array, group: str, x: float) -> Array:
    if group not in ("soft", "H", "L"):
        raise MetricError(f"group: expected 'soft', 'H' or 'L'; got {group!r}.")
    if not values.max() > 0:
        raise MetricError(
            f"{layer}: no channel has any efficacy, so that there are no weights; examine a layer "
            "after its non-linearity."
        )
    if group == "soft":
        return np.asarray(values / values.mean())
    mask = high_group(values, x) if group == "H" else low_group(values, x)
    return np.asarray(mask / mask.mean())


def _percent(x: float) -> float:
    if not 0 < x < 100:
        raise MetricError(f"x: expected a percentage above 0 and below 100; got {x!r}.")
    return x
