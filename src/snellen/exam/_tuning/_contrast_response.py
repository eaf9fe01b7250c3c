"""How responses grow with contrast."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from snellen.exam._tuning._tuning_measures import Array, crossing

_EXPONENTS = (0.25, 8.0)
_ZOOMS = 12


@dataclass(frozen=True)
class ContrastResponse:
    r"""Fit of :math:`R\,c^n / (c^n + c_{50}^n)` to responses over contrast.

    Parameters
    ----------
    largest
        (C,), R.
    exponent
        (C,), n, 0.25 to 8.
    c50
        (C,), contrast of half of R; NaN where it lies above the highest contrast shown, as in
        channels that grow without end.
    half
        (C,), contrast at which the response is half of that at the highest contrast, read off the
        samples without a model.
    explained
        (C,), share of the sum of squares that the fit explains.
    """

    largest: Array
    exponent: Array
    c50: Array
    half: Array
    explained: Array


def fit_contrast_response(responses: ArrayLike, contrasts: ArrayLike) -> ContrastResponse:
    """Fit the hyperbolic ratio function to responses over contrast.

    For every exponent and c50 the best R has a closed form; a grid over both is searched, and
    searched again more finely around its best point.

    Parameters
    ----------
    responses
        (C, K); a channel that does not respond above zero at the highest contrast has no fit.
    contrasts
        (K,), growing, above 0.

    Returns
    -------
    ContrastResponse
        NaN without a fit.

    References
    ----------
    .. [1] D. G. Albrecht and D. B. Hamilton, "Striate cortex of monkey and cat: contrast response
       function", Journal of Neurophysiology 48(1), 1982.
    """
    r, c = np.asarray(responses, dtype=np.float64), np.asarray(contrasts, dtype=np.float64)
    shown = r[:, -1] > 0
    rows = np.where(shown[:, None], r, 1)
    low, high = np.log(c[0] / 4), np.log(c[-1] * 16)
    n, s = np.full(len(r), 1.5), np.full(len(r), (low + high) / 2)
    step_n, step_s = 1.25, (high - low) / 2
    grid = np.linspace(-1, 1, 15)
    for _ in range(_ZOOMS):
        tried_n = (n[:, None] * np.exp(step_n * grid)).clip(*_EXPONENTS)
        tried_s = (s[:, None] + step_s * grid).clip(low, high)
        n, s = _best(rows, c, tried_n, tried_s)
        step_n, step_s = step_n * 0.6, step_s * 0.6
    basis = _saturating(c, n[:, None], s[:, None])
    largest = (basis * rows).sum(1) / (basis**2).sum(1)
    left = ((rows - largest[:, None] * basis) ** 2).sum(1)
    c50 = np.where(np.exp(s) <= c[-1], np.exp(s), np.nan)
    found = (largest, n, c50, _half_contrast(rows, c), 1 - left / (rows**2).sum(1))
    return ContrastResponse(*(np.where(shown, one, np.nan) for one in found))


def _saturating(c: Array, n: Array, log_c50: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(n * (log_c50 - np.log(c)))))


def _best(rows: Array, c: Array, n: Array, s: Array) -> tuple[Array, Array]:
    """Pick, for every row, the exponent and log c50 whose best multiple leaves least."""
    basis = _saturating(c, n[:, :, None, None], s[:, None, :, None])
    gain = np.einsum("cijk,ck->cij", basis, rows) ** 2 / (basis**2).sum(-1)
    flat = gain.reshape(len(rows), -1).argmax(1)
    i, j = np.unravel_index(flat, gain.shape[1:])
    each = np.arange(len(rows))
    return n[each, i], s[each, j]


def _half_contrast(rows: Array, c: Array) -> Array:
    share = rows / rows[:, -1:]
    x = np.insert(c, 0, 0.0)
    y = np.insert(share, 0, 0.0, axis=1)
    above = y >= 0.5
    i = above.argmax(1)
    return crossing(x, y, i - 1, i, np.full(len(rows), 0.5))
