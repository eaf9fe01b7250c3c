"""Attributes: what an image is like, which is neither good nor bad."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.errors import ImageError
from snellen.images import gray_levels, luma
from snellen.metrics._attributes._cpbd import BLOCK, cpbd
from snellen.metrics._handling import Handling
from snellen.metrics._no_reference import NoReferenceMetric
from snellen.metrics._options import Request
from snellen.metrics._row import MetricRow

_OCTAVES = 4
_BINS = 64
_NORMAL_MEDIAN = 0.6744897501960817
# The wavelet of Daubechies with four taps; diagonal coefficients take it along both axes.
_WAVELET = (-0.12940952255126037, -0.2241438680420134, 0.8365163037378079, -0.48296291314453416)


class AttributeMetric(NoReferenceMetric):
    """A property of an image alone.

    Made by `create_metric`, which see; `Metric` has the parameters and attributes.
    """

    def _assess(self, x: Tensor) -> Tensor:
        x = self.protocol(x)
        return ATTRIBUTES[self.row.readout](x).to(torch.float32)


def complexity(batch: Tensor) -> Tensor:
    """Return the mean entropy of gradients over four octaves, in bits.

    At every octave the gradient of luma (Sobel, in grey levels a pixel) is rounded down to whole
    numbers up to 63, and these are counted; octaves are means over 2 x 2 pixels.
    """
    _require(batch, 3 * 2 ** (_OCTAVES - 1))
    grey = 255 * luma(batch.detach())
    entropies = []
    for _ in range(_OCTAVES):
        entropies.append(torch.stack([_entropy(one) for one in _gradients(grey)]))
        grey = F.avg_pool2d(grey, 2)
    return torch.stack(entropies).mean(dim=0)


def _gradients(grey: Tensor) -> Tensor:
    taps = grey.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
    both = F.conv2d(grey, torch.stack([taps, taps.T])[:, None])
    length: Tensor = torch.linalg.vector_norm(both, dim=1)
    return length


def _entropy(gradient: Tensor) -> Tensor:
    classes = gradient.long().clamp_max(_BINS - 1)
    share = torch.bincount(classes.flatten(), minlength=_BINS) / gradient.numel()
    nats: Tensor = torch.special.entr(share).sum()
    return nats / math.log(2)


def colorfulness(batch: Tensor) -> Tensor:
    """Return M3 of Hasler and Suesstrunk: sigma_rgyb + 0.3 mu_rgyb, on values of 0 to 255."""
    red, green, blue = (255 * batch).unbind(dim=1)
    opponents = torch.stack([red - green, (red + green) / 2 - blue], dim=1).flatten(2)
    spread: Tensor = torch.linalg.vector_norm(opponents.std(dim=2, correction=0), dim=1)
    middle: Tensor = torch.linalg.vector_norm(opponents.mean(dim=2), dim=1)
    return spread + 0.3 * middle


def sharpness(batch: Tensor) -> Tensor:
    """Return the cumulative probability of blur detection of every image."""
    _require(batch, BLOCK)
    greys = gray_levels(batch.detach())[:, 0].cpu().numpy()
    return batch.new_tensor([cpbd(grey) for grey in greys])


def contrast(batch: Tensor) -> Tensor:
    """Return the standard deviation of luma."""
    return luma(batch).flatten(1).std(dim=1, correction=0)


def noise_level(batch: Tensor) -> Tensor:
    """Return the standard deviation of white noise that would explain the finest detail."""
    _require(batch, len(_WAVELET))
    taps = batch.new_tensor(_WAVELET)
    diagonal = F.conv2d(255 * luma(batch), torch.outer(taps, taps)[None, None], stride=2)
    return diagonal.abs().flatten(1).median(dim=1).values / _NORMAL_MEDIAN


def exposure(batch: Tensor) -> Tensor:
    """Return mean luma."""
    return luma(batch).mean(dim=(1, 2, 3))


def clipping(batch: Tensor) -> Tensor:
    """Return the share of pixels of which a channel is at an end of its range."""
    margin = 0.5 / 255
    ends = ((batch < margin) | (batch > 1 - margin)).any(dim=1)
    return ends.flatten(1).to(batch.dtype).mean(dim=1)


def _require(batch: Tensor, side: int) -> None:
    if min(batch.shape[2:]) < side:
        raise ImageError(
            f"images of {batch.shape[3]}x{batch.shape[2]} pixels are too small: this attribute "
            f"needs at least {side} pixels on either side."
        )


ATTRIBUTES: dict[str, Callable[[Tensor], Tensor]] = {
    "complexity": complexity,
    "colorfulness": colorfulness,
    "sharpness": sharpness,
    "contrast": contrast,
    "noise-level": noise_level,
    "exposure": exposure,
    "clipping": clipping,
}
"""Attributes of an image batch (N, 3, H, W): (N,), by the readout that rows name."""


def attribute_metric(row: MetricRow, request: Request, handling: Handling) -> AttributeMetric:
    """Make the metric of an attribute's row."""
    return AttributeMetric(request.resized(row), handling)
