"""Losses of pixels."""

import math

import torch
from torch import Tensor

from snellen.errors import LossError
from snellen.losses._loss import Loss, Reduction, widened


class L1Loss(Loss):
    """Mean absolute difference of every image's values."""

    def _per_image(self, x: Tensor, target: Tensor | None) -> Tensor:
        return _difference(x, target).abs().flatten(1).mean(1)


class L2Loss(Loss):
    """Mean squared difference of every image's values."""

    def _per_image(self, x: Tensor, target: Tensor | None) -> Tensor:
        return _mean_square(x, target)


class CharbonnierLoss(Loss):
    r"""Mean of :math:`\sqrt{d^2 + \epsilon^2}` over the differences d, a smooth L1.

    Parameters
    ----------
    epsilon
        Differences well below it count by their square; values are in [0, 1].
    weight, reduction
        See `Loss`.

    Raises
    ------
    LossError
        `epsilon` is not positive.

    References
    ----------
    Charbonnier, Blanc-Feraud, Aubert, Barlaud: Two Deterministic Half-Quadratic Regularization
    Algorithms for Computed Imaging. ICIP 1994. The default of `epsilon` is that of MPRNet.

    Examples
    --------
    >>> x = torch.zeros(1, 3, 2, 2)
    >>> CharbonnierLoss(epsilon=0.5)(x, x)
    tensor(0.5000)
    """

    def __init__(
        self, epsilon: float = 1e-3, *, weight: float = 1.0, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(weight=weight, reduction=reduction)
        if not epsilon > 0:
            raise LossError(f"epsilon must be positive; got {epsilon!r}.")
        self.epsilon = float(epsilon)

    def _per_image(self, x: Tensor, target: Tensor | None) -> Tensor:
        return (_difference(x, target).square() + self.epsilon**2).sqrt().flatten(1).mean(1)


class PSNRLoss(Loss):
    r"""Negative peak signal-to-noise ratio in dB, :math:`10 \log_{10}(\mathrm{MSE} + 10^{-8})`.

    References
    ----------
    Chen, Chu, Zhang, Sun: Simple Baselines for Image Restoration (NAFNet). ECCV 2022; its code.

    Examples
    --------
    >>> x = torch.zeros(1, 3, 2, 2)
    >>> PSNRLoss()(x + 0.1, x)
    tensor(-20.0000)
    """

    def _per_image(self, x: Tensor, target: Tensor | None) -> Tensor:
        return 10 / math.log(10) * torch.log(_mean_square(x, target) + 1e-8)


def _difference(x: Tensor, target: Tensor | None) -> Tensor:
    assert target is not None
    return x - widened(target)


def _mean_square(x: Tensor, target: Tensor | None) -> Tensor:
    return _difference(x, target).square().flatten(1).mean(1)
