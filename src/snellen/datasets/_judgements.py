"""Choices between images, and pairs that look the same or not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from numpy.typing import ArrayLike

from snellen.datasets._rows import Numbers, Paths, Rows


class Triplet(NamedTuple):
    """One row of `Comparisons`."""

    reference: Path
    p0: Path
    p1: Path
    human: float
    type: str
    split: str


class JndPair(NamedTuple):
    """One row of `JndPairs`."""

    p0: Path
    p1: Path
    same: float
    type: str
    split: str


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Comparisons(Rows):
    """Triplets: which of two distorted images is nearer to the reference (2AFC).

    Parameters
    ----------
    name, citation, protocol, type, split
        As in `Dataset`.
    reference, p0, p1
        Paths of the reference and of the two candidates.
    human
        Fraction of people, in [0, 1], who found `p1` nearer.
    """

    reference: Paths
    p0: Paths
    p1: Paths
    human: Numbers

    def __iter__(self) -> Iterator[Triplet]:
        return (Triplet(*row) for row in self._rows(Triplet._fields))

    def subset(
        self,
        mask: ArrayLike | None = None,
        *,
        types: Iterable[str] | None = None,
        split: str | None = None,
    ) -> Self:
        """Return the rows that meet every condition given; see `Dataset.subset`."""
        return self._take(self._selected(mask, types, split))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class JndPairs(Rows):
    """Pairs of images that people took for the same or not (just noticeable difference).

    Parameters
    ----------
    name, citation, protocol, type, split
        As in `Dataset`.
    p0, p1
        Paths of the two images.
    same
        Fraction of people, in [0, 1], who saw no difference.
    """

    p0: Paths
    p1: Paths
    same: Numbers

    def __iter__(self) -> Iterator[JndPair]:
        return (JndPair(*row) for row in self._rows(JndPair._fields))

    def subset(
        self,
        mask: ArrayLike | None = None,
        *,
        types: Iterable[str] | None = None,
        split: str | None = None,
    ) -> Self:
        """Return the rows that meet every condition given; see `Dataset.subset`."""
        return self._take(self._selected(mask, types, split))
