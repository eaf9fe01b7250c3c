"""Images with human scores."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from snellen.datasets._rows import Numbers, Paths, Rows, Texts, arrow_array


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


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Dataset(Rows):
    """Images with human scores.

    Every column has one entry per image, and cannot be written to.

    Parameters
    ----------
    name, citation, protocol
        Which database, the work to cite, and what is to know before comparing with published
        numbers.
    type, split
        Distortion, in the words of the release, and ``"train"``, ``"validation"``, ``"test"`` or
        empty.
    image, reference
        Paths; a reference is None where there is none.
    content
        What the image shows: the reference's name, or the image's own where there is none. Images
        of one content are not independent; `snellen.agreement` resamples contents.
    level
        Level of the distortion (NaN where there is none).
    score, score_std
        Human score and the standard deviation that the release gives (NaN where it gives none).
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
        first = {name: arrow_array(getattr(self, name)) for name in RatedImage._fields}
        return first | {name: arrow_array(column) for name, column in self.extra.items()}

    def _facts(self) -> dict[str, Any]:
        return super()._facts() | {"higher_better": self.higher_better, "range": self.range}
