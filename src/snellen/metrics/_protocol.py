"""Everything that happens to pixels between the image batch and the network.

Resizing alone moves DISTS on TID2013 from .83 to .71, so the rule is part of a metric's identity:
it stands in the catalogue and in every manifest, and nothing is ever resized without one.
"""

import re
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from snellen.errors import ImageError, MetricError

_RULES = (
    '"native" (as it is), "short-256" (short side to 256 where it is larger, antialiased '
    'bilinear), "box-256" (mean over f x f pixels with f = round(short side / 256)), '
    '"half" (mean over 2 x 2 pixels), "224x224" (width x height, antialiased bicubic)'
)


@dataclass(frozen=True)
class Protocol:
    """What happens to an image batch before the network sees it.

    Parameters
    ----------
    resize
        ``"native"``: nothing. ``"short-256"`` (any number): the short side is brought to 256
        pixels where it is longer, antialiased bilinear, as torchvision's resize does to PIL
        images. ``"box-256"``: mean over f x f pixels with f = max(1, round(short side / 256)),
        the rule of the SSIM and DeepWSD authors' code. ``"half"``: mean over 2 x 2 pixels.
        ``"224x224"``: exactly this width and height, antialiased bicubic.

    Raises
    ------
    MetricError
        There is no such rule.
    """

    resize: str = "native"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"native|half|(short|box)-[1-9]\d*|[1-9]\d*x[1-9]\d*", self.resize):
            raise MetricError(f"resize={self.resize!r} is not a rule; there are {_RULES}.")

    def __call__(self, batch: Tensor) -> Tensor:
        """Apply the protocol to an image batch (N, 3, H, W)."""
        kind, _, number = self.resize.partition("-")
        short = min(batch.shape[2:])
        if kind in ("native", "half", "box"):
            return _box(batch, self.blocks(batch.shape[2], batch.shape[3]))
        if kind == "short":
            return batch if short <= int(number) else _short_side(batch, int(number))
        width, height = (int(n) for n in kind.split("x"))
        return _interpolate(batch, (height, width), "bicubic").clamp(0, 1)

    def blocks(self, height: int, width: int) -> int:
        """Return the side of the blocks of which the mean is taken; 1 if images stay as they are.

        Raises
        ------
        MetricError
            The protocol resizes images by another rule.
        """
        kind, _, number = self.resize.partition("-")
        if kind == "box":
            return max(1, round(min(height, width) / int(number)))
        if kind not in ("native", "half"):
            raise MetricError(
                f'resize="{self.resize}" resamples the whole image at once: this cannot be done '
                "tile by tile."
            )
        return 2 if kind == "half" else 1

    def manifest(self) -> dict[str, Any]:
        """Return the protocol as plain values."""
        return {"resize": self.resize, "color": "sRGB-encoded RGB in [0, 1]"}


def _box(batch: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return batch
    if min(batch.shape[2:]) < factor:
        raise ImageError(
            f"images of {batch.shape[3]}x{batch.shape[2]} pixels hold no {factor}x{factor} block "
            'to take the mean of; use a protocol with resize="native".'
        )
    return F.avg_pool2d(batch, factor)


def _short_side(batch: Tensor, target: int) -> Tensor:
    height, width = batch.shape[2:]
    short = min(height, width)
    size = (target * height // short, target * width // short)
    return _interpolate(batch, size, "bilinear")


def _interpolate(batch: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    return F.interpolate(batch, size, mode=mode, align_corners=False, antialias=True)
