"""Many readouts of one pair of feature maps from sums that are taken once.

Nearly every readout of a layer follows from a few sums over positions, one per channel, and from
three sums over channels, one per position. `Moments` takes all of them in one pass over both
maps, in blocks that stay in the processor's cache; the reference's own sums are kept by
`ReferenceMoments` for all its distorted versions.
"""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from snellen.readouts._cosine import Cosine, from_products
from snellen.readouts._euclidean import Euclidean, Squared
from snellen.readouts._readout import Readout
from snellen.readouts._rows import (
    accumulate,
    as_rows,
    check_pair,
    finest,
    ratio,
    safe_sqrt,
    widest,
)
from snellen.readouts._statistics import Statistics
from snellen.readouts._structure import StructureTexture

# Six such blocks are at work at once, in a core's L2 cache; torch splits no work of this size
# between threads, whose meeting would cost more than the work.
_BLOCK_FEATURES = 1 << 15
_SMALL = 1 << 16  # features of a map so small that float64 costs nothing


class ReferenceMoments:
    """One layer of one reference image, and the sums over it that every comparison needs.

    Parameters
    ----------
    features
        (1, C, h, w); kept as they are.
    """

    def __init__(self, features: Tensor) -> None:
        self.features = features
        rows = as_rows(features)
        (self.sums, self.squares), (self.at_positions,) = _own_sums(rows)
        self.mean = self.sums / len(rows)

    @cached_property
    def spread(self) -> Tensor:
        """Sum of squared distances from the mean, per channel; exact where a channel is flat."""
        rows = as_rows(self.features)
        mean = self.mean.to(_computing_type(rows))
        sums, _ = _own_sums(rows, mean)
        return sums[1]

    @property
    def nbytes(self) -> int:
        """Memory held by the features."""
        return self.features.numel() * self.features.element_size()


