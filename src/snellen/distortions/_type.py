"""What a type of distortion is: a name, a group, five strengths and what it does to pixels."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor

from snellen.errors import DistortionError
from snellen.images import as_image_batch

Apply: TypeAlias = Callable[[Tensor, float, Sequence[int]], Tensor]
"""Image batch, strength and one seed per image -> image batch of the same shape."""

Seed: TypeAlias = int | Sequence[int]
"""One seed for every image alike, or one per image."""

GROUPS = (
    "blur",
    "noise",
    "compression",
    "color",
    "brightness",
    "spatial",
    "sharpness-contrast",
)
"""Groups of types, in the order in which tables and figures show them."""

LEVELS = (1, 2, 3, 4, 5)
"""Levels of every type; a higher one is a stronger distortion unless the type is signed."""


@dataclass(frozen=True)
class DistortionType:
    """One kind of distortion at any strength.

    Parameters
    ----------
    name
        The field's term: ``"gaussian-blur"``.
    group
        One of `GROUPS`.
    levels
        Five strengths, level 1 first.
    apply
        What happens to the pixels; its input has been checked, its output is in [0, 1].
    parameter
        What the strength is, with its unit: ``"sigma in pixels"``.
    source
        Where the strengths come from: ``"KADID-10k type 1"``, or ``"ours"``.
    signed
        The levels go in two directions and are not ordered by severity (mean shift, contrast).
    random
        The seed matters.

    Examples
    --------
    >>> halve = DistortionType(
    ...     "halve", "brightness", (0.9, 0.8, 0.7, 0.6, 0.5), lambda x, k, seeds: x * k,
    ...     "factor", "ours",
    ... )
    >>> halve(torch.ones(1, 3, 2, 2), 5).unique()
    tensor([0.5000])
    """

    name: str
    group: str
    levels: tuple[float, ...]
    apply: Apply
    parameter: str
    source: str
    signed: bool = False
    random: bool = False

    def __call__(self, batch: Any, level: int, *, seed: Seed = 0) -> Tensor:
        """Distort images at one of the five levels.

        Parameters
        ----------
        batch
            Anything that `snellen.images.as_image_batch` takes.
        level
            1, the weakest, to 5.
        seed
            One for every image alike, or one per image; the same seed gives the same pixels,
            whatever the batch or the device.

        Returns
        -------
        distorted
            Tensor (N, 3, H, W), float32, in [0, 1], on the device of the batch.

        Raises
        ------
        DistortionError
            There is no such level, or the number of seeds is not that of the images.
        snellen.errors.ImageError
            `batch` is no image batch.
        """
        return self.at(batch, self.strength(level), seed=seed)

    def at(self, batch: Any, strength: float, *, seed: Seed = 0) -> Tensor:
        """Distort images at any strength.

        Parameters
        ----------
        batch
            Anything that `snellen.images.as_image_batch` takes.
        strength
            In the unit that `parameter` names; the five levels say what is usual.
        seed
            One for every image alike, or one per image.

        Returns
        -------
        distorted
            Tensor (N, 3, H, W), float32, in [0, 1], on the device of the batch.

        Raises
        ------
        DistortionError
            The strength is not one that the type can have, or the number of seeds is not that
            of the images.
        snellen.errors.ImageError
            `batch` is no image batch.
        """
        if not math.isfinite(strength):
            raise DistortionError(f"{self.name}: strength {strength}, expected a finite number.")
        images = as_image_batch(batch)
        with torch.no_grad():
            return self.apply(images, float(strength), seeds_of(seed, len(images)))

    def strength(self, level: int) -> float:
        """Return the strength of a level.

        Parameters
        ----------
        level
            1 to 5.

        Returns
        -------
        strength
            In the unit that `parameter` names.

        Raises
        ------
        DistortionError
            There is no such level.
        """
        if isinstance(level, bool) or level not in LEVELS:
            raise DistortionError(
                f"{self.name}: level {level!r}, expected a whole number from 1 to 5; for other "
                f"strengths write {self.name}@STRENGTH or call at()."
            )
        return self.levels[int(level) - 1]


def seeds_of(seed: Seed, count: int) -> tuple[int, ...]:
    """Give every image of a batch its seed.

    Parameters
    ----------
    seed
        One for every image alike, or one per image.
    count
        Number of images.

    Returns
    -------
    seeds
        As many as there are images.

    Raises
    ------
    DistortionError
        The number of seeds is not that of the images.
    """
    if isinstance(seed, Integral):
        return (int(seed),) * count
    seeds = tuple(int(value) for value in cast("Sequence[int]", seed))
    if len(seeds) != count:
        raise DistortionError(
            f"{len(seeds)} seeds for {count} images: give one per image, or one for all."
        )
    return seeds
