"""Sums of products of two feature maps, over positions and over channels, in one pass.

The maps are read once, in blocks that stay in a core's cache together with the products made of
them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from snellen._threads import in_parts
from snellen.readouts._sums import accumulate, finest, widest

# Three products of a block are in a core's L2 cache at once; measured best from 2^14 to 2^17.
_BLOCK_FEATURES = 1 << 16
_SMALL = 1 << 16  # features of a map so small that float64 costs nothing


@dataclass(frozen=True)
class PairSums:
    """Sums of products of two maps and of their difference d = f - g, by their names.

    Parameters
    ----------
    by_channel
        Sums over positions, (C,) and in float64 where the device has it: ``"dd"``, ``"dg"``, of
        the reference alone ``"gg"``, of which means are made ``"d"`` and ``"g"``.
    totals
        The same, over channels too.
    by_vector
        The products, (2 or 3, P + C), summed over every vector of which there is a cosine: the
        channels at each position, then the positions of each channel.
    """

    by_channel: dict[str, Tensor]
    totals: dict[str, float]
    by_vector: Tensor


@torch.no_grad()
def pair_sums(f: Tensor, g: Tensor, own: bool, means: bool) -> PairSums:
    """Sum products of two maps and of their difference d = f - g.

    Parameters
    ----------
    f, g
        Features of the distorted image and of the reference as rows (P, C).
    own
        Take sums of the reference alone along.
    means
        Take sums of which means are made along.

    Returns
    -------
    PairSums
        With ``"gg"`` if `own`, ``"d"`` if `means`, and ``"g"`` if both.
    """
    kind, blocks, products = _computing_type(f), _blocks(f), ["dd", "dg"] + ["gg"] * own
    names = products + ["d"] * means + ["g"] * (means and own)
    pairs = list(zip(f.chunk(blocks), g.chunk(blocks), strict=True))
    by_vector = f.new_empty(len(products), sum(f.shape), dtype=kind)
    by_position = by_vector[:, : len(f)].chunk(blocks, 1)
    by_block = f.new_empty(len(pairs), len(names), f.shape[1], dtype=kind)
    of_products = by_block[:, : len(products)].unbind()
    of_values = [values.unbind() for values in by_block[:, len(products) :]] if means else None
    most, narrow = len(pairs[0][0]), not f.dtype == g.dtype == kind

    def work(part: range) -> None:
        memory = by_block.new_empty(len(products), most, f.shape[1])
        each = memory.unbind()
        for i in part:
            a, b = pairs[i]
            if narrow:
                a, b = a.to(kind), b.to(kind)
            terms, views = memory, each
            if len(a) < most:
                terms = memory[:, : len(a)]
                views = terms.unbind()
            _multiply(a, b, of_values[i] if of_values else (), views)
            torch.sum(terms, 1, out=of_products[i])
            torch.sum(terms, 2, out=by_position[i])

    in_parts(work, len(pairs), f.device)
    by_channel = accumulate(by_block, 0)
    by_vector[:, len(f) :] = by_channel[: len(products)]
    return PairSums(
        dict(zip(names, by_channel.unbind(), strict=True)),
        dict(zip(names, by_channel.sum(1).tolist(), strict=True)),
        by_vector,
    )


def _multiply(
    f: Tensor, g: Tensor, values: tuple[Tensor, ...], products: tuple[Tensor, ...]
) -> None:
    """Sum the values and fill in the products of one block."""
    gap = torch.sub(f, g, out=products[0])  # its square takes its place when it is used up
    for total, x in zip(values, (gap, g), strict=False):
        torch.sum(x, 0, out=total)
    torch.mul(gap, g, out=products[1])
    torch.mul(gap, gap, out=gap)
    if len(products) == 3:
        torch.mul(g, g, out=products[2])


@torch.no_grad()
def channel_sums(rows: Tensor, other: Tensor | None = None, squared: bool = False) -> Tensor:
    """Sum rows (P, C), or their differences from others (P, C) or (1, C), over positions."""
    kind, count = _computing_type(rows), _blocks(rows)
    blocks = rows.chunk(count)
    by_block = rows.new_empty(len(blocks), rows.shape[1], dtype=kind)
    others = None if other is None else other.expand(rows.shape).chunk(count)

    def work(part: range) -> None:
        for i in part:
            block = blocks[i].to(kind)
            if others is not None:
                block = block - others[i].to(kind)
            torch.sum(block.square() if squared else block, 0, out=by_block[i])

    in_parts(work, len(blocks), rows.device)
    return accumulate(by_block, 0)


def _computing_type(rows: Tensor) -> torch.dtype:
    """Float32, or float64 for small maps: few positions leave no rounding to average out."""
    return finest(rows) if rows.numel() <= _SMALL else widest(rows.dtype)


def _blocks(rows: Tensor) -> int:
    """Return into how many blocks to cut rows, by `chunk`."""
    if rows.device.type != "cpu":
        return 1
    return min(-(-rows.numel() // _BLOCK_FEATURES), len(rows))