class Moments:
    """Sums over one layer of a distorted image and its reference.

    Parameters
    ----------
    features
        Of the distorted image, (1, C, h, w).
    reference
        The same layer of the reference.

    Attributes
    ----------
    gap, gap_squares, gap_times_sum, squares : Tensor
        Sums over positions of f - g, (f - g)^2, (f - g)(f + g) and f^2 per channel, (C,).
    """

    def __init__(self, features: Tensor, reference: ReferenceMoments) -> None:
        check_pair(features, reference.features)
        self.features, self.reference = features, reference
        self.positions, self.channels = features.shape[2] * features.shape[3], features.shape[1]
        down, across = _pair_sums(as_rows(features), as_rows(reference.features))
        self.gap, self.gap_squares, self.gap_times_sum, self.squares = down
        gap_squares, gap_times_sum, squares = across
        angles = from_products(squares, reference.at_positions, gap_squares, gap_times_sum)
        self.angle = accumulate(angles, 0)

    def sums(self, readout: Readout) -> Tensor:
        """Return what ``readout.measure`` returns for this pair: (K,).

        Readouts that do not follow from moments are measured in their own way.
        """
        match readout:
            case Euclidean() | Squared():
                return self._with_count(self.gap_squares.sum(), self.positions * self.channels)
            case Cosine(centred=False, reading="position"):
                return self._with_count(self.angle, self.positions)
            case Cosine(centred=False, reading="flattened"):
                return torch.stack([p.sum() for p in self._products])
            case Cosine(centred=False, reading="channel"):
                return self._with_count(from_products(*self._products).sum(), self.channels)
            case StructureTexture():
                return self._structure_texture(readout)
            case Statistics(moments="mean"):
                return torch.stack([self._gap_of_means.square().sum()])
            case Statistics(moments="mean-std"):
                squares = self._gap_of_means.square() + self._gap_of_stds.square()
                return torch.stack([squares.sum()])
            case _:
                return readout.measure(self.features, self.reference.features)[0]

    @property
    def by_channel(self) -> Tensor:
        """Mean squared difference of every channel, (C,)."""
        return torch.div(self.gap_squares, self.positions)

    def _with_count(self, total: Tensor, count: int) -> Tensor:
        return torch.stack([total, torch.full_like(total, count)])

    @property
    def _products(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.squares, self.reference.squares, self.gap_squares, self.gap_times_sum

    @property
    def _gap_of_means(self) -> Tensor:
        return torch.div(self.gap, self.positions)

    @property
    def _variances(self) -> tuple[Tensor, Tensor]:
        """Variances of both images: the distorted one's from the reference's and the gap."""
        # Around the reference's mean m: sum (f - m)^2 = sum (g - m)^2 + sum d (f + g - 2m).
        reference = self.reference
        spread = reference.spread + self.gap_times_sum - 2 * reference.mean * self.gap
        distorted = spread / self.positions - self._gap_of_means**2
        return distorted.clamp_min(0), reference.spread / self.positions

    @property
    def _gap_of_stds(self) -> Tensor:
        distorted, reference = self._variances
        gap = self.gap_times_sum / self.positions - self._gap_of_means * (
            self._gap_of_means + 2 * self.reference.mean
        )
        return ratio(gap, safe_sqrt(distorted) + safe_sqrt(reference))

    def _structure_texture(self, readout: StructureTexture) -> Tensor:
        mean_g, mean_f = self.reference.mean, self.reference.mean + self._gap_of_means
        texture = self._gap_of_means**2 / (mean_f**2 + mean_g**2 + readout.c1)
        of_gap = (self.gap_squares / self.positions - self._gap_of_means**2).clamp_min(0)
        structure = of_gap / (sum(self._variances) + readout.c2)
        return self._with_count((texture + structure).sum(), 2 * self.channels)


def _computing_type(rows: Tensor) -> torch.dtype:
    """Float32, or float64 for small maps: few positions leave no rounding to average out."""
    return finest(rows) if rows.numel() <= _SMALL else widest(rows.dtype)


class _Workspace:
    """Blocks of rows, and memory that the work on every block uses again."""

    def __init__(self, rows: Tensor, buffers: int, across: int, down: int) -> None:
        step = len(rows)
        if rows.device.type == "cpu":
            step = min(step, max(1, _BLOCK_FEATURES // rows.shape[1]))
        kind = _computing_type(rows)
        self.slices = [slice(i, i + step) for i in range(0, len(rows), step)]
        self._buffers = rows.new_empty(buffers, step, rows.shape[1], dtype=kind)
        self.across = rows.new_empty(across, len(rows), dtype=kind)
        self._partial = rows.new_empty(len(self.slices), down, rows.shape[1], dtype=kind)

    def buffers(self, count: int) -> tuple[Tensor, ...]:
        return self._buffers[:, :count].unbind()

    def reduce(self, i: int, down: Sequence[Tensor], across: Sequence[Tensor]) -> None:
        for values, total in zip(down, self._partial[i].unbind(), strict=True):
            torch.sum(values, 0, out=total)
        for values, total in zip(across, self.across[:, self.slices[i]].unbind(), strict=True):
            torch.sum(values, 1, out=total)

    def sums(self) -> tuple[Tensor, Tensor]:
        return accumulate(self._partial, 0), self.across


@torch.no_grad()
def _own_sums(rows: Tensor, shift: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Sum values and squares over positions, (2, C), and squares over channels, (1, P)."""
    work = _Workspace(rows, 2, 1, 2)
    for i, block in enumerate(work.slices):
        values, squares = work.buffers(len(rows[block]))
        values.copy_(rows[block])
        if shift is not None:
            values.sub_(shift)
        torch.mul(values, values, out=squares)
        work.reduce(i, (values, squares), (squares,))
    return work.sums()


@torch.no_grad()
def _pair_sums(f: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """Sum d, d^2, d (f + g) and f^2 over positions, (4, C), and the last three over channels."""
    kind = _computing_type(f)
    work = _Workspace(f, 4, 3, 4)
    for i, block in enumerate(work.slices):
        a, b = f[block].to(kind), g[block].to(kind)
        gap, total, gap_squares, squares = work.buffers(len(a))
        torch.sub(a, b, out=gap)
        torch.add(a, b, out=total)
        torch.mul(gap, gap, out=gap_squares)
        torch.mul(a, a, out=squares)
        total.mul_(gap)
        work.reduce(i, (gap, gap_squares, total, squares), (gap_squares, total, squares))
    return work.sums()
