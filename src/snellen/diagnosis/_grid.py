"""Traces of coders that work in blocks: steps at their borders, coefficients that are gone."""

import math

import torch
from torch import Tensor

_FLOOR = 0.1


def grid_statistics(luma: Tensor, chroma: Tensor) -> list[Tensor]:
    """Look for grids of 8 and 16 pixels, and at the cosine transform of blocks of 8.

    Parameters
    ----------
    luma, chroma
        Planes (N, H, W); chroma is what subsampling has widened to blocks of 16.

    Returns
    -------
    statistics
        Each (N,) or (N, k).
    """
    steps = [_steps(plane, period) for plane, period in ((luma, 8), (luma, 16), (chroma, 16))]
    return [*steps, *_transform(luma)]


def _steps(plane: Tensor, period: int) -> Tensor:
    """How far steps at the borders of a grid exceed those inside it, along both axes: (N, 4).

    For the grid that starts at the image's corner, and for whichever stands out most.
    """
    return torch.cat([_along(plane, period), _along(plane.mT, period)], 1)


def _along(plane: Tensor, period: int) -> Tensor:
    a, b, c, d = plane[..., :-3], plane[..., 1:-2], plane[..., 2:-1], plane[..., 3:]
    # What is left of the step from b to c when both sides are extended to their border.
    profile = ((a - 3 * b + 3 * c - d).abs() * 127.5).log1p().mean(1)
    whole = profile[:, : profile.shape[1] // period * period]
    phases = whole.reshape(len(whole), -1, period).mean(1)
    middle = phases.median(1).values
    # Column 1 of b is the first of the profile: the border after pixel `period` comes here.
    return torch.stack([phases[:, period - 2], phases.amax(1)], 1) - middle[:, None]


def _basis() -> Tensor:
    n = torch.arange(8.0, dtype=torch.float64)
    basis = torch.cos(math.pi / 8 * (n + 0.5) * n[:, None]) / 2
    basis[0] /= math.sqrt(2)
    return basis.float()


def _bands() -> Tensor:
    """Which of five bands, from coarse to fine, a coefficient lies in: (64, 5); DC is in none."""
    order = torch.arange(8)[:, None] + torch.arange(8)
    edges = ((1, 2), (3, 4), (5, 6), (7, 9), (10, 14))
    masks = [((order >= low) & (order <= high)).flatten().float() for low, high in edges]
    return torch.stack(masks, 1)


def _transform(luma: Tensor) -> list[Tensor]:
    """Energy of bands over blocks, and the share of coefficients that were rounded away."""
    bands = _bands().to(luma)
    aligned = _coefficients(luma)
    gone = (aligned.abs() < 0.6).float().mean(1) @ bands / bands.sum(0)
    elsewhere = _coefficients(luma[:, 4:, 4:])
    gone_elsewhere = (elsewhere.abs() < 0.6).float().mean(1) @ bands / bands.sum(0)
    sizes = aligned.abs() @ bands / bands.sum(0)
    ranks = [round(p * (sizes.shape[1] - 1)) for p in (0.1, 0.5, 0.9)]
    ordered = sizes.sort(1).values[:, ranks]
    mean = aligned.abs().mean(1)
    combs = torch.stack([_rounded(aligned[..., i]) for i in (1, 2, 8, 9, 16)], 1)
    return [gone, gone - gone_elsewhere, (ordered + _FLOOR).log(), (mean + _FLOOR).log(), combs]


def _coefficients(luma: Tensor) -> Tensor:
    """Cosine transform of all whole blocks, in grey values: (N, blocks, 64)."""
    blocks = (luma * 255).unfold(1, 8, 8).unfold(2, 8, 8).flatten(1, 2)
    basis = _basis().to(luma)
    return (basis @ blocks @ basis.T).flatten(2)


def _rounded(values: Tensor) -> Tensor:
    """How strongly coefficients of one frequency gather at multiples of some step: (N,).

    The largest length of the mean of exp(2 pi i c / q) over steps q, of coefficients that
    are not near zero.
    """
    far = (values.abs() > 4).float()
    steps = torch.arange(4, 41, 1.0, device=values.device)
    angles = values[..., None] * (2 * math.pi / steps)
    # Steps above a coefficient say nothing of it.
    weight = far[..., None] * (values.abs()[..., None] > 0.6 * steps)
    count = weight.sum(1) + 6
    return (((angles.cos() * weight).sum(1)) / count).amax(1)
