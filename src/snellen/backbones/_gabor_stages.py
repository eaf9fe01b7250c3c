"""The operations of the Gabor bank, each a module that a tracer keeps in one piece.

A stage tells what it does to the grid (`stride_factor`), how far it looks (`kernel_extent`, in
positions of its input) and how many channels it makes (`out_channels`).
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen.backbones._gabor_tuning import (
    OPPONENT,
    PLANES,
    Array,
    GaborDesign,
    SeparableFilters,
    blur_filter,
)
from snellen.errors import ImageError

_SMALLEST = 16
# A power of two with an exact square in every precision: zero energy stays exactly zero.
ENERGY_FLOOR = 2.0**-18


class Stage(nn.Module):
    """One step of the bank; stays one operation when the network is traced."""

    is_leaf = True
    stride_factor: int = 1
    kernel_extent: int = 1
    out_channels: int


class Opponent(Stage):
    """R, G, B -> luminance, red-green, blue-yellow, all linear in the encoded values."""

    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.out_channels = len(PLANES)
        self.register_buffer("weight", _buffer(OPPONENT), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        if image.ndim != 4 or image.shape[1] != 3 or min(image.shape[2:]) < _SMALLEST:
            raise ImageError(
                f"gabor: expected an image batch (N, 3, H, W) of at least {_SMALLEST}x{_SMALLEST} "
                f"pixels, got shape {tuple(image.shape)}; enlarge or pad smaller images"
            )
        return _mix(image, self.weight)


class Filtered(Stage):
    """The same separable filters over every plane; borders repeat the edge pixel."""

    rows: Tensor
    columns: Tensor

    def __init__(self, filters: SeparableFilters, stride: int) -> None:
        super().__init__()
        self.stride_factor = stride
        self.kernel_extent = filters.rows.shape[-1]
        self.out_channels = len(PLANES) * len(filters.columns)
        self.register_buffer("rows", _buffer(filters.rows[:, None, None]), persistent=False)
        self.register_buffer("columns", _buffer(filters.columns[..., None]), persistent=False)

    def forward(self, planes: Tensor) -> Tensor:
        pad = self.kernel_extent // 2
        padded = F.pad(planes, (pad, pad, pad, pad), mode="replicate")
        # Planes become images of the batch: one dense convolution serves them all.
        folded = padded.reshape(-1, 1, *padded.shape[2:])
        # On a CPU, one image at a time: memory for a whole batch of intermediate rows would be
        # fresh pages from the system at every call, which take longer than the arithmetic.
        blocks = torch.split(folded, len(PLANES) if planes.is_cpu else len(folded))
        filtered = torch.cat([self._convolve(block) for block in blocks])
        return filtered.reshape(planes.shape[0], -1, *filtered.shape[2:])

    def _convolve(self, planes: Tensor) -> Tensor:
        across = F.conv2d(planes, self.rows, stride=(1, self.stride_factor))
        return F.conv2d(across, self.columns, stride=(self.stride_factor, 1))


class Energy(Stage):
    """Length of each quadrature pair, with slope 0 where there is nothing to see."""

    def __init__(self, n_orientations: int) -> None:
        super().__init__()
        self.out_channels = len(PLANES) * n_orientations

    def forward(self, simple: Tensor) -> Tensor:
        pairs = simple.reshape(simple.shape[0], len(PLANES), 2, -1, *simple.shape[2:])
        even, odd = pairs.unbind(2)
        power = (even.square() + odd.square()).flatten(1, 2)
        return power.clamp_min(ENERGY_FLOOR**2).sqrt() - ENERGY_FLOOR


class Normalised(Stage):
    """Energy divided by the energy of its neighbourhood, over all orientations.

    With energies e, a Gaussian neighbourhood g and plane weights w (the identity by default),

        r_pj = e_pj / sqrt(c^2 + sum_q w_pq (g * sum_k e_qk^2)).

    This is the root of Heeger's e^2 / (c^2 + pool), the general form with exponent 1 (Carandini
    and Heeger, "Normalization as a canonical neural computation", Nature Reviews Neuroscience
    13, 2012). The root keeps, at low contrast, the tuning of the energy (the squared form would
    narrow every curve by sqrt 2), and its slope never exceeds 1 / c.
    """

    weights: Tensor

    def __init__(self, design: GaborDesign) -> None:
        super().__init__()
        self.out_channels = len(PLANES) * design.n_orientations
        self.semi_saturation = design.semi_saturation
        self.blur = Filtered(blur_filter(design.pool, math.ceil(3 * design.pool)), stride=1)
        self.kernel_extent = self.blur.kernel_extent
        self.register_buffer("weights", _buffer(design.pool_weights()), persistent=False)

    def forward(self, energy: Tensor) -> Tensor:
        by_plane = energy.reshape(energy.shape[0], len(PLANES), -1, *energy.shape[2:])
        pool = _mix(self.blur(by_plane.square().sum(2)), self.weights)
        gain = (pool + self.semi_saturation**2).rsqrt()
        return (by_plane * gain.unsqueeze(2)).flatten(1, 2)


def _mix(planes: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums over channels; many times faster than a 1x1 convolution of three planes."""
    return torch.einsum("pc,nchw->nphw", weights, planes)


def _buffer(values: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).float()
