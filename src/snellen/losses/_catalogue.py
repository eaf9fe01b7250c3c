"""Losses by name, as configuration files name them."""

from collections.abc import Callable, Mapping
from typing import Any

from snellen.errors import LossError, MetricError
from snellen.losses._contextual import ContextualLoss
from snellen.losses._degradation import DegradationResponseLoss
from snellen.losses._feature import FeatureLoss
from snellen.losses._loss import Loss
from snellen.losses._pixels import CharbonnierLoss, L1Loss, L2Loss, PSNRLoss
from snellen.losses._response import PixelResponse
from snellen.metrics import find_row, list_metrics

_COMMON = ("weight", "reduction")


def _degradation_response(**options: Any) -> DegradationResponseLoss:
    own = {k: options.pop(k) for k in (*_COMMON, "combine") if k in options}
    return DegradationResponseLoss(PixelResponse(**options), **own)


_LOSSES: Mapping[str, Callable[..., Loss]] = {
    "l1": L1Loss,
    "l2": L2Loss,
    "charbonnier": CharbonnierLoss,
    "psnr": PSNRLoss,
    "contextual": ContextualLoss,
    "degradation-response": _degradation_response,
}


def create_loss(name: str, **options: Any) -> Loss:
    """Make a loss by name.

    Parameters
    ----------
    name
        One of `list_losses`: a loss of its own, or a full-reference metric, which becomes a
        `FeatureLoss`. ``"psnr"`` is `PSNRLoss`.
    **options
        Options of the loss's class; for ``"degradation-response"`` those of `PixelResponse`, too.

    Returns
    -------
    Loss
        Call it as ``loss(restored, target)``.

    Raises
    ------
    LossError
        There is no such loss, or it has no such option.

    Examples
    --------
    >>> create_loss("charbonnier", weight=2)
    CharbonnierLoss(weight=2, reduction='mean')
    """
    if name not in _LOSSES:
        try:
            find_row(name)
        except MetricError as error:
            raise LossError(
                f"No loss is called {name!r}: there are {', '.join(_LOSSES)} and the "
                f"full-reference metrics. {error}"
            ) from error
    try:
        return _LOSSES[name](**options) if name in _LOSSES else FeatureLoss(name, **options)
    except TypeError as error:
        raise LossError(f"loss {name!r}: {error}.") from error


def list_losses() -> list[str]:
    """Return the names of all losses.

    Examples
    --------
    >>> list_losses()[:4]
    ['l1', 'l2', 'charbonnier', 'psnr']
    """
    metrics = [name for name in list_metrics("full-reference") if name not in _LOSSES]
    return [*_LOSSES, *metrics]
