"""What is kept of a layer when its positions are given up: one or two numbers a channel.

Channels differ in scale by orders of magnitude, and distances of their means would be those of the
few largest. A compressive transform makes changes of all of them comparable without statistics of
any data.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from snellen.errors import MetricError
from snellen.metrics._precision import finest

POOLINGS = ("mean", "mean-std", "std")
"""Statistics of a channel that a descriptor may hold."""

TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "sqrt": lambda x: x.sign() * _root(x.abs()),
    "log": lambda x: x.sign() * (x.abs() / LOG_FLOOR).log1p(),
}
"""Odd functions of a pooled feature, so that signed features keep their sign."""

LOG_FLOOR = 1e-2
"""Where ``"log"`` turns from linear to logarithmic, in the features' own units."""


@dataclass(frozen=True)
class Pooling:
    """Features of a layer -> numbers that hold no positions.

    Parameters
    ----------
    statistics
        ``"mean"``: of every channel over positions; ``"std"``: standard deviation; ``"mean-std"``:
        both.
    transform
        ``"none"``, ``"sqrt"`` or ``"log"``: sign(x) log(1 + |x| / 0.01).

    Raises
    ------
    MetricError
        There is no such statistic or transform.

    Examples
    --------
    >>> Pooling("mean-std", "none")(torch.tensor([[[[1.0, 3.0]]]]))
    tensor([[2., 1.]], dtype=torch.float64)
    """

    statistics: str = "mean-std"
    transform: str = "sqrt"

    def __post_init__(self) -> None:
        for option, value, known in (
            ("pooling", self.statistics, POOLINGS),
            ("transform", self.transform, tuple(TRANSFORMS)),
        ):
            if value not in known:
                raise MetricError(f"{option} must be one of {', '.join(known)}; got {value!r}.")

    @property
    def per_channel(self) -> int:
        """Numbers that are kept of every channel."""
        return 2 if self.statistics == "mean-std" else 1

    def __call__(self, features: Tensor) -> Tensor:
        """Pool features (N, C, h, w) to (N, C) or, means before deviations, (N, 2C)."""
        maps = features.flatten(2).to(finest(features))
        mean = maps.mean(2)
        kept = [mean] if "mean" in self.statistics else []
        if "std" in self.statistics:
            kept.append(_root((maps - mean[:, :, None]).square().mean(2)))
        return TRANSFORMS[self.transform](torch.cat(kept, 1))

    def manifest(self) -> dict[str, Any]:
        """Return the pooling as plain values."""
        return asdict(self)


def _root(x: Tensor) -> Tensor:
    """Square root whose gradient at 0 is 0 instead of infinity."""
    positive = x > 0
    return torch.where(positive, torch.where(positive, x, 1).sqrt(), 0)
