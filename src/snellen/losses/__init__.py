"""Losses: differentiable measures for training, any full-reference metric among them."""

from snellen.losses._catalogue import create_loss, list_losses
from snellen.losses._contextual import ContextualLoss
from snellen.losses._degradation import DegradationResponseLoss
from snellen.losses._feature import FeatureLoss
from snellen.losses._loss import Loss
from snellen.losses._pixels import CharbonnierLoss, L1Loss, L2Loss, PSNRLoss
from snellen.losses._response import PixelResponse, TextResponse, text_directions
from snellen.losses._weighted_sum import WeightedSum

__all__ = [
    "CharbonnierLoss",
    "ContextualLoss",
    "DegradationResponseLoss",
    "FeatureLoss",
    "L1Loss",
    "L2Loss",
    "Loss",
    "PSNRLoss",
    "PixelResponse",
    "TextResponse",
    "WeightedSum",
    "create_loss",
    "list_losses",
    "text_directions",
]
