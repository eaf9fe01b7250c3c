"""Replacement of pooling layers, which some metrics ask of their backbone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

POOLINGS = ("max", "l2", "average")


class L2Pool2d(nn.Module):
    """L2 pooling: the root of a Hann-weighted mean of squares, with stride 2.

    Anti-aliased, unlike max-pooling (Henaff and Simoncelli, "Geodesics of learned
    representations", ICLR 2016); DISTS puts it in place of VGG's pools (Ding et al. 2020).
    """

    is_leaf = True
    kernel_extent = 3
    stride_factor = 2
    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        window = torch.hann_window(5, periodic=False)[1:-1]
        kernel = torch.outer(window, window)
        self.register_buffer("kernel", kernel / kernel.sum(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Pool a feature map (N, C, h, w) to (N, C, ceil(h / 2), ceil(w / 2))."""
        kernel = self.kernel.to(x.dtype).expand(x.shape[1], 1, 3, 3)
        energy = F.conv2d(x.square(), kernel, stride=2, padding=1, groups=x.shape[1])
        return (energy + 1e-12).sqrt()


def replace_max_pooling(network: nn.Module, pooling: str) -> None:
    """Put another pooling in place of every `MaxPool2d` of a network.

    Parameters
    ----------
    network
        Changed in place.
    pooling
        ``"max"`` (nothing changes), ``"l2"`` (as in DISTS), or ``"average"`` (same kernel and
        stride, as in Gatys et al. 2016).
    """
    if pooling == "max":
        return
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, L2Pool2d() if pooling == "l2" else _average(child))


def _average(pool: nn.MaxPool2d) -> nn.AvgPool2d:
    return nn.AvgPool2d(pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode)
