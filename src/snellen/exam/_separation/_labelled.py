"""Distorted images with their types, whether from a database or made from pristine images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from snellen.datasets import Dataset
from snellen.errors import DatasetError
from snellen.exam._references import groups
from snellen.images import read_image

Numbers = NDArray[np.float64]
Texts = NDArray[np.str_]


class Group(NamedTuple):
    """A reference and the images made from it.

    Parameters
    ----------
    positions
        Of the images among all.
    files
        What the pixels come from.
    read
        Gives image batches of one: the reference, then every image in order.
    """

    positions: list[int]
    files: list[Path]
    read: Callable[[], Iterator[Tensor]]


@dataclass(frozen=True)
class Labelled:
    """Images with the type, severity (NaN where there is none) and content of each.

    Parameters
    ----------
    name
        Of the data.
    type, severity, content
        One entry per image.
    groups
        Gives the images, reference by reference.
    facts
        What it takes to get the same images again, where their files do not say it.
    """

    name: str
    type: Texts
    severity: Numbers
    content: Texts
    groups: Callable[[], Iterator[Group]]
    facts: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.type)


class Source(Protocol):
    """Anything that gives labelled images, such as a `SyntheticSet`."""

    def labelled(self) -> Labelled:
        """Return the labels, and what makes the pixels."""
        ...


def labelled(data: Dataset | Source) -> Labelled:
    """Bring either kind of data to one form.

    Raises
    ------
    DatasetError
        An image has no reference or no type, or there are fewer than two types or contents.
    """
    found = _of_dataset(data) if isinstance(data, Dataset) else data.labelled()
    for what, values in (("distortion types", found.type), ("contents", found.content)):
        if len(set(values.tolist())) < 2:
            raise DatasetError(
                f"{found.name}: separability needs at least two {what}; found "
                f"{', '.join(map(repr, set(values.tolist()))) or 'none'}."
            )
    return found


def _of_dataset(data: Dataset) -> Labelled:
    by_reference = groups(data)
    if bare := [path for path, kind in zip(data.image, data.type, strict=True) if not kind]:
        raise DatasetError(
            f"{data.name}: {bare[0]} has no distortion type. Use `subset` to leave such images out."
        )
    return Labelled(
        name=data.name,
        type=np.asarray(data.type).astype(np.str_),
        severity=np.asarray(data.severity, dtype=np.float64),
        content=np.asarray(data.content).astype(np.str_),
        groups=lambda: (
            _group(data, reference, positions) for reference, positions in by_reference.items()
        ),
    )


def _group(data: Dataset, reference: Path, positions: list[int]) -> Group:
    files = [reference, *(data.image[i] for i in positions)]
    return Group(positions, files, lambda: (read_image(path)[None] for path in files))
