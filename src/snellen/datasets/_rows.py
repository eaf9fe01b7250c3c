"""Frozen tables: equally long columns that can be subset, iterated and exported."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from snellen.errors import DatasetError

Paths = NDArray[np.object_]
Texts = NDArray[np.str_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Rows:
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
        return {name: arrow_array(column) for name, column in self._columns().items()}

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


def arrow_array(column: NDArray[Any]) -> pa.Array:
    """Return a column for Arrow: paths as text, missing ones null."""
    if column.dtype == np.object_:
        texts = [None if path is None else str(path) for path in column]
        return pa.array(texts, type=pa.string())
    return pa.array(column.tolist(), type=pa.string() if column.dtype.kind == "U" else pa.float64())
