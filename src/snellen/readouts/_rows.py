"""Sums over features, arranged so that the data passes through the cache once.

A readout that looks at one position at a time (a vector of C channels) can work through a
feature map in blocks that stay in the processor's cache: several passes over a block then cost
one pass over memory.
"""

from collections.abc import Callable

import torch
from torch import Tensor

_BLOCK_BYTES = 1 << 20  # about what a core's L2 cache holds; measured best from 2^19 to 2^21


def per_position(function: Callable[[Tensor, Tensor], Tensor], f: Tensor, g: Tensor) -> Tensor:
    """Apply a function of two feature vectors at every position.

    Parameters
    ----------
    function
        Takes two float32 tensors (P, C) and returns (P,).
    f, g
        Features (N, C, h, w); either N may be 1.

    Returns
    -------
    Tensor
        (N, h, w).
    """
    n = max(f.shape[0], g.shape[0])
    h, w = f.shape[2:]
    if f.device.type != "cpu" or torch.is_grad_enabled():
        f, g = torch.broadcast_tensors(widen(f), widen(g))
        return function(_as_rows(f), _as_rows(g)).view(n, h, w)
    result = torch.empty(n, h * w, dtype=widest(f.dtype))
    for i in range(n):
        _fill(result[i], function, *(_as_rows(t[min(i, t.shape[0] - 1)][None]) for t in (f, g)))
    return result.view(n, h, w)


def _fill(
    result: Tensor, function: Callable[[Tensor, Tensor], Tensor], f: Tensor, g: Tensor
) -> None:
    step = max(1, _BLOCK_BYTES // (4 * f.shape[1]))
    for start in range(0, f.shape[0], step):
        block = slice(start, start + step)
        result[block] = function(widen(f[block]), widen(g[block]))


def _as_rows(f: Tensor) -> Tensor:
    return f.permute(0, 2, 3, 1).reshape(-1, f.shape[1])


def squared_length(rows: Tensor) -> Tensor:
    """Squared length of vectors (P, C), in one pass over them."""
    return torch.linalg.vector_norm(rows, dim=1).square()


def widen(x: Tensor) -> Tensor:
    """Return half-precision features as float32; readouts never compute in less."""
    return x.to(widest(x.dtype))


def widest(dtype: torch.dtype) -> torch.dtype:
    """Float32, or float64 for features in float64."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def accumulate(x: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Sum in float64 where the device has it, so that large maps lose nothing."""
    return x.sum(dim) if x.device.type == "mps" else x.sum(dim, dtype=torch.float64)


def safe_sqrt(x: Tensor) -> Tensor:
    """Square root that is exactly 0 at 0, with gradient 0 there instead of infinity."""
    positive = x > 0
    return torch.where(positive, torch.where(positive, x, 1).sqrt(), 0)


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Quotient that is 0 where the denominator is 0, with gradient 0 there."""
    valid = denominator > 0
    return torch.where(valid, numerator / torch.where(valid, denominator, 1), 0)


def weighted(f: Tensor, weights: Tensor | None) -> Tensor:
    """Scale channels by the square roots of their weights (C,)."""
    return f if weights is None else f * weights.to(f).sqrt().view(1, -1, 1, 1)
