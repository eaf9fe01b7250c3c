"""Sharpness by the cumulative probability of blur detection (Narvekar and Karam 2011).

An edge of width w is seen as blurred with probability 1 - exp(-(w / w_jnb)^3.6), where the width
that is just noticed is 5 pixels in blocks of low contrast and 3 in others. Sharpness is the share
of edges for which that is at most 63 %, which it is at w = w_jnb.

The authors look at blocks with enough edges of a Canny detector; here these are the Sobel edges
whose widths are measured anyway.
"""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

BLOCK = 64
"""Side of a block in pixels."""

_LEAST_EDGES = 0.002  # of the pixels of a block that is looked at
_LOW_CONTRAST = 50
_WIDTHS = 5, 3
_BETA = 3.6
_SEEN = 63
_FURTHEST = 100


def cpbd(grey: Numbers) -> float:
    """Measure the sharpness of one image.

    Parameters
    ----------
    grey
        Grey levels (H, W) of 0 to 255.

    Returns
    -------
    float
        From 0 to 1, 1 = no edge looks blurred. Blocks without edges do not count; 0 where no
        block has any.
    """
    edges = sobel_edges(grey)
    widths = edge_widths(grey, edges)
    percent = [
        _percent(grey[block], widths[block])
        for block in _blocks(grey.shape)
        if np.count_nonzero(edges[block]) > _LEAST_EDGES * BLOCK * BLOCK
    ]
    counted = np.concatenate(percent) if percent else np.empty(0)
    return float(np.mean(counted <= _SEEN)) if len(counted) else 0.0


def _blocks(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    rows, columns = (range(0, side - BLOCK + 1, BLOCK) for side in shape)
    return [(slice(i, i + BLOCK), slice(j, j + BLOCK)) for i in rows for j in columns]


def _percent(grey: Numbers, widths: Numbers) -> Numbers:
    """Return the probability of seeing the blur of each edge of a block, in whole per cent."""
    noticed = _WIDTHS[int(grey.max() - grey.min()) > _LOW_CONTRAST]
    seen = 1 - np.exp(-((widths[widths > 0] / noticed) ** _BETA))
    return np.asarray(np.round(100 * seen))


def sobel_edges(grey: Numbers) -> Flags:
    """Find vertical edges: strong horizontal gradients, thinned to local maxima.

    A gradient is strong whose square exceeds twice the root of the mean square, which is the rule
    of Octave's `edge`, in grey levels.
    """
    padded = np.pad(grey, 1, mode="symmetric")
    across = padded[:, :-2] - padded[:, 2:]
    strength = ((across[:-2] + 2 * across[1:-1] + across[2:]) / 8) ** 2
    strength = np.where(strength > 2 * np.sqrt(strength.mean()), strength, 0.0)
    framed = np.pad(strength, 1)
    left, right = framed[1:-1, :-2], framed[1:-1, 2:]
    above, below = framed[:-2, 1:-1], framed[2:, 1:-1]
    peaks = (strength > left) & (strength > right) | (strength > above) & (strength > below)
    return np.asarray(peaks)


def edge_widths(grey: Numbers, edges: Flags) -> Numbers:
    """Measure vertical edges along rows, from the extremum before to the one after them.

    Returns
    -------
    NDArray
        (H, W), pixels, by the method of Marziliano et al. (ICIP 2002); 0 where there is no edge,
        or where the gradient is not within 22.5 degrees of horizontal.
    """
    down, along = np.gradient(grey)
    angle = np.round(np.degrees(np.arctan2(down, along)) / 45)
    rises, falls = (angle == 0) & (along != 0), np.abs(angle) == 4
    widths = np.where(rises, _width(grey), np.where(falls, _width(-grey), 0.0))
    inner = np.zeros_like(edges)
    inner[1:-1, 1:-1] = edges[1:-1, 1:-1]
    return np.where(inner, widths, 0.0)


def _width(grey: Numbers) -> Numbers:
    """Count how far grey keeps rising to the left and to the right of every pixel."""
    rising = np.zeros(grey.shape, dtype=bool)
    rising[:, 1:] = grey[:, 1:] > grey[:, :-1]
    before = np.minimum(_run(rising), _FURTHEST)
    after = np.minimum(_run(rising[:, ::-1])[:, ::-1], _FURTHEST)
    width = np.full(grey.shape, 2.0)
    width[:, 1:] += before[:, :-1]
    width[:, :-2] += after[:, 2:]
    return width


def _run(flags: Flags) -> Numbers:
    """Count, for every position, the flags in a row that end there."""
    place = np.arange(flags.shape[1])
    last = np.maximum.accumulate(np.where(flags, -1, place), axis=1)
    return np.asarray(place - last, dtype=np.float64)
