"""Cosine distances of many pairs of vectors, from sums of products of theirs."""

from collections.abc import Iterator

import torch
from torch import Tensor

from snellen.readouts._cosine import half_squared_distance
from snellen.readouts._rows import accumulate

_ALIKE = 2.0**-8, 2.0**4  # ratios of squared lengths, g^2 to f^2, at which no rounding shows
_GATHERED = 1 << 20  # features that are copied at once where it would


@torch.no_grad()
def vector_cosines(
    f: Tensor, g: Tensor, dd: Tensor, dg: Tensor, gg: Tensor
) -> tuple[Tensor, Tensor]:
    """Take the cosine distances that `from_products` defines, where no gradient is asked for.

    Parameters
    ----------
    f, g
        Features of the distorted image and of the reference as rows (P, C). Only vectors of very
        unlike lengths are read again.
    dd, dg, gg
        Sums of d^2, d g and g^2 of every vector, (P + C,), as `pair_sums` makes them.

    Returns
    -------
    cosines : Tensor
        (P + C,); 1/2 where one of the vectors is zero, 0 where both are.
    squares : Tensor
        Sums of f^2, (P + C,).
    """
    ds = torch.add(dd, dg, alpha=2)
    ff = gg + ds
    ratio = gg / ff
    norm_f, norm_g = ff.sqrt(), gg.sqrt()
    gap = ds.div_(norm_f + norm_g)
    cosines = torch.addcmul(dd, gap, gap, value=-1).clamp_min_(0)
    cosines.div_(norm_f.mul_(norm_g).mul_(2))
    least, most = (extreme.item() for extreme in torch.aminmax(ratio))
    if not (_ALIKE[0] < least and most < _ALIKE[1]):
        there = gg != 0
        unlike = there & ((ratio <= _ALIKE[0]) | (ratio >= _ALIKE[1]))
        for chosen, a, b in _gather(f, g, unlike.nonzero()[:, 0]):
            a, b = a.to(dd), b.to(dd)
            cosines[chosen] = half_squared_distance(a, b)
            ff[chosen] = accumulate(a.square(), 1).to(dd)
        cosines = torch.where(there, cosines, 0.5 * (dd != 0))
    return cosines, ff


def _gather(f: Tensor, g: Tensor, chosen: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield numbers of vectors, and these vectors of both images, some at a time."""
    positions, channels = chosen[chosen < len(f)], chosen[chosen >= len(f)]
    if len(positions):
        for some in torch.split(positions, max(1, _GATHERED // f.shape[1])):
            yield some, f.index_select(0, some), g.index_select(0, some)
    if len(channels):
        for some in torch.split(channels, max(1, _GATHERED // len(f))):
            index = some - len(f)
            yield some, f.T.index_select(0, index), g.T.index_select(0, index)
