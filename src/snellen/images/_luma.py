"""Luma: the one gray image of an image."""

from torch import Tensor

_REC_601 = (0.299, 0.587, 0.114)
_HALF_WAY = 0.5 + 1e-4


def luma(batch: Tensor) -> Tensor:
    """Return Rec. 601 luma (N, 1, H, W) in [0, 1] of an image batch."""
    red, green, blue = (batch[:, i : i + 1] * weight for i, weight in enumerate(_REC_601))
    return red + green + blue


def gray_levels(batch: Tensor) -> Tensor:
    """Return luma as an 8-bit gray image holds it: (N, 1, H, W), whole numbers of 0 to 255.

    The published code of BRISQUE, NIQE and CPBD starts from `rgb2gray` of 8-bit images. One pixel
    in a thousand lies half-way between two levels; it goes up, whatever the rounding errors.
    """
    return (luma(batch.double()) * 255 + _HALF_WAY).floor()
