"""Cosine distances of many pairs of vectors, from sums of products of theirs."""

import torch
from torch import Tensor

from snellen.readouts._sums import finest

_ALIKE = 2.0**-2, 2.0**4  # ratios of lengths, f to g, at which no rounding shows
_GATHERED = 1 << 20  # features that are copied at once where it would


def positive(squares: Tensor) -> Tensor:
    """Raise sums of g^2 from 0 to the least number, in place, so that `unit_gaps` can divide."""
    return squares.clamp_min_(torch.finfo(squares.dtype).tiny)


@torch.no_grad()
def unit_gaps(f: Tensor, g: Tensor, products: Tensor, gg: Tensor) -> Tensor:
    """Square the distances of unit vectors: twice their cosine distances.

    With F, G, D the lengths of f, g and d = f - g: 2 F G (1 - cos) = D^2 - (F - G)^2, in which
    every difference of like numbers was taken before squaring. All of it is divided by G^2.

    Parameters
    ----------
    f, g
        Features of the distorted image and of the reference as rows (P, C). Only vectors of very
        unlike lengths are read again.
    products
        Sums of d^2 and of d g of every vector, (2, P + C), as `pair_sums` makes them.
    gg
        Sums of g^2, (P + C,), made `positive`.

    Returns
    -------
    Tensor
        (P + C,); 1 where one of the vectors is zero, 0 where both are.
    """
    dd, dg = torch.div(products, gg).unbind()
    gap = torch.add(dd, dg, alpha=2)
    length = (gap + 1).sqrt_()
    gap.div_(length + 1)
    found = torch.addcmul(dd, gap, gap, value=-1).clamp_min_(0).div_(length)
    least, most = (extreme.item() for extreme in torch.aminmax(length))
    if not (_ALIKE[0] <= least and most <= _ALIKE[1]):
        unlike = length.clamp(*_ALIKE).ne_(length)
        for dim, some in enumerate((slice(len(f)), slice(len(f), None))):
            _read_again(found[some], unlike[some].nonzero()[:, 0], f, g, dim)
    if len(f) == 1:  # one number each: what is not 0, 1 or 4 would be rounding
        found[1:] = (_sign(f[0]) - _sign(g[0])).square_()
    return found


def _sign(x: Tensor) -> Tensor:
    return x / x.abs().clamp_min_(torch.finfo(x.dtype).tiny)


def _read_again(found: Tensor, chosen: Tensor, f: Tensor, g: Tensor, dim: int) -> None:
    """Fill in the vectors of the given numbers along a dimension, some at a time."""
    if not len(chosen):
        return
    for some in torch.split(chosen, max(1, _GATHERED // f.shape[1 - dim])):
        pair = torch.stack([rows.index_select(dim, some) for rows in (f, g)]).to(finest(f))
        length = torch.linalg.vector_norm(pair, dim=2 - dim, keepdim=True)
        pair.div_(length.clamp_min_(torch.finfo(pair.dtype).tiny))
        gap = torch.linalg.vector_norm(pair[0] - pair[1], dim=1 - dim)
        found.index_copy_(0, some, gap.square_().to(found))
