"""The embedded network `fovea`: a compact network of our own, trained without human scores.

It sees an image at half size, as people do who look at a whole picture on a screen: a binomial
filter takes the image to two chromatic planes and one of luminance at every second pixel. Four
stages of 3 x 3 convolutions and ReLUs follow, at strides 2, 4, 8 and 16; between them a binomial
blur comes before every second feature is dropped [1]_, so that a shift by a pixel hardly changes
a distance. Its weights ship with the package; ``recipes/fovea`` trains them and takes away the
channels that training has silenced, and ``docs/fovea.md`` says from what.

References
----------
.. [1] R. Zhang, "Making convolutional networks shift-invariant again", ICML 2019.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen.backbones._gabor_tuning import OPPONENT
from snellen.errors import BackboneError, ImageError

SMALLEST = 16
"""Least side of an image."""
_GAINS = (2.0, 4.0, 4.0)
_CHANNELS = ((16,), (32, 24), (35, 35), (44, 29))
"""Of each stage, the channels of its convolutions: those of 16, 32, 64 and 96 that answer."""


class Fovea(nn.Module):
    """A compact convolutional network with anti-aliased downsampling.

    ============ ======== ====== ================================================================
    layer        channels stride
    ============ ======== ====== ================================================================
    ``retina``   3        2      luminance, red-green, blue-yellow around mid-grey
    ``stage1``   16       2      each stage: 3 x 3 convolutions, each followed by a ReLU
    ``stage2``   24       4
    ``stage3``   35       8
    ``stage4``   29       16
    ============ ======== ====== ================================================================

    Parameters
    ----------
    channels
        Of each stage, the channels of its convolutions; by default those of the network that
        ships.

    Raises
    ------
    BackboneError
        There is no stage, a stage has no convolution, or a number is not positive.

    Notes
    -----
    There is no normalisation and nothing random at run time. The convolutions pad with zeros,
    which after the retina is mid-grey.

    Examples
    --------
    >>> import torch
    >>> Fovea()(torch.rand(1, 3, 64, 48)).shape
    torch.Size([1, 29, 4, 3])
    """

    def __init__(self, channels: Sequence[Sequence[int]] = _CHANNELS) -> None:
        super().__init__()
        if not channels or min(min(stage, default=0) for stage in channels) < 1:
            raise BackboneError(
                "fovea: channels must be positive whole numbers, one or more for each stage, such "
                f"as {_CHANNELS}; got {channels}."
            )
        self.n_stages = len(channels)
        self.retina = Retina()
        given = self.retina.out_channels
        for i, stage in enumerate(channels, 1):
            if i > 1:
                self.add_module(f"reduce{i}", BlurPool(given))
            self.add_module(f"stage{i}", _stage(given, stage))
            given = stage[-1]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers in order of depth; each is also the name of a submodule."""
        return ("retina", *(f"stage{i}" for i in range(1, self.n_stages + 1)))

    def forward(self, image: Tensor) -> Tensor:
        """Return the deepest layer for an image batch (N, 3, H, W) in [0, 1]."""
        features: Tensor = self.retina(image)
        for i in range(1, self.n_stages + 1):
            if i > 1:
                features = self.get_submodule(f"reduce{i}")(features)
            features = self.get_submodule(f"stage{i}")(features)
        return features


class Retina(nn.Module):
    """R, G, B -> luminance, red-green, blue-yellow at every second pixel, mid-grey at zero.

    Before pixels are dropped, the binomial filter (1, 3, 3, 1) / 8 takes away what they could
    not carry. Borders repeat the edge pixel.
    """

    is_leaf = True
    kernel_extent = 4
    stride_factor = 2
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.out_channels = len(OPPONENT)
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        mix = torch.tensor(np.array(_GAINS)[:, None] * OPPONENT, dtype=torch.float32)
        kernel = mix[:, :, None, None] * torch.outer(taps, taps)
        self.register_buffer("weight", kernel, persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        if image.ndim != 4 or image.shape[1] != 3 or min(image.shape[2:]) < SMALLEST:
            raise ImageError(
                f"fovea: expected an image batch (N, 3, H, W) of at least {SMALLEST}x{SMALLEST} "
                f"pixels, got shape {tuple(image.shape)}; enlarge or pad smaller images"
            )
        return F.conv2d(_with_edges(image - 0.5), self.weight, stride=2)


def _with_edges(x: Tensor) -> Tensor:
    """Repeat the pixels at all edges; `F.pad` takes twice as long where channels are last."""
    x = torch.cat([x[..., :1], x, x[..., -1:]], 3)
    return torch.cat([x[..., :1, :], x, x[..., -1:, :]], 2)


class BlurPool(nn.Module):
    """Every second feature, after the binomial filter (1, 2, 1) / 4."""

    is_leaf = True
    kernel_extent = 3
    stride_factor = 2
    weight: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_channels = channels
        taps = torch.tensor([1.0, 2.0, 1.0]) / 4
        kernel = torch.outer(taps, taps).expand(channels, 1, 3, 3)
        self.register_buffer("weight", kernel.contiguous(), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        return F.conv2d(features, self.weight, stride=2, padding=1, groups=self.out_channels)


def _stage(channels: int, widths: Sequence[int]) -> nn.Sequential:
    modules: list[nn.Module] = []
    for width in widths:
        convolution = nn.Conv2d(channels, width, 3, padding=1)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
        modules += [convolution, nn.ReLU(inplace=True)]
        channels = width
    return nn.Sequential(*modules)


def fovea_for(state: Mapping[str, Tensor]) -> Fovea:
    """Make the network, with random weights, whose widths are those of a file's tensors.

    Of tensors by other names, the network of the default widths.
    """
    network = Fovea()
    if state.keys() != network.state_dict().keys():
        return network
    return Fovea(
        [
            [len(state[f"stage{i}.{2 * k}.bias"]) for k in range(len(stage))]
            for i, stage in enumerate(_CHANNELS, 1)
        ]
    )


def shipped_weights() -> Path:
    """Return the weights file that comes with the package."""
    return Path(__file__).with_name("data") / "fovea.safetensors"
