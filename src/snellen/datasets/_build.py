"""What a loader hands over, with the columns filled in that its release does not have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.errors import DatasetError


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """Columns of a `Dataset` as a release gives them; see there for their meaning.

    `note` is added to the protocol: what this copy of the release decided.
    """

    image: Sequence[Path]
    score: ArrayLike
    reference: Sequence[Path | None] | None = None
    content: Sequence[str] | None = None
    type: Sequence[str] | str = ""
    level: ArrayLike | None = None
    score_std: ArrayLike | None = None
    split: Sequence[str] | str = ""
    extra: Mapping[str, ArrayLike] = field(default_factory=dict)
    note: str = ""

    def columns(self, name: str) -> dict[str, Any]:
        """Return the columns as arrays, checked."""
        if not self.image:
            raise DatasetError(f"{name}: the score table has no rows.")
        size = len(self.image)
        score = _numbers(self.score, size)
        if bad := np.flatnonzero(~np.isfinite(score)).tolist():
            raise DatasetError(f"{name}: {self.image[bad[0]]} has the score {score[bad[0]]}.")
        references = self.reference or [None] * size
        shown = [
            reference or image for reference, image in zip(references, self.image, strict=True)
        ]
        return {
            "image": paths(self.image),
            "reference": paths(references),
            "content": np.array(self.content or _names(shown), dtype=np.str_),
            "type": _texts(self.type, size),
            "level": _numbers(self.level, size),
            "score": score,
            "score_std": _numbers(self.score_std, size),
            "split": _texts(self.split, size),
            "extra": {key: _numbers(value, size) for key, value in self.extra.items()},
        }


def _names(shown: Sequence[Path]) -> list[str]:
    """Names without folder and suffix, or whole paths where those names are not enough."""
    names = [path.stem for path in shown]
    unique = len(set(names)) == len(set(shown))
    return names if unique else [path.with_suffix("").as_posix() for path in shown]


def paths(values: Sequence[Path | None]) -> NDArray[np.object_]:
    """Return paths as an array of objects."""
    column = np.empty(len(values), dtype=np.object_)
    column[:] = values
    return column


def _texts(values: Sequence[str] | str, size: int) -> NDArray[np.str_]:
    return np.array([values] * size if isinstance(values, str) else values, dtype=np.str_)


def _numbers(values: ArrayLike | None, size: int) -> NDArray[np.float64]:
    return np.full(size, np.nan) if values is None else np.array(values, dtype=np.float64)
