"""Several losses added, each of them reported."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from snellen.errors import LossError


class WeightedSum(nn.Module):
    """Sum of losses times their weights.

    Parameters
    ----------
    losses
        Loss, or loss and weight, by name. Any module that takes restored and target will do.

    Attributes
    ----------
    terms : dict of str to Tensor
        What every loss gave in the last call, before the weight of the sum, detached.

    Raises
    ------
    LossError
        There is no loss, or a weight is not finite.

    Examples
    --------
    >>> from snellen.losses import L1Loss, L2Loss
    >>> loss = WeightedSum({"l1": L1Loss(), "l2": (L2Loss(), 10)})
    >>> float(loss(torch.full((1, 3, 4, 4), 0.5), torch.zeros(1, 3, 4, 4)))
    3.0
    >>> {name: float(value) for name, value in loss.terms.items()}
    {'l1': 0.5, 'l2': 0.25}
    """

    def __init__(self, losses: Mapping[str, nn.Module | tuple[nn.Module, float]]) -> None:
        super().__init__()
        pairs = {k: v if isinstance(v, tuple) else (v, 1.0) for k, v in losses.items()}
        if not pairs or not all(abs(weight) < float("inf") for _, weight in pairs.values()):
            raise LossError(f"expected losses with finite weights by name; got {dict(losses)}.")
        # A name may hold what the name of a module may not, such as a dot.
        self.losses = nn.ModuleList([loss for loss, _ in pairs.values()])
        self.weights = {name: float(weight) for name, (_, weight) in pairs.items()}
        self.terms: dict[str, Tensor] = {}

    def forward(self, restored: Tensor, target: Tensor) -> Tensor:
        """Compute the sum; see `Loss.forward`."""
        values = [loss(restored, target) for loss in self.losses]
        self.terms = {n: v.detach() for n, v in zip(self.weights, values, strict=True)}
        scaled = [w * v for w, v in zip(self.weights.values(), values, strict=True)]
        return torch.stack(scaled).sum(0)
