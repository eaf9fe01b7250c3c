"""Distortions as they are asked for: one type at a level, or several one after the other."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from snellen.distortions._codecs import library_versions
from snellen.distortions._type import DistortionType, Seed, seeds_of
from snellen.images import as_image_batch


class Step(Protocol):
    """Something that happens to images."""

    @property
    def text(self) -> str:
        """What it is called in a specification."""

    @property
    def random(self) -> bool:
        """Whether the seed matters."""

    def run(self, batch: Tensor, seeds: Sequence[int]) -> Tensor:
        """Distort a checked batch with one seed per image."""

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to do the same again."""


@dataclass(frozen=True)
class TypeStep:
    """A type at a strength; `level` is None where the strength was given itself."""

    type: DistortionType
    strength: float
    level: int | None = None

    @property
    def text(self) -> str:
        """``TYPE:LEVEL``, or ``TYPE@STRENGTH``."""
        if self.level is None:
            short = f"{self.strength:g}"
            exact = short if float(short) == self.strength else repr(self.strength)
            return f"{self.type.name}@{exact}"
        return f"{self.type.name}:{self.level}"

    @property
    def random(self) -> bool:
        """Whether the seed matters."""
        return self.type.random

    def run(self, batch: Tensor, seeds: Sequence[int]) -> Tensor:
        """Distort a checked batch with one seed per image."""
        return self.type.at(batch, self.strength, seed=seeds)

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to do the same again."""
        return {
            "type": self.type.name,
            "level": self.level,
            "strength": self.strength,
            "parameter": self.type.parameter,
            "source": self.type.source,
        }


@dataclass(frozen=True)
class Distortion:
    """One or several steps that images go through in order; made by `create_distortion`.

    Parameters
    ----------
    steps
        What happens to the images, first things first.

    Examples
    --------
    >>> import torch
    >>> from snellen.distortions import create_distortion
    >>> distortion = create_distortion("blur:3+jpeg:2")
    >>> distortion.spec
    'gaussian-blur:3+jpeg:2'
    >>> distortion(torch.rand(2, 3, 32, 32)).shape
    torch.Size([2, 3, 32, 32])
    """

    steps: tuple[Step, ...]

    @property
    def spec(self) -> str:
        """The text from which `create_distortion` makes the same again."""
        return "+".join(step.text for step in self.steps)

    @property
    def random(self) -> bool:
        """Whether the seed matters."""
        return any(step.random for step in self.steps)

    def __call__(self, images: Any, *, seed: Seed = 0) -> Tensor:
        """Distort images.

        Parameters
        ----------
        images
            Anything that `snellen.images.as_image_batch` takes.
        seed
            One for every image alike, or one per image. A type that comes twice draws new random
            numbers the second time.

        Returns
        -------
        distorted
            Tensor (N, 3, H, W), float32, in [0, 1], on the device of the images.

        Raises
        ------
        DistortionError
            A strength is one that its type cannot have, or the number of seeds is not that of
            the images.
        snellen.errors.ImageError
            `images` is no image batch.
        """
        batch = as_image_batch(images)
        seeds = seeds_of(seed, len(batch))
        for place, step in enumerate(self.steps):
            name = _name(step)
            before = sum(_name(other) == name for other in self.steps[:place])
            batch = step.run(batch, [_again(seed, before) for seed in seeds])
        return batch

    def manifest(self, seed: Seed = 0) -> dict[str, Any]:
        """Return what it takes to get the same pixels again.

        Parameters
        ----------
        seed
            The seed, or the seeds, of the call.

        Returns
        -------
        manifest
            Specification, seed, the steps with their strengths and sources, and the versions of
            torch, Pillow and its codecs.
        """
        return {
            "spec": self.spec,
            "seed": seed if isinstance(seed, int) else list(seed),
            "steps": [step.manifest() for step in self.steps],
            "versions": library_versions(),
        }


def _name(step: Step) -> str:
    return re.split("[:@]", step.text)[0]


def _again(seed: int, before: int) -> int:
    """Return another seed where the same type has come before."""
    return derived_seed(seed, f"again {before}") if before else seed


def derived_seed(seed: int, name: str) -> int:
    """Derive from one seed another for each name, such as that of a file.

    Parameters
    ----------
    seed
        Any whole number.
    name
        Any text.

    Returns
    -------
    seed
        The same on every machine; from 0 to 2**48 - 1, which even tables that know only
        floating-point numbers hold exactly.

    Examples
    --------
    >>> derived_seed(0, "kodim01")
    75795460040494
    """
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "little")
