"""Degradation response as an objective: restored images shall respond as strongly as sharp ones."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from snellen.errors import LossError
from snellen.losses._loss import Loss, Reduction, held
from snellen.losses._response import PixelResponse, TextResponse

Response = Callable[[Tensor], dict[str, Tensor]]


class DegradationResponseLoss(Loss):
    r"""Negative response of restored images to degradations, :math:`-\sum_d \mathrm{DDR}_d(x)`.

    A sharp image changes more when it is blurred than a blurred one does. The loss needs no
    target, and says nothing about what the image shows: use it beside one that compares.

    Parameters
    ----------
    response
        `PixelResponse`, `TextResponse`, or any module that gives a response (N,) by degradation.
    combine
        ``"sum"`` over degradations, as the paper has it, or ``"mean"``, as its code has it.
    weight, reduction
        See `Loss`. The paper's weight is 2 beside the PSNR loss.

    Raises
    ------
    LossError
        There is no such way to combine.

    References
    ----------
    Wu, Ni, Wang, Yang, Zhou, Wang: Deep Degradation Response for Flexible Image Descriptor.
    NeurIPS 2024.

    Examples
    --------
    >>> loss = DegradationResponseLoss(PixelResponse("gabor", degradations=["gaussian-blur@2"]))
    >>> sharp = torch.rand(1, 3, 64, 64)
    >>> bool(loss(sharp) < loss(torch.nn.functional.avg_pool2d(sharp, 5, 1, 2)))
    True
    """

    def __init__(
        self,
        response: PixelResponse | TextResponse | Response,
        *,
        combine: Literal["sum", "mean"] = "sum",
        weight: float = 1.0,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(weight=weight, reduction=reduction)
        if combine not in ("sum", "mean"):
            raise LossError(f"combine must be 'sum' or 'mean'; got {combine!r}.")
        self.response, self.combine = response, combine

    def _check(self, restored: Tensor, target: Tensor | None) -> None:
        super()._check(restored, restored)

    def _per_image(self, x: Tensor, target: Tensor | None) -> Tensor:
        found = torch.stack(list(self.response(held(x)).values()))
        return -(found.sum(0) if self.combine == "sum" else found.mean(0))
