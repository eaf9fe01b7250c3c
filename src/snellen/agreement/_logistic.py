"""The curves that the field fits between metric and human scores before PLCC and RMSE."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import minimum_filter
from scipy.optimize import OptimizeResult, least_squares, minimize
from scipy.special import expit

from snellen.agreement._correlation import paired, pearson
from snellen.errors import AgreementError

Numbers = NDArray[np.float64]

# Steepness per standard deviation of the scores: from hardly bent to a step. Beyond the scores,
# the centre goes as far as this many steepnesses: there the curve is an exponential.
_STEEPNESS = (0.005, 1e5)
_OUTSIDE = 15.0
_GRID_STEEPNESS = np.logspace(-1.5, 2.5, 13)
_GRID_CENTRES = (0.01, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99)


@dataclass(frozen=True)
class LogisticFit:
    """A logistic curve from metric scores to human scores; made by `fit_logistic`.

    Parameters
    ----------
    parameters
        b1, b2, ... of the formula in `fit_logistic`, in the units of the scores.
    rmse, plcc
        Root mean squared error, and Pearson's correlation of the predicted with the human scores.
        The curve may rise or fall, hence this correlation does not tell the direction.
    converged
        Whether the best start ended at a minimum.
    reason
        Why not; or what is odd about the curve, such as a steepness at its bound. Empty otherwise.
    monotone
        Whether the curve only rises or only falls over the scores it was fitted to. The one with
        five parameters need not; then it changes the order of images, and RMSE flatters.
    """

    parameters: tuple[float, ...]
    rmse: float
    plcc: float
    converged: bool
    reason: str
    monotone: bool

    def predict(self, scores: ArrayLike) -> Numbers:
        """Return the human scores that the curve gives for metric scores."""
        x = np.asarray(scores, dtype=np.float64)
        if len(self.parameters) == 4:
            top, bottom, centre, width = self.parameters
            return np.asarray((top - bottom) * expit((x - centre) / abs(width)) + bottom)
        amplitude, steepness, centre, slope, offset = self.parameters
        return np.asarray(amplitude * (expit(steepness * (x - centre)) - 0.5) + slope * x + offset)


def fit_logistic(
    scores: ArrayLike, mos: ArrayLike, *, parameters: Literal[4, 5] = 5
) -> LogisticFit:
    r"""Fit a logistic curve by least squares.

    Parameters
    ----------
    scores
        One number per image, from a metric.
    mos
        One number per image, from people, in either direction.
    parameters
        4: the VQEG curve [1]_,

        .. math:: f(x) = \frac{b_1 - b_2}{1 + e^{-(x - b_3) / |b_4|}} + b_2

        5: the curve of Sheikh et al. [2]_, which need not be monotone,

        .. math:: f(x) = b_1 \left(\frac12 - \frac{1}{1 + e^{b_2 (x - b_3)}}\right) + b_4 x + b_5

    Returns
    -------
    LogisticFit
        The curve, its errors, and whether the optimiser converged.

    Raises
    ------
    AgreementError
        Fewer images than parameters plus one, scores or human scores that are all equal, or values
        that are not finite.

    Notes
    -----
    Both curves are linear in all but steepness and centre, so only these two are searched, on
    standardised scores; the others are solved exactly at each step (variable projection [3]_).
    Every local minimum of a grid of 117 starts is refined, and so are the starts of the literature
    (b3 at the mean; b4 a quarter of the standard deviation [1]_, b2 one over it [2]_). Steepness is
    kept between 0.005 and 1e5 per standard deviation, and the centre within 15 over the steepness
    of the scores. Where the literature reports a worse fit, its optimiser ended elsewhere.

    References
    ----------
    .. [1] VQEG, Final report on the validation of objective models of video quality assessment,
       phase II, 2003.
    .. [2] Sheikh, Sabir, Bovik, A statistical evaluation of recent full reference image quality
       assessment algorithms, IEEE TIP 15(11), 2006.
    .. [3] Golub, Pereyra, SIAM Journal on Numerical Analysis 10(2), 1973.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0, 1, 50)
    >>> fit = fit_logistic(x, 8 / (1 + np.exp(-(x - 0.4) / 0.1)) + 1, parameters=4)
    >>> np.round(fit.parameters, 6).tolist()
    [9.0, 1.0, 0.4, 0.1]
    """
    if parameters not in (4, 5):
        raise AgreementError(f"The curves have 4 or 5 parameters, not {parameters}.")
    x, y = paired(scores, mos)
    if len(x) <= parameters:
        raise AgreementError(f"{len(x)} images are too few to fit {parameters} parameters.")
    for name, values in (("scores", x), ("mos", y)):
        if np.ptp(values) == 0:
            raise AgreementError(f"All {name} are {values[0]}: no curve can be fitted.")
    z, t = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    refined = [_refine(start, z, t, parameters) for start in _starts(z, t, parameters)]
    best = _finish(min(refined, key=_cost), z, t, parameters)
    steepness, centre = _shape(best.x, z)
    columns = _columns(steepness, centre, z, parameters)
    norms = np.linalg.norm(columns, axis=1)
    norms[norms == 0] = 1.0
    linear = np.linalg.lstsq((columns / norms[:, None]).T, t, rcond=None)[0] / norms
    found = _unscaled(steepness, centre, linear, x, y)
    curve = LogisticFit(found, 0.0, 0.0, bool(best.status > 0), "", True)
    predicted = curve.predict(x)
    return LogisticFit(
        parameters=found,
        rmse=float(np.sqrt(np.mean((predicted - y) ** 2))),
        plcc=pearson(predicted, y),
        converged=bool(best.status > 0),
        reason=_reason(best, steepness),
        monotone=_is_monotone(steepness, centre, linear, z),
    )


def _shape(p: Numbers, z: Numbers) -> tuple[float, float]:
    """Steepness and centre; outside of the scores the centre is counted in units of the bend."""
    steepness = float(np.exp(p[0]))
    edge = float(np.clip(p[1], z.min(), z.max()))
    return steepness, edge + (float(p[1]) - edge) / steepness


def _columns(steepness: float, centre: float, z: Numbers, parameters: int) -> Numbers:
    bent = expit(steepness * (z - centre))
    return np.stack(
        [bent, np.ones_like(z)] if parameters == 4 else [bent - 0.5, z, np.ones_like(z)]
    )


def _project(p: Numbers, z: Numbers, t: Numbers, parameters: int) -> tuple[Numbers, Numbers]:
    """Residuals after the best linear coefficients, and their Jacobian (Kaufman's form)."""
    steepness, centre = _shape(p, z)
    columns = _columns(steepness, centre, z, parameters)
    norms = np.linalg.norm(columns, axis=1)
    norms[norms == 0] = 1.0
    basis, triangle = np.linalg.qr((columns / norms[:, None]).T)
    projected = basis.T @ t
    amplitude = np.linalg.lstsq(triangle, projected, rcond=None)[0][0] / norms[0]
    outside = float(p[1] - np.clip(p[1], z.min(), z.max()))
    moved = 1 / steepness if outside else 1.0
    bend = expit(steepness * (z - centre)) * expit(-steepness * (z - centre)) * steepness
    along = np.stack([(z - centre + outside / steepness) * bend, -moved * bend]) * amplitude
    return basis @ projected - t, (along - (along @ basis) @ basis.T).T


def _starts(z: Numbers, t: Numbers, parameters: int) -> list[Numbers]:
    """Local minima of a grid, and the published start."""
    centres = np.quantile(z, _GRID_CENTRES)
    grid = np.array([[(np.log(k), c) for c in centres] for k in _GRID_STEEPNESS])
    errors = np.array(
        [[np.sum(_project(p, z, t, parameters)[0] ** 2) for p in row] for row in grid]
    )
    lowest = errors <= minimum_filter(errors, size=3, mode="nearest")
    published = np.array([np.log(4.0 if parameters == 4 else 1.0), 0.0])
    return [*grid[lowest], published]


def _refine(start: Numbers, z: Numbers, t: Numbers, parameters: int) -> OptimizeResult:
    return least_squares(
        lambda p: _project(p, z, t, parameters)[0],
        start,
        jac=lambda p: _project(p, z, t, parameters)[1],
        bounds=_bounds(z),
        xtol=1e-10,
        ftol=1e-12,
        gtol=1e-10,
        max_nfev=60,
    )


def _finish(best: OptimizeResult, z: Numbers, t: Numbers, parameters: int) -> OptimizeResult:
    """Where a steep curve makes the error jagged, gradients creep: go on without them."""
    if best.status > 0:
        return best
    found = minimize(
        lambda p: 0.5 * float(np.sum(_project(p, z, t, parameters)[0] ** 2)),
        best.x,
        method="Nelder-Mead",
        bounds=list(zip(*_bounds(z), strict=True)),
        options={"xatol": 1e-7, "fatol": 1e-10 * best.cost, "maxfev": 2000},
    )
    return OptimizeResult(x=found.x, status=int(found.success), message=found.message)


def _bounds(z: Numbers) -> tuple[Numbers, Numbers]:
    low = np.array([np.log(_STEEPNESS[0]), z.min() - _OUTSIDE])
    high = np.array([np.log(_STEEPNESS[1]), z.max() + _OUTSIDE])
    return low, high


def _cost(result: OptimizeResult) -> float:
    return float(result.cost)


def _unscaled(
    steepness: float, centre: float, linear: Numbers, x: Numbers, y: Numbers
) -> tuple[float, ...]:
    """Parameters for the scores as they came, from those for standardised ones."""
    mean, scale, unit = x.mean(), x.std(), y.std()
    middle = mean + scale * centre
    if len(linear) == 2:
        top, bottom = (linear.sum() * unit + y.mean(), linear[1] * unit + y.mean())
        return float(top), float(bottom), float(middle), float(scale / steepness)
    slope = linear[1] * unit / scale
    offset = linear[2] * unit + y.mean() - slope * mean
    amplitude = linear[0] * unit
    return tuple(map(float, (amplitude, steepness / scale, middle, slope, offset)))


def _is_monotone(steepness: float, centre: float, linear: Numbers, z: Numbers) -> bool:
    """Tell the signs of the slope where it is extreme: at both ends and nearest to the centre."""
    if len(linear) == 2:
        return True
    places = np.array([z.min(), z.max(), np.clip(centre, z.min(), z.max())])
    bent = expit(steepness * (places - centre))
    slopes = linear[0] * steepness * bent * (1 - bent) + linear[1]
    return bool(np.all(slopes >= 0) or np.all(slopes <= 0))


def _reason(best: OptimizeResult, steepness: float) -> str:
    if best.status <= 0:
        return f"the optimiser stopped before a minimum: {best.message}"
    if steepness > 0.99 * _STEEPNESS[1]:
        return "the curve is a step: steepness is at its upper bound"
    if steepness < 1.01 * _STEEPNESS[0]:
        return "the curve is hardly bent: steepness is at its lower bound"
    return ""
