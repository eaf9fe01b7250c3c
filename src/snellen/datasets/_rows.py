"""Tables with human judgements: frozen columns that can be subset, iterated and exported."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from snellen.errors import DatasetError

Paths = NDArray[np.object_]
Texts = NDArray[np.str_]
Numbers = NDArray[np.float64]


class RatedImage(NamedTuple):
    """One row of a `Dataset`."""

    image: Path
    reference: Path | None
    content: str
    type: str
    level: float
    score: float
    score_std: float
    split: str


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
class _Rows:
    """Equally long columns, and facts about all of them."""

    name: str
    citation: str
    protocol: str
    type: Texts
    split: Texts

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self._columns().items()}
        if len(set(lengths.values())) > 1:
            raise DatasetError(f"{self.name}: columns of one table differ in length: {lengths}.")
        for column in self._columns().values():
            column.setflags(write=False)

    def __len__(self) -> int:
        return len(self.type)

    def __repr__(self) -> str:
        types = len(np.unique(self.type))
        return f"{type(self).__name__}({self.name!r}, {len(self)} rows, {types} types)"

    def _columns(self) -> dict[str, NDArray[Any]]:
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, np.ndarray)}

    def _rows(self, names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
        return zip(*(getattr(self, name).tolist() for name in names), strict=True)

    def _selected(
        self, mask: ArrayLike | None, types: Iterable[str] | None, split: str | None
    ) -> NDArray[np.intp]:
        chosen = np.arange(len(self)) if mask is None else _positions(mask, len(self), self.name)
        if types is not None:
            chosen = chosen[self._among("type", types)[chosen]]
        if split is not None:
            chosen = chosen[self._among("split", [split])[chosen]]
        return chosen

    def _among(self, column: str, wanted: Iterable[str]) -> NDArray[np.bool_]:
        wanted = [wanted] if isinstance(wanted, str) else list(wanted)
        there = getattr(self, column)
        if unknown := sorted(set(wanted) - set(there.tolist())):
            known = ", ".join(map(repr, np.unique(there).tolist()))
            raise DatasetError(f"{self.name} has no {column} {unknown[0]!r}; it has {known}.")
        return np.isin(there, wanted)

    def _take(self, chosen: NDArray[np.intp], **changes: Any) -> Self:
        columns: dict[str, Any] = {name: one[chosen] for name, one in self._columns().items()}
        return replace(self, **columns, **changes)

    def _facts(self) -> dict[str, Any]:
        return {"name": self.name, "citation": self.citation, "protocol": self.protocol}

    def _arrow_columns(self) -> dict[str, pa.Array]:
        return {name: _arrow(column) for name, column in self._columns().items()}

    def to_table(self) -> pa.Table:
        """Return all columns as an Arrow table, paths as text.

        Returns
        -------
        pyarrow.Table
            A row per judgement. What holds for all rows (name, citation, protocol, direction) is
            in the schema's metadata under ``snellen``, as JSON.
        """
        facts = {"snellen": json.dumps(self._facts())}
        return pa.table(self._arrow_columns()).replace_schema_metadata(facts)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Dataset(_Rows):
    """Images with human scores.

    Every column has one entry per image, and cannot be written to.

    Parameters
    ----------
    name, citation, protocol
        Which database, the work to cite, and what is to know before comparing with published
        numbers.
    image, reference
        Paths; a reference is None where there is none.
    content
        What the image shows: the reference's name, or the image's own where there is none. Images
        of one content are not independent; `snellen.agreement` resamples contents.
    type, level
        Distortion, in the words of the release, and its level (NaN where there is none).
    score, score_std
        Human score and the standard deviation that the release gives (NaN where it gives none).
    split
        ``"train"``, ``"validation"``, ``"test"``, or empty.
    extra
        Further numeric columns of this database by name, such as ``blur`` and ``jpeg`` of LIVE MD.
    higher_better
        Whether a high score means a good image.
    range
        Lowest and highest possible score, or None where nobody states it.
    unordered
        Types whose level says which variant, not how strong: leave them out of tests of severity.
    """

    image: Paths
    reference: Paths
    content: Texts
    level: Numbers
    score: Numbers
    score_std: Numbers
    extra: Mapping[str, Numbers]
    higher_better: bool
    range: tuple[float, float] | None
    unordered: frozenset[str]

    @property
    def full_reference(self) -> bool:
        """Whether every image has a reference."""
        return all(reference is not None for reference in self.reference)

    @property
    def severity(self) -> Numbers:
        """The level where it orders the strength of the distortion, elsewhere NaN."""
        return np.where(np.isin(self.type, list(self.unordered)), np.nan, self.level)

    def __iter__(self) -> Iterator[RatedImage]:
        return (RatedImage(*row) for row in self._rows(RatedImage._fields))

    def subset(
        self,
        mask: ArrayLike | None = None,
        *,
        types: Iterable[str] | None = None,
        references: Iterable[str] | None = None,
        split: str | None = None,
    ) -> Self:
        """Return the rows that meet every condition given.

        Parameters
        ----------
        mask
            A truth value per row, or positions of rows in the order wanted.
        types
            Distortion types.
        references
            Contents: names of references without folder and suffix.
        split
            One part of the release's own division.

        Returns
        -------
        Dataset
            The same database with fewer rows.

        Raises
        ------
        DatasetError
            A type, content or split does not occur, or the mask does not fit.
        """
        chosen = self._selected(mask, types, split)
        if references is not None:
            chosen = chosen[self._among("content", references)[chosen]]
        return self._take(chosen, extra={name: one[chosen] for name, one in self.extra.items()})

    def _arrow_columns(self) -> dict[str, pa.Array]:
        first = {name: _arrow(getattr(self, name)) for name in RatedImage._fields}
        return first | {name: _arrow(column) for name, column in self.extra.items()}

    def _facts(self) -> dict[str, Any]:
        return super()._facts() | {"higher_better": self.higher_better, "range": self.range}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Comparisons(_Rows):
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
class JndPairs(_Rows):
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


def _positions(mask: ArrayLike, length: int, name: str) -> NDArray[np.intp]:
    chosen = np.asarray(mask)
    if chosen.dtype == np.bool_ and chosen.shape == (length,):
        return np.flatnonzero(chosen)
    if chosen.size == 0:
        return np.zeros(0, dtype=np.intp)
    inside = chosen.dtype.kind in "iu" and chosen.ndim == 1
    if not inside or chosen.min() < 0 or chosen.max() >= length:
        raise DatasetError(
            f"{name}: a mask is {length} truth values or positions from 0 to {length - 1}, "
            f"not {chosen.dtype} of shape {chosen.shape}."
        )
    return chosen.astype(np.intp)


def _arrow(column: NDArray[Any]) -> pa.Array:
    if column.dtype == np.object_:
        texts = [None if path is None else str(path) for path in column]
        return pa.array(texts, type=pa.string())
    return pa.array(column.tolist(), type=pa.string() if column.dtype.kind == "U" else pa.float64())
