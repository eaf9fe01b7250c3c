"""Sums over features, arranged so that the data passes through the cache once.

A readout that looks at one position at a time (a vector of C channels) can work through a
feature map in blocks that stay in the processor's cache: several passes over a block then cost
one pass over memory.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from snellen.errors import MetricError

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
    check_pair(f, g)
    f, g = alike(f, g)
    n = max(f.shape[0], g.shape[0])
    h, w = f.shape[2:]
    if f.device.type != "cpu" or torch.is_grad_enabled():
        f, g = broadcast(widen(f), widen(g))
        return function(as_rows(f), as_rows(g)).view(n, h, w)
    result = torch.empty(n, h * w, dtype=widest(f.dtype))
    for i in range(n):
        _fill(result[i], function, *(as_rows(t[min(i, t.shape[0] - 1)][None]) for t in (f, g)))
    return result.view(n, h, w)


def _fill(
    result: Tensor, function: Callable[[Tensor, Tensor], Tensor], f: Tensor, g: Tensor
) -> None:
    step = max(1, _BLOCK_BYTES // (4 * f.shape[1]))
    for start in range(0, f.shape[0], step):
        block = slice(start, start + step)
        result[block] = function(widen(f[block]), widen(g[block]))


def check_pair(f: Tensor, g: Tensor) -> None:
    """Refuse features that do not belong together; only the number of images may be 1."""
    fits = f.ndim == g.ndim == 4 and f.shape[1:] == g.shape[1:]
    if not fits or (f.shape[0] != g.shape[0] and 1 not in (f.shape[0], g.shape[0])):
        raise MetricError(
            "features: expected (N, C, h, w) of both images, equal but for an N of 1; got "
            f"{tuple(f.shape)} and {tuple(g.shape)}."
        )


def check_window(side: int) -> None:
    """Refuse a window without pixels."""
    if not isinstance(side, int) or side < 1:
        raise MetricError(f"window must be a whole number of at least 1; got {side!r}.")


def broadcast(f: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """Give two sets of features the same number of images."""
    n = max(f.shape[0], g.shape[0])
    return f.expand(n, -1, -1, -1), g.expand(n, -1, -1, -1)


def alike(f: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """Give two sets of features one memory layout.

    The layout decides in which order numbers are added, and so how a sum is rounded: equal
    features in two layouts would have unequal sums.
    """
    if f.stride()[1:] == g.stride()[1:]:
        return f, g
    return f.contiguous(), g.contiguous()


def product_gap(f: Tensor, g: Tensor) -> Tensor:
    """Subtract the products of all pairs of vectors of g from those of f: f f^T - g g^T.

    With d = f - g and s = f + g it is (d s^T + s d^T) / 2, in which the difference was taken
    before the product: it loses no digits where f and g are similar, and is exactly 0 where they
    are equal, however the library multiplies matrices.

    Parameters
    ----------
    f, g
        Vectors (N, C, P); either N may be 1.

    Returns
    -------
    Tensor
        (N, C, C).
    """
    half = (f - g) @ ((f + g) / 2).transpose(1, 2)
    return half + half.transpose(1, 2)


def as_rows(f: Tensor) -> Tensor:
    return f.permute(0, 2, 3, 1).reshape(-1, f.shape[1])


def squared_length(rows: Tensor) -> Tensor:
    """Return the squared length of vectors (P, C), in one pass over them."""
    norm: Tensor = torch.linalg.vector_norm(rows, dim=1)
    return norm.square()


def widen(x: Tensor) -> Tensor:
    """Return half-precision features as float32; readouts never compute in less."""
    return x.to(widest(x.dtype))


def widest(dtype: torch.dtype) -> torch.dtype:
    """Float32, or float64 for features in float64."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def accumulate(x: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Sum in float64 where the device has it, so that large maps lose nothing."""
    return x.sum(dim, dtype=finest(x))


def finest(x: Tensor) -> torch.dtype:
    """Return float64, or float32 on the one device that has no float64."""
    return torch.float32 if x.device.type == "mps" else torch.float64


def spatial_mean(f: Tensor) -> Tensor:
    """Mean of every channel, (N, C, 1, 1), in the features' type; exact for a constant channel."""
    mean = accumulate(f, (2, 3)) / (f.shape[2] * f.shape[3])
    return mean.to(f.dtype)[:, :, None, None]


def safe_sqrt(x: Tensor) -> Tensor:
    """Square root that is exactly 0 at 0, with gradient 0 there instead of infinity."""
    positive = ~(x <= 0)  # NaN stays NaN: it must never look like "no difference"
    return torch.where(positive, torch.where(positive, x, 1).sqrt(), 0)


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Quotient that is 0 where the denominator is 0, with gradient 0 there."""
    valid = denominator != 0
    return torch.where(valid, numerator / torch.where(valid, denominator, 1), 0)


def weighted(f: Tensor, weights: Tensor | None) -> Tensor:
    """Scale channels by the square roots of their weights (C,)."""
    if weights is None:
        return f
    f = widen(f)
    return f * weights.to(f).sqrt().view(1, -1, 1, 1)
