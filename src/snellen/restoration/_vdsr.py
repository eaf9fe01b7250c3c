"""VDSR: a residual network of twenty layers for super-resolution."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen.errors import TrainingError

_LUMA = (0.299, 0.587, 0.114)


class VDSR(nn.Module):
    """Very deep super-resolution: bicubic enlargement plus what the network adds to it.

    Parameters
    ----------
    scale
        Factor of the enlargement; 1 for images that already have their size.
    depth
        Number of convolutions.
    width
        Channels between them.
    channels
        1: the network sees and corrects the luma alone, as published; 3: all of RGB, which losses
        of features can teach more than brightness.

    Raises
    ------
    TrainingError
        A number is out of its range.

    References
    ----------
    Kim, Lee, Lee: Accurate Image Super-Resolution Using Very Deep Convolutional Networks. CVPR
    2016. Weights start after He et al., as there, but for those of the last layer: they start at 0,
    so that training starts from the bicubic image (ours).

    Examples
    --------
    >>> network = VDSR(scale=4)
    >>> network(torch.rand(1, 3, 8, 10)).shape
    torch.Size([1, 3, 32, 40])
    """

    def __init__(self, scale: int = 1, depth: int = 20, width: int = 64, channels: int = 3) -> None:
        super().__init__()
        if scale < 1 or depth < 2 or width < 1 or channels not in (1, 3):
            raise TrainingError(
                "vdsr: expected scale >= 1, depth >= 2, width >= 1 and 1 or 3 channels; got "
                f"{scale}, {depth}, {width} and {channels}."
            )
        self.scale, self.channels = scale, channels
        sizes = [channels, *[width] * (depth - 1), channels]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
        self.body = nn.Sequential(*layers[:-1])
        for layer in self.body:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.body[-1].weight)  # type: ignore[arg-type]

    def forward(self, batch: Tensor) -> Tensor:
        """Enlarge an image batch (N, 3, H, W)."""
        image = enlarged(batch, self.scale)
        # The residual of the luma alone, added to R, G and B, leaves both colour differences.
        seen = image if self.channels == 3 else luma(image)
        restored: Tensor = image + self.body(seen)
        return restored


def enlarged(batch: Tensor, scale: int) -> Tensor:
    """Enlarge by bicubic interpolation (a = -1/2, as Pillow and MATLAB have it)."""
    if scale == 1:
        return batch
    size = [side * scale for side in batch.shape[2:]]
    return F.interpolate(batch, size, mode="bicubic", antialias=True, align_corners=False)


def luma(batch: Tensor) -> Tensor:
    """Return the luma of an image batch, (N, 1, H, W)."""
    weights = torch.tensor(_LUMA, device=batch.device, dtype=batch.dtype).view(1, 3, 1, 1)
    return (batch * weights).sum(1, keepdim=True)
