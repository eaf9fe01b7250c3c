"""Distorted images made from pristine ones: what a diagnoser learns from, without any opinion."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from snellen.diagnosis._description import SMALLEST_SIDE
from snellen.diagnosis._families import Finding, findings_of, group_of
from snellen.distortions import LEVELS, DistortionType
from snellen.errors import ImageError
from snellen.images import as_image_batch

INVISIBLE = 1.0
"""Root mean squared change in grey values of 8 bits below which there is nothing to find."""

_SIDES = (128, 160, 192, 224)
_CAMERA_ORDER = ("color", "brightness", "sharpness-contrast", "spatial", "blur", "noise")
_CAMERA = (
    ("blur",),
    ("noise",),
    ("jpeg",),
    ("blur", "jpeg"),
    ("noise", "jpeg"),
    ("blur", "noise"),
)
_USUAL_PAIRS = (("blur", "compression"), ("noise", "compression"), ("blur", "noise"))


@dataclass(frozen=True)
class Draw:
    """How many samples of each kind are made of an image.

    Attributes
    ----------
    crops
        Places and scales at which an image is used; every one gives one clean sample.
    singles, pairs
        Samples with one and with two distortions, per crop.
    cameras
        Samples of what cameras do most, per crop: one or two of blur, noise and JPEG.
    """

    crops: int = 2
    singles: int = 6
    pairs: int = 3
    cameras: int = 0


@dataclass(frozen=True)
class Sample:
    """A distorted image, and what is to be found in it.

    Attributes
    ----------
    image
        (1, 3, H, W), 8-bit values.
    spec
        As `snellen.distortions.create_distortion` takes it; empty for a clean image.
    findings
        Those of each visible step, in order.
    """

    image: Tensor
    spec: str
    findings: tuple[Finding, ...]


def samples_of(
    image: str | os.PathLike[str], types: Sequence[DistortionType], draw: Draw, seed: Sequence[int]
) -> Iterator[list[Sample]]:
    """Make samples of one pristine image.

    Parameters
    ----------
    image
        The file.
    types
        What may happen to it; every family is equally likely, and every type of a family.
    draw
        How many samples.
    seed
        Whole numbers; the same give the same samples.

    Yields
    ------
    list of Sample
        Of one crop, all of one size; the first is the clean one.

    Raises
    ------
    ImageError
        The image cannot be read, or is too small.
    """
    random = np.random.default_rng(list(seed))
    pristine = as_image_batch(image)
    if min(pristine.shape[2:]) < SMALLEST_SIDE:
        raise ImageError(f"{image}: less than {SMALLEST_SIDE} pixels on a side; leave it out.")
    groups = _by_family(types)
    for _ in range(draw.crops):
        crop = _crop(pristine, random)
        plans: list[list[tuple[DistortionType, int]]] = [[]]
        plans += [[_step(groups, random)] for _ in range(draw.singles)]
        plans += [_pair(groups, random) for _ in range(draw.pairs)]
        plans += [_camera(groups, random) for _ in range(draw.cameras)]
        yield [_sample(crop, plan, int(random.integers(2**31))) for plan in plans]


def _by_family(types: Sequence[DistortionType]) -> dict[str, list[tuple[DistortionType, int]]]:
    """List all steps that there are, by what is to be found after them."""
    groups: dict[str, list[tuple[DistortionType, int]]] = {}
    for kind in types:
        for level in LEVELS:
            if (family := group_of(kind, level)) is not None:
                groups.setdefault(family, []).append((kind, level))
    return groups


def _step(
    groups: dict[str, list[tuple[DistortionType, int]]], random: np.random.Generator
) -> tuple[DistortionType, int]:
    family = list(groups)[int(random.integers(len(groups)))]
    kinds = list(dict.fromkeys(kind.name for kind, _ in groups[family]))
    name = kinds[int(random.integers(len(kinds)))]
    steps = [step for step in groups[family] if step[0].name == name]
    return steps[int(random.integers(len(steps)))]


def _pair(
    groups: dict[str, list[tuple[DistortionType, int]]], random: np.random.Generator
) -> list[tuple[DistortionType, int]]:
    """Draw two steps of different families: usual pairs half of the time, else any.

    Three times of four they come in the order of a camera: colour, optics, sensor, coder.
    """
    usual = _USUAL_PAIRS[int(random.integers(len(_USUAL_PAIRS)))]
    wanted: tuple[Any, Any] = usual if random.random() < 0.5 else (None, None)
    first = _drawn(groups, random, wanted[0], "")
    second = _drawn(groups, random, wanted[1], group_of(*first) or "")
    pair = [first, second]
    if random.random() < 0.75:
        pair.sort(key=lambda step: _place(step[0]))
    return pair


def _camera(
    groups: dict[str, list[tuple[DistortionType, int]]], random: np.random.Generator
) -> list[tuple[DistortionType, int]]:
    """Draw one or two of blur, noise and JPEG, in this order; any pair where types lack one."""
    names = _CAMERA[int(random.integers(len(_CAMERA)))]
    if not all(name in groups for name in names):
        return _pair(groups, random)
    return [_step({name: groups[name]}, random) for name in names]


def _drawn(
    groups: dict[str, list[tuple[DistortionType, int]]],
    random: np.random.Generator,
    group: str | None,
    other: str,
) -> tuple[DistortionType, int]:
    possible = {
        family: [step for step in steps if group in (None, step[0].group)]
        for family, steps in groups.items()
        if family != other
    }
    some = {family: steps for family, steps in possible.items() if steps}
    if not some:  # no type of that group was given
        some = {family: steps for family, steps in groups.items() if family != other} or groups
    return _step(some, random)


def _place(kind: DistortionType) -> int:
    order = _CAMERA_ORDER
    return order.index(kind.group) if kind.group in order else len(order)


def _crop(pristine: Tensor, random: np.random.Generator) -> Tensor:
    """Cut out a square, of the image as it is or made smaller, which removes its own traces."""
    short = min(pristine.shape[2:])
    scale = float(random.uniform(0.5, 0.9))
    if random.random() < 0.5 and round(short * scale) >= _SIDES[0]:
        size = [round(side * scale) for side in pristine.shape[2:]]
        pristine = functional.interpolate(pristine, size, mode="bicubic", antialias=True)
        pristine = pristine.clamp(0, 1)
    side = min(int(random.choice(_SIDES)), *pristine.shape[2:])
    # Half of the crops begin on the grid that a coder of the source may have left.
    grid = 8 if random.random() < 0.5 else 1
    top, left = (
        int(random.integers((extent - side) // grid + 1)) * grid for extent in pristine.shape[2:]
    )
    return _rounded(pristine[..., top : top + side, left : left + side].contiguous())


def _sample(crop: Tensor, plan: Sequence[tuple[DistortionType, int]], seed: int) -> Sample:
    image = crop
    findings: list[Finding] = []
    for i, (kind, level) in enumerate(plan):
        before, image = image, kind(image, level, seed=seed + i)
        if _change(before, image) >= INVISIBLE:
            findings += findings_of(kind, level)
    spec = "+".join(f"{kind.name}:{level}" for kind, level in plan)
    return Sample(_rounded(image), spec, tuple(findings))


def _change(before: Tensor, after: Tensor) -> float:
    return float((_rounded(before) - _rounded(after)).square().mean().sqrt()) * 255


def _rounded(image: Tensor) -> Tensor:
    return torch.round(image * 255) / 255
