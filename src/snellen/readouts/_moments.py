"""Many readouts of one pair of feature maps from sums that are taken once.

Nearly every readout of a layer follows from a few sums over positions, one per channel, and from
as many over channels, one per position. `Moments` takes all of them in one pass over both maps;
the reference's own sums are kept by `ReferenceMoments` for all its distorted versions. What a
readout makes of them stands in its own file: ``Readout.from_moments``.
"""

from functools import cached_property

import torch
from torch import Tensor

from snellen._threads import alone
from snellen.readouts._pair_sums import PairSums, channel_sums, pair_sums
from snellen.readouts._sums import accumulate, as_rows, check_pair, ratio, safe_sqrt
from snellen.readouts._vector_cosines import positive, unit_gaps

_ALIKE = 2.0**-4  # ratio of squared lengths, f^2 to g^2, from which no rounding shows


class ReferenceMoments:
    """One layer of one reference image, and the sums over it that every comparison needs.

    Parameters
    ----------
    features
        (1, C, h, w); kept as they are.

    Attributes
    ----------
    rows : Tensor
        The same features, (h w, C).
    """

    def __init__(self, features: Tensor) -> None:
        self.features = features
        self.rows = as_rows(features)
        self.squares: Tensor
        self.total_square: float
        self._own: dict[str, Tensor] = {}

    def compare(self, rows: Tensor, means: bool) -> PairSums:
        """Return the sums with another image's rows.

        Of the own sums they bring along, the first time, when the reference is read anyway,
        `squares` by vector and the total of them are kept, and those that are asked for later;
        threads that ask at the same time each take them, and find the same.
        """
        sums = pair_sums(rows, self.rows, own=not self._own, means=means)
        if not self._own:
            # All before `_own`, by which another thread knows that they are there.
            self.squares, self.total_square = positive(sums.by_vector[2]), sums.totals["gg"]
            self._own = {name: sums.by_channel[name] for name in ("gg", "g")[: 1 + means]}
        return sums

    @cached_property
    def mean(self) -> Tensor:
        """Mean of every channel, (C,)."""
        total = self._own["g"] if "g" in self._own else channel_sums(self.rows)
        return total / len(self.rows)

    @cached_property
    def spread(self) -> Tensor:
        """Sum of squared distances from the mean, per channel; exact where a channel is flat."""
        return channel_sums(self.rows, self.mean[None], squared=True)

    @property
    def nbytes(self) -> int:
        """Memory held by the features."""
        return self.features.numel() * self.features.element_size()


class Moments:
    """Sums over one layer f of a distorted image and g of its reference.

    Parameters
    ----------
    features
        Of the distorted image, (1, C, h, w).
    reference
        The same layer of the reference.
    means
        Whether readouts of means or variances will be asked for. They may be in any case, but
        cost another pass over both maps if not announced.

    Attributes
    ----------
    positions, channels : int
        How many there are.
    gap_squares : Tensor
        Sums over positions of (f - g)^2, per channel: (C,), as is all that is said to be so.
    """

    def __init__(self, features: Tensor, reference: ReferenceMoments, means: bool = True) -> None:
        check_pair(features, reference.features)
        self.features, self.reference = features, reference
        self.positions, self.channels = features.shape[2] * features.shape[3], features.shape[1]
        self._rows = as_rows(features)
        self._sums = reference.compare(self._rows, means)
        self.gap_squares = self._sums.by_channel["dd"]

    @property
    def by_channel(self) -> Tensor:
        """Mean squared difference of every channel, (C,)."""
        return torch.div(self.gap_squares, self.positions)

    def as_sums(self, *values: float) -> Tensor:
        """Return numbers as ``Readout.measure`` returns its sums: (K,)."""
        return self.gap_squares.new_tensor(values)

    @property
    def total_gap_square(self) -> float:
        """Sum of (f - g)^2 over positions and channels."""
        return self._sums.totals["dd"]

    @property
    def total_products(self) -> Tensor:
        """Sums of f^2, g^2, d^2 and d (f + g) over positions and channels, d = f - g: (4,)."""
        gg, dd = self.reference.total_square, self.total_gap_square
        ds = dd + 2 * self._sums.totals["dg"]
        ff = gg + ds
        if not ff > gg * _ALIKE:
            ff = channel_sums(self._rows, squared=True).sum().item()
        return self.as_sums(ff, gg, dd, ds)

    @cached_property
    def cosines(self) -> tuple[float, float]:
        """Sums of the cosine distance: over positions, and over channels."""
        return alone(self._take_cosines, self.reference.squares)

    def _take_cosines(self) -> tuple[float, float]:
        products, squares = self._sums.by_vector[:2], self.reference.squares
        gaps = unit_gaps(self._rows, self.reference.rows, products, squares)
        of_positions, of_channels = gaps.tensor_split([self.positions])
        return accumulate(of_positions, 0).item() / 2, accumulate(of_channels, 0).item() / 2

    @cached_property
    def gap_of_means(self) -> Tensor:
        """Mean of f less that of g, per channel."""
        return self._gap / self.positions

    @cached_property
    def _gap(self) -> Tensor:
        """Sum of f - g over positions, per channel."""
        if "d" in self._sums.by_channel:
            return self._sums.by_channel["d"]
        return channel_sums(self._rows, self.reference.rows)

    @cached_property
    def _gap_times_sum(self) -> Tensor:
        """Sum of (f - g)(f + g) over positions, per channel."""
        return torch.add(self.gap_squares, self._sums.by_channel["dg"], alpha=2)

    @property
    def gap_variance(self) -> Tensor:
        """Variance of f - g, per channel."""
        return (self.gap_squares / self.positions - self.gap_of_means**2).clamp_min(0)

    @property
    def variances(self) -> tuple[Tensor, Tensor]:
        """Variances of f and of g, per channel: f's from g's and the gap."""
        # Around the reference's mean m: sum (f - m)^2 = sum (g - m)^2 + sum d (f + g - 2m).
        reference = self.reference
        spread = reference.spread + self._gap_times_sum - 2 * reference.mean * self._gap
        distorted = spread / self.positions - self.gap_of_means**2
        return distorted.clamp_min(0), reference.spread / self.positions

    @property
    def gap_of_stds(self) -> Tensor:
        """Standard deviation of f less that of g, per channel."""
        distorted, reference = self.variances
        gap = self._gap_times_sum / self.positions - self.gap_of_means * (
            self.gap_of_means + 2 * self.reference.mean
        )
        return ratio(gap, safe_sqrt(distorted) + safe_sqrt(reference))
