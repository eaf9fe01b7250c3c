"""Pristine images under distortions of the catalogue: labelled images made when needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from snellen.backbones import file_sha256
from snellen.distortions import (
    LEVELS,
    DistortionType,
    derived_seed,
    find_distortion,
    list_distortions,
)
from snellen.errors import DatasetError, ImageError
from snellen.exam._separation._labelled import Group, Labelled
from snellen.images import find_images, read_image


@dataclass(frozen=True)
class SyntheticSet:
    """Pristine images under distortions of the catalogue; made by `synthetic_set`.

    Every image has seeds of its own, which follow from its file: the same file gives the same
    pixels in any set, and no two images share their noise. Values are rounded to 8 bits, as those
    of images in a database are.

    Parameters
    ----------
    images
        Files.
    types
        Types of the catalogue.
    levels
        Of every type.
    crop
        Side of the square from the middle of each image; None for whole images.
    seed
        Another seed, other noise.
    name
        What tables call it.
    """

    images: tuple[Path, ...]
    types: tuple[DistortionType, ...]
    levels: tuple[int, ...] = LEVELS
    crop: int | None = 256
    seed: int = 0
    name: str = "synthetic"

    def __len__(self) -> int:
        return len(self.images) * len(self.types) * len(self.levels)

    def labelled(self) -> Labelled:
        """Return the labels, and what makes the pixels."""
        rows = list(product(self._contents(), self.types, self.levels))
        severity = [np.nan if kind.signed else float(level) for _, kind, level in rows]
        return Labelled(
            name=self.name,
            type=np.array([kind.name for _, kind, _ in rows]),
            severity=np.array(severity),
            content=np.array([content for content, _, _ in rows]),
            groups=self._groups,
            facts=self.manifest(),
        )

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same images again, as plain values."""
        return {
            "types": {t.name: [t.strength(level) for level in self.levels] for t in self.types},
            "levels": list(self.levels),
            "crop": self.crop,
            "seed": self.seed,
            "files": [path.name for path in self.images],
        }

    def _contents(self) -> list[str]:
        stems = [path.stem for path in self.images]
        return stems if len(set(stems)) == len(stems) else [str(path) for path in self.images]

    def _groups(self) -> Iterator[Group]:
        count = len(self.types) * len(self.levels)
        for i, path in enumerate(self.images):
            positions = list(range(i * count, (i + 1) * count))
            yield Group(positions, [path], partial(self._distorted, path))

    def _distorted(self, path: Path) -> Iterator[Tensor]:
        reference = _center(read_image(path)[None], self.crop, path)
        yield reference
        seed = derived_seed(self.seed, file_sha256(path))
        for kind, level in product(self.types, self.levels):
            yield kind(reference, level, seed=seed).mul(255).round().div(255)


def _center(batch: Tensor, side: int | None, path: Path) -> Tensor:
    if side is None:
        return batch
    height, width = batch.shape[2:]
    if min(height, width) < side:
        raise ImageError(
            f"{path} is {width}x{height} pixels, smaller than the crop of {side}; leave it out, or "
            "give a smaller crop."
        )
    top, left = (height - side) // 2, (width - side) // 2
    return batch[:, :, top : top + side, left : left + side].contiguous()


def synthetic_set(
    images: str | Path | Sequence[str | Path],
    types: Sequence[str | DistortionType] | None = None,
    *,
    levels: Sequence[int] = LEVELS,
    crop: int | None = 256,
    seed: int = 0,
    name: str = "synthetic",
) -> SyntheticSet:
    """Choose pristine images and the distortions to put on them.

    Parameters
    ----------
    images
        Folder, or files.
    types
        Names, or types of your own; those of KADID-10k by default.
    levels
        Of every type, 1 (weakest) to 5.
    crop
        Side of the square from the middle of each image; None for whole images.
    seed
        Another seed, other noise.
    name
        What tables call it.

    Returns
    -------
    SyntheticSet
        Images are made when they are needed.

    Raises
    ------
    ImageError
        The folder does not exist.
    DatasetError
        There are no images, types or levels, or one comes twice.
    DistortionError
        There is no such type or level.
    """
    files = find_images(images) if isinstance(images, str | Path) else [Path(p) for p in images]
    chosen = _find(types)
    found = SyntheticSet(tuple(files), tuple(chosen), tuple(levels), crop, seed, name)
    parts: dict[str, list[Any]] = {
        "images": files,
        "types": [one.name for one in chosen],
        "levels": list(levels),
    }
    for what, values in parts.items():
        if not values or len(set(values)) < len(values):
            told = "none" if not values else f"one twice among {', '.join(map(str, values))}"
            raise DatasetError(f"{name}: expected {what}, each once; found {told} ({images}).")
    for kind, level in product(chosen, levels):
        kind.strength(level)
    return found


def _find(types: Sequence[str | DistortionType] | None) -> list[DistortionType]:
    if types is None:
        return list_distortions(source="KADID-10k")
    return [find_distortion(one) if isinstance(one, str) else one for one in types]
