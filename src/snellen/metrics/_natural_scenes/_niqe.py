"""NIQE (Mittal, Soundararajan, Bovik 2013): how far an image is from what pristine ones are like.

Blocks of 96 x 96 grey levels, normalised locally, are described by 18 numbers at each of two
scales: parameters of asymmetric generalised Gaussians. The score is a Mahalanobis-like distance of
the Gaussian of an image's blocks to that of pristine blocks.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.errors import ImageError

BLOCK = 96
"""Side of a block in pixels at the first of the two scales."""

SHARP = 0.75
"""Share of its sharpest block's sharpness that a block of a pristine image needs to be taken."""

_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True, eq=False)
class SceneModel:
    """The multivariate Gaussian of the features of pristine blocks.

    Parameters
    ----------
    mean
        (36,).
    covariance
        (36, 36).
    """

    mean: Tensor
    covariance: Tensor


def distance(grey: Tensor, model: SceneModel) -> Tensor:
    """Measure how far images are from pristine ones.

    Parameters
    ----------
    grey
        Grey levels (N, 1, H, W) of 0 to 255.
    model
        What pristine images are like.

    Returns
    -------
    Tensor
        (N,), float64.

    Raises
    ------
    ImageError
        The images hold no block, or one is the same grey all over.
    """
    features, _ = block_features(grey)
    return torch.stack([_distance_of(blocks, model) for blocks in features])


def _distance_of(blocks: Tensor, model: SceneModel) -> Tensor:
    whole = blocks[blocks.isfinite().all(dim=1)]
    if not len(whole):
        raise ImageError("an image without texture has no statistics of natural scenes.")
    covariance = whole.T.cov() if len(whole) > 1 else torch.zeros_like(model.covariance)
    apart = model.mean - blocks.nanmean(dim=0)
    inverse = torch.linalg.pinv((model.covariance + covariance) / 2)
    squared: Tensor = apart @ inverse @ apart
    return squared.clamp_min(0).sqrt()


def fit_scene_model(greys: Iterable[Tensor]) -> SceneModel:
    """Fit the model of pristine images by the published procedure.

    Parameters
    ----------
    greys
        Grey levels (1, 1, H, W) of 0 to 255 of pristine images.

    Returns
    -------
    SceneModel
        Of the blocks that are sharp in comparison with the sharpest of their image.
    """
    taken = []
    for grey in greys:
        features, sharpness = block_features(grey)
        sharp = sharpness > SHARP * sharpness.amax(dim=1, keepdim=True)
        taken.append(features[sharp & features.isfinite().all(dim=2)])
    blocks = torch.cat(taken)
    return SceneModel(blocks.mean(dim=0), blocks.T.cov())


def block_features(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Describe the blocks of images.

    Returns
    -------
    tuple
        Features (N, B, 36), not finite where a block is too smooth; sharpness (N, B).
    """
    rows, columns = (side // BLOCK for side in grey.shape[2:])
    if not rows * columns:
        raise ImageError(
            f"images of {grey.shape[3]}x{grey.shape[2]} pixels hold no block of {BLOCK}x{BLOCK}."
        )
    grey = grey[:, :, : rows * BLOCK, : columns * BLOCK].double()
    normalised, deviation = normalise_locally(grey)
    sharpness = _blocks(deviation, BLOCK).mean(dim=(2, 3))
    small, _ = normalise_locally(_halve(grey))
    parts = [_describe(_blocks(normalised, BLOCK)), _describe(_blocks(small, BLOCK // 2))]
    return torch.cat(parts, dim=2), sharpness


def normalise_locally(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Subtract the local mean, divide by the local deviation plus one; return that too."""
    place = torch.arange(-3, 4, dtype=grey.dtype, device=grey.device)
    taps = torch.exp(-place.square() / (2 * (7 / 6) ** 2))
    taps = taps / taps.sum()

    def smooth(x: Tensor) -> Tensor:
        padded = F.pad(x, (3, 3, 3, 3), mode="replicate")
        return F.conv2d(F.conv2d(padded, taps.view(1, 1, 1, 7)), taps.view(1, 1, 7, 1))

    mean = smooth(grey)
    deviation = (smooth(grey.square()) - mean.square()).abs().sqrt()
    return (grey - mean) / (deviation + 1), deviation


def _halve(grey: Tensor) -> Tensor:
    from piq.functional import imresize

    halved: Tensor = imresize(grey, sizes=(grey.shape[2] // 2, grey.shape[3] // 2))
    return halved


def _blocks(image: Tensor, side: int) -> Tensor:
    """Cut (N, 1, H, W) into blocks (N, B, side, side)."""
    rows, columns = (length // side for length in image.shape[2:])
    cut = image.view(len(image), rows, side, columns, side).transpose(2, 3)
    return cut.reshape(len(image), rows * columns, side, side)


def _describe(blocks: Tensor) -> Tensor:
    """Fit blocks (N, B, s, s) and the products of neighbours in them: (N, B, 18)."""
    shape, left, right = _fit_asymmetric(blocks)
    features = [shape, (left + right) / 2]
    for shift in _SHIFTS:
        shape, left, right = _fit_asymmetric(blocks * blocks.roll(shift, dims=(2, 3)))
        middle = (right - left) * (torch.lgamma(2 / shape) - torch.lgamma(1 / shape)).exp()
        features += [shape, middle, left, right]
    return torch.stack(features, dim=2)


def _fit_asymmetric(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit an asymmetric generalised Gaussian by moments, with a shape from 0.2 to 10 by 0.001."""
    squares = values.square()
    left, right = (
        ((squares * side).sum(dim=(2, 3)) / side.sum(dim=(2, 3))).sqrt()
        for side in (values < 0, values > 0)
    )
    ratio = left / right
    peak = values.abs().mean(dim=(2, 3)).square() / squares.mean(dim=(2, 3))
    peak = peak * (ratio**3 + 1) * (ratio + 1) / (ratio.square() + 1).square()
    shape = _shape_of(peak)
    scale = (0.5 * (torch.lgamma(1 / shape) - torch.lgamma(3 / shape))).exp()
    return shape, left * scale, right * scale


def _shape_of(peak: Tensor) -> Tensor:
    """Look up which shape has a ratio of moments; the first where there is none to look up."""
    shapes = torch.arange(200, 10001, dtype=peak.dtype, device=peak.device) / 1000
    one, two, three = (torch.lgamma(i / shapes) for i in (1, 2, 3))
    table = (2 * two - one - three).exp()
    after = torch.searchsorted(table, peak.nan_to_num(0.0)).clamp(1, len(table) - 1)
    before = after - 1
    nearer = (peak - table[before]).abs() <= (table[after] - peak).abs()
    return shapes[torch.where(nearer | peak.isnan(), before, after)]
