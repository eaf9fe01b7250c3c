"""Means, variances and covariance of every channel of two maps, in one pass over them."""

import torch
from torch import Tensor

from snellen._threads import in_parts
from snellen.readouts._sums import accumulate, finest, widest

_BLOCK_FEATURES = (1 << 15) - 1
"""Features of a block: all passes over it stay in a core's cache, and torch splits none of them
among threads, which would wait for each other longer than they work."""
_LARGE = 1 << 21  # features from which more threads pay for meeting those that torch keeps busy
_SMALL = 1 << 16  # features of a map so small that float64 costs nothing

Statistics = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


@torch.no_grad()
def pair_statistics(f: Tensor, g: Tensor) -> Statistics:
    """Describe the channels of two maps.

    Every block is centred on its own mean, and blocks are put together as Chan, Golub and LeVeque
    (1983) do: nothing is lost where the mean is large beside the deviation.

    Parameters
    ----------
    f, g
        Rows (P, C) on a processor.

    Returns
    -------
    tuple of Tensor
        Difference of means, mean of f, mean of g, variance of f - g, and sum of the variances of f
        and g, (C,) each, in float64.
    """
    kind = finest(f) if f.numel() <= _SMALL else widest(f.dtype)
    size = max(1, _BLOCK_FEATURES // f.shape[1])
    pairs = list(zip(torch.split(f, size), torch.split(g, size), strict=True))
    sums = f.new_empty(6, len(pairs), f.shape[1], dtype=kind)

    def work(part: range) -> None:
        memory = f.new_empty(min(size, len(f)), f.shape[1], dtype=kind)
        for i in part:
            a, b = pairs[i]
            _sum_block(a.to(kind), b.to(kind), sums[:, i].unbind(), memory[: len(a)])

    if f.numel() < _LARGE:
        work(range(len(pairs))[::-1])
    else:
        in_parts(work, len(pairs), f.device)
    return _together(sums.to(finest(f)), [len(a) for a, _ in pairs])


def _sum_block(f: Tensor, g: Tensor, into: tuple[Tensor, ...], memory: Tensor) -> None:
    """Sum f, g, d = f - g and d^2, and the squares of f and g around their means."""
    torch.sub(f, g, out=memory)
    torch.sum(memory, 0, out=into[2])
    torch.sum(memory.mul_(memory), 0, out=into[3])
    for x, total, squares in ((f, into[0], into[4]), (g, into[1], into[5])):
        torch.sum(x, 0, out=total)
        torch.sub(x, total / len(x), out=memory)
        torch.sum(memory.mul_(memory), 0, out=squares)


def _together(sums: Tensor, lengths: list[int]) -> Statistics:
    count = sum(lengths)
    mean_f, mean_g, gap = accumulate(sums[:3], 1) / count
    per_block = sums.new_tensor(lengths)[:, None]
    means = torch.stack([mean_f, mean_g])[:, None]
    between = per_block * (sums[:2] / per_block - means).square()
    spread = accumulate(sums[4:] + between, (0, 1))
    scatter = accumulate(sums[3], 0) / count - gap**2
    return gap, mean_f, mean_g, scatter.clamp_min(0), spread / count
