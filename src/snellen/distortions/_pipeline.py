"""Compound degradations in the manner of Real-ESRGAN, drawn from its published ranges."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from snellen.distortions._codecs import decode, encode_jpeg
from snellen.distortions._draw import Draw
from snellen.distortions._each import each_image
from snellen.distortions._eight_bit import from_pil, to_pil
from snellen.distortions._filters import correlate
from snellen.distortions._mixed_kernels import KernelShape, draw_blur, draw_sinc
from snellen.distortions._random import generator

_STREAM = "random"
_GRAY = (0.299, 0.587, 0.114)


class Operation(Protocol):
    """One operation on one image (1, 3, h, w) on the CPU."""

    def run(self, image: Tensor, size: tuple[int, int], random: torch.Generator) -> Tensor:
        """Operate; `size` is height and width of the image that came in first."""


@dataclass(frozen=True)
class Filter:
    """Blur, or the ringing of a cut-off spectrum."""

    kernel: KernelShape

    def run(self, image: Tensor, size: tuple[int, int], random: torch.Generator) -> Tensor:
        """Filter with the kernel."""
        return correlate(image, self.kernel.weights())


@dataclass(frozen=True)
class Resize:
    """Change of size; `scale` is relative to the image that came in first."""

    scale: float
    mode: str

    def run(self, image: Tensor, size: tuple[int, int], random: torch.Generator) -> Tensor:
        """Resample without a filter against aliasing, as published."""
        height, width = (max(1, int(side * self.scale)) for side in size)
        return functional.interpolate(image, (height, width), mode=self.mode)


@dataclass(frozen=True)
class GaussianNoise:
    """White noise; `sigma` is in 8-bit levels, gray noise is common to R, G and B."""

    sigma: float
    gray: bool

    def run(self, image: Tensor, size: tuple[int, int], random: torch.Generator) -> Tensor:
        """Add the noise."""
        channels = 1 if self.gray else 3
        noise = torch.randn((1, channels, *image.shape[2:]), generator=random)
        return (image + self.sigma / 255 * noise).clamp(0, 1)


@dataclass(frozen=True)
class PoissonNoise:
    """Shot noise of as many photons as the image has levels, times `scale`."""

    scale: float
    gray: bool

    def run(self, image: Tensor, size: tuple[int, int], random: torch.Generator) -> Tensor:
        """Add the noise."""
        clean = image.clamp(0, 1)
        if self.gray:
            clean = sum(w * clean[:, i : i + 1] for i, w in enumerate(_GRAY))  # type: ignore[assignment]
        clean = (clean * 255).round() / 255
        photons = 2.0 ** math.ceil(math.log2(np.unique(clean.numpy()).size))
        noise = torch.poisson(clean * photons, generator=random) / photons - clean
        noisy: Tensor = (image + self.scale * noise).clamp(0, 1)
        return noisy


@dataclass(frozen=True)
class Jpeg:
    """JPEG, encoded and decoded."""

    quality: int

    def run(self, image: Tensor, size: tuple[int, int], random: torch.Generator) -> Tensor:
        """Compress."""
        return from_pil(decode(encode_jpeg(to_pil(image.clamp(0, 1)), self.quality)), image)


@dataclass(frozen=True)
class Stage:
    """Ranges of one of the two stages."""

    sigma: tuple[float, float]
    resize_odds: tuple[float, float, float]
    resize: tuple[float, float]
    noise: tuple[float, float]
    poisson: tuple[float, float]


FIRST = Stage((0.2, 3), (0.2, 0.7, 0.1), (0.15, 1.5), (1, 30), (0.05, 3))
SECOND = Stage((0.2, 1.5), (0.3, 0.4, 0.3), (0.3, 1.2), (1, 25), (0.05, 2.5))
_QUALITY = (30, 95)
_GRAY_ODDS = 0.4
_SECOND_BLUR_ODDS = 0.8
_FINAL_SINC_ODDS = 0.8


@dataclass(frozen=True)
class Pipeline:
    """A drawn sequence of operations; a step of a `Distortion`.

    Parameters
    ----------
    seed
        From which the operations were drawn.
    operations
        What happens to the images, first things first.
    """

    seed: int
    operations: tuple[Operation, ...]
    random: bool = True

    @property
    def text(self) -> str:
        """``random@SEED``."""
        return f"{_STREAM}@{self.seed}"

    def run(self, batch: Tensor, seeds: Sequence[int]) -> Tensor:
        """Distort a checked batch with one seed per image."""

        def one(image: Tensor, seed: int) -> Tensor:
            random = generator(seed, self.text)
            # on the CPU, so that every device gives the same pixels
            made = image.cpu()
            for operation in self.operations:
                made = operation.run(made, (image.shape[2], image.shape[3]), random)
            return (made.clamp(0, 1) * 255).round().to(image.device) / 255

        return each_image(batch, seeds, one)

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to do the same again."""
        operations = [
            {"operation": type(operation).__name__, **_facts(operation)}
            for operation in self.operations
        ]
        return {"type": _STREAM, "seed": self.seed, "operations": operations}


def _facts(operation: Any) -> dict[str, Any]:
    if isinstance(operation, Filter):
        kernel = operation.kernel
        return {field.name: getattr(kernel, field.name) for field in fields(kernel)}
    return asdict(operation)


def draw_pipeline(seed: int) -> Pipeline:
    """Draw the operations of `random_distortion`."""
    draw = Draw(generator(seed, _STREAM))
    operations: list[Operation] = [Filter(draw_blur(draw, FIRST.sigma))]
    operations += [_resize(draw, FIRST), _noise(draw, FIRST), _jpeg(draw)]
    if draw.chance(_SECOND_BLUR_ODDS):
        operations.append(Filter(draw_blur(draw, SECOND.sigma)))
    operations += [_resize(draw, SECOND), _noise(draw, SECOND)]
    back: list[Operation] = [Resize(1.0, _mode(draw))]
    if draw.chance(_FINAL_SINC_ODDS):
        back.append(Filter(draw_sinc(draw, math.pi / 3)))
    last = _jpeg(draw)
    operations += [*back, last] if draw.chance(0.5) else [last, *back]
    return Pipeline(seed, tuple(operations))


def _resize(draw: Draw, stage: Stage) -> Resize:
    low, high = stage.resize
    ranges = ((1.0, high), (low, 1.0), (1.0, 1.0))
    scale = draw.uniform(*ranges[draw.weighted(stage.resize_odds)])
    return Resize(scale, _mode(draw))


def _mode(draw: Draw) -> str:
    return ("area", "bilinear", "bicubic")[draw.whole(0, 2)]


def _noise(draw: Draw, stage: Stage) -> Operation:
    gray = draw.chance(_GRAY_ODDS)
    if draw.chance(0.5):
        return GaussianNoise(draw.uniform(*stage.noise), gray)
    return PoissonNoise(draw.uniform(*stage.poisson), gray)


def _jpeg(draw: Draw) -> Jpeg:
    return Jpeg(draw.whole(*_QUALITY))
