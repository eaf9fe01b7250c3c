"""The smallest contrast at which a distance passes a criterion."""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Distances = Callable[[Sequence[float]], Array]
"""From contrasts to distances, one each."""

# A fall by less than this share of the way to the criterion is ripple of a phase average.
_RIPPLE = 0.05
# A rise by more than this share of the way within four tolerances is a jump: it would take an
# exponent of contrast beyond 5.
_JUMP = 0.1


@dataclass(frozen=True)
class Crossing:
    """Where a distance passes a criterion.

    Attributes
    ----------
    contrast
        The smallest contrast found; None unless `status` is ``"found"``.
    status
        ``"found"``; ``"above"``: not even the highest contrast passes; ``"below"``: the lowest
        one already does; ``"jump"``: the distance does not grow to the criterion but jumps over
        it, so that it tells nothing of contrast.
    monotone
        Whether the distance never falls as contrast grows. False at contrasts up to the
        threshold is a sign that it drowns in rounding.
    evaluations
        Number of contrasts at which the distance was computed.
    """

    contrast: float | None
    status: str
    monotone: bool
    evaluations: int


def find_crossing(
    distances: Distances,
    criterion: float,
    lowest: float,
    highest: float,
    *,
    steps: int = 10,
    tolerance: float = 0.005,
) -> Crossing:
    """Find the first contrast at which a distance reaches a criterion.

    A ladder of contrasts, evenly spaced in log contrast, is computed at once: it shows whether
    the distance grows with contrast, and brackets the first crossing; Brent's method then closes
    the bracket in log contrast.

    Parameters
    ----------
    distances
        From contrasts to distances.
    criterion
        The distance to be reached.
    lowest, highest
        Range of contrasts.
    steps
        Number of contrasts on the ladder.
    tolerance
        Largest relative error of the contrast.

    Returns
    -------
    Crossing
        The contrast, or why there is none.
    """
    ladder = np.geomspace(lowest, highest, steps)
    # The end of the range may leave it by rounding, which a stimulus refuses.
    ladder[-1] = highest
    values = distances(ladder.tolist())
    passed = values >= criterion
    if passed[0] or not passed.any():
        status = "below" if passed[0] else "above"
        return Crossing(None, status, _rises(values, float(np.ptp(values))), steps)
    first = int(passed.argmax())
    way = criterion - float(values[0])
    monotone = _rises(values[: first + 1], way) and _rises(values, float(np.ptp(values)))
    known = dict(zip(np.log(ladder).tolist(), (values - criterion).tolist(), strict=True))
    low, high = sorted(known)[first - 1 : first + 1]
    root, count = _close(distances, criterion, known, low, high, tolerance)
    around = [math.exp(min(root + k * tolerance, math.log(highest))) for k in (-2, 2)]
    before, after = distances(around)
    if after - before > _JUMP * way:
        return Crossing(None, "jump", monotone, steps + count + 2)
    return Crossing(math.exp(root), "found", monotone, steps + count + 2)


def _rises(values: Array, scale: float) -> bool:
    return bool((np.diff(values) >= -_RIPPLE * scale).all())


def _close(
    distances: Distances,
    criterion: float,
    known: dict[float, float],
    low: float,
    high: float,
    tolerance: float,
) -> tuple[float, int]:
    """Narrow a bracket in log contrast; ends that are known are not computed again."""
    from scipy.optimize import brentq

    before = len(known)

    def gap(log_contrast: float) -> float:
        if log_contrast not in known:
            known[log_contrast] = float(distances([math.exp(log_contrast)])[0]) - criterion
        # On a plateau at the criterion every contrast would be a root: the first one is meant.
        return known[log_contrast] or sys.float_info.min

    return float(brentq(gap, low, high, xtol=tolerance / 2)), len(known) - before
