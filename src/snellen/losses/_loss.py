"""What every loss is to its user."""

from abc import abstractmethod
from typing import Any, Literal

import torch
from torch import Tensor, nn

from snellen.errors import LossError

Reduction = Literal["none", "mean", "sum"]


class Loss(nn.Module):
    """How far restored images are from their targets, to be made small.

    Computed in float32 (float64 for such images), also under autocast: half precision would
    round away what is left of the error of a nearly trained network.

    Parameters
    ----------
    weight
        Factor of the loss.
    reduction
        ``"none"``: one number per image; ``"mean"`` or ``"sum"`` over the batch.

    Raises
    ------
    LossError
        There is no such reduction, or the weight is not finite.
    """

    def __init__(self, *, weight: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__()
        if reduction not in ("none", "mean", "sum"):
            raise LossError(f"reduction must be 'none', 'mean' or 'sum'; got {reduction!r}.")
        if not isinstance(weight, int | float) or not abs(weight) < float("inf"):
            raise LossError(f"weight must be a finite number; got {weight!r}.")
        self.weight, self.reduction = float(weight), reduction

    def forward(self, restored: Tensor, target: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        restored
            Image batch (N, 3, H, W). Values beyond [0, 1], which networks give, are allowed.
        target
            Image batch (N, 3, H, W), or one image for all; only a loss that compares with
            nothing does without.

        Returns
        -------
        Tensor
            A scalar, or (N,) if `reduction` says so.

        Raises
        ------
        LossError
            The two do not fit each other, or hold no floating-point numbers.
        """
        self._check(restored, target)
        with torch.autocast(restored.device.type, enabled=False):
            values = self._per_image(widened(restored), target)
        if self.reduction != "none":
            values = values.mean() if self.reduction == "mean" else values.sum()
        return self.weight * values

    def _check(self, restored: Tensor, target: Tensor | None) -> None:
        if target is None:
            raise LossError(f"{type(self).__name__} compares with a target; got none.")
        for name, batch in (("restored", restored), ("target", target)):
            if batch.ndim != 4 or not batch.is_floating_point():
                raise LossError(
                    f"{name}: expected floats of shape (N, C, H, W), got {tuple(batch.shape)} of "
                    f"{batch.dtype}."
                )
        if restored.shape[1:] != target.shape[1:] or len(target) not in (1, len(restored)):
            raise LossError(
                f"restored is {tuple(restored.shape)}, target is {tuple(target.shape)}: expected "
                "one shape, or a single target image for all."
            )

    @abstractmethod
    def _per_image(self, x: Tensor, target: Tensor | None) -> Tensor:
        """Compute (N,) of restored images in float32 or float64, and the target as it came."""

    def extra_repr(self) -> str:
        """Return the weight and the reduction."""
        return f"weight={self.weight:g}, reduction={self.reduction!r}"


def widened(x: Tensor) -> Tensor:
    """Return half-precision values as float32."""
    return x if x.dtype == torch.float64 else x.float()


def held(x: Tensor) -> Tensor:
    """Bring values to [0, 1], where networks are defined; gradients pass as if nothing was done.

    Cut off, a pixel that overshoots would have no gradient, and never come back.
    """
    result: Tensor = _Held.apply(x)
    return result


def with_finite_gradient(x: Tensor) -> Tensor:
    """Return the same values; a gradient that is not a number, or infinite, becomes 0."""
    result: Tensor = _FiniteGradient.apply(x)
    return result


class _Held(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class _FiniteGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.nan_to_num(0.0, 0.0, 0.0)
