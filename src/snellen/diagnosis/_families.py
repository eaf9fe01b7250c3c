"""Families of types that are physically the same, on one scale of severity.

JPEG of KADID-10k and JPEG of TID2013 differ in their five qualities, not in kind: a diagnosis that
told them apart would only split its probability between synonyms. Every family has a ladder, the
levels of its first type; levels of the others lie on it where they do as much to natural images
(root mean squared change), and half a level below the first rung where they do less.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from snellen.distortions import LEVELS, DistortionType


@dataclass(frozen=True)
class Finding:
    """What is to be found in an image after one step of distortion.

    Attributes
    ----------
    family
        Name of the family.
    severity
        On the family's ladder, 0.5 to 5; not a number where levels have no order of severity.
    """

    family: str
    severity: float


_OWN = tuple(float(level) for level in LEVELS)
_UNORDERED = (math.nan,) * len(LEVELS)

_LADDERS: dict[str, tuple[str, tuple[float, ...]]] = {
    "gaussian-blur": ("blur", _OWN),
    "tid-gaussian-blur": ("blur", (2, 2.3, 3, 3.7, 4.7)),
    "lens-blur": ("blur", (2, 3, 4, 4.4, 4.7)),
    "white-noise": ("noise", _OWN),
    "tid-gaussian-noise": ("noise", (0.5, 1, 2, 3.5, 4.7)),
    "white-noise-ycbcr": ("color-noise", _OWN),
    "tid-color-noise": ("color-noise", (1.1, 1.4, 2, 3, 4)),
    "tid-impulse-noise": ("impulse-noise", (1.3, 1.8, 2.6, 3.6, 5)),
    "tid-multiplicative-noise": ("multiplicative-noise", (1.5, 2.1, 3.1, 4.1, 4.9)),
    "tid-denoise": ("denoise", (0.5, 0.5, 0.8, 1.5, 3.9)),
    "tid-jpeg": ("jpeg", (0.5, 0.5, 3.1, 3.9, 5)),
    "tid-jpeg2000": ("jpeg2000", (0.5, 1, 2.3, 4.1, 5)),
    "saturation-hsv": ("desaturation", _OWN),
    "tid-saturation": ("desaturation", (0.5, 0.5, 0.7, 1.1, 2.7)),
    "saturation-lab": ("oversaturation", _OWN),
    "tid-color-quantization-dither": ("color-quantization", (0.5, 1.3, 3.7, 4.8, 5)),
    "tid-quantization": ("quantization", (0.5, 1.2, 3.3, 4.5, 5)),
    "non-eccentricity-patch": ("patches", _OWN),
    "tid-non-eccentricity-patch": ("patches", (1.1, 1.8, 4.7, 5, 5)),
    "tid-block": ("color-block", _UNORDERED),
    "contrast-compression": ("contrast-loss", _OWN),
    "gamma-contrast": ("darken", (2.3, 3.5, 4.2, 4.7, 5)),
}

_SIGNED: dict[str, tuple[tuple[str, float] | None, ...]] = {
    "mean-shift": (("brighten", 2.7), ("brighten", 2), None, ("darken", 2.9), ("darken", 3.7)),
    "tid-mean-shift": (
        ("darken", 1.1),
        ("brighten", 0.9),
        ("darken", 2.9),
        ("brighten", 2.4),
        ("darken", 3.8),
    ),
    # No type of the catalogue only raises contrast: the rungs are those of these two, in order.
    "contrast": (
        ("contrast-gain", 5),
        ("contrast-gain", 4),
        ("contrast-gain", 2),
        ("contrast-loss", 1.1),
        ("contrast-loss", 2.1),
    ),
    "tid-contrast": (
        ("contrast-loss", 0.5),
        ("contrast-gain", 1),
        ("contrast-loss", 0.9),
        ("contrast-gain", 3),
        ("contrast-loss", 1.8),
    ),
}


_COMPOUNDS = {"noisy-compression": ("noise", "jpeg")}


def group_of(kind: DistortionType, level: int) -> str | None:
    """Name the family of a type at a level; None where it leaves images as they are."""
    rung = _rung(kind, level)
    return None if rung is None else rung[0]


def findings_of(kind: DistortionType, level: int) -> tuple[Finding, ...]:
    """Say what there is to be found after a distortion.

    Parameters
    ----------
    kind
        Type; one that the catalogue does not know is a family of its own.
    level
        1 to 5.

    Returns
    -------
    tuple of Finding
        Empty where this level leaves images as they are; two, without severity, where a type is
        itself made of two: noise that was then compressed.
    """
    rung = _rung(kind, level)
    if rung is None:
        return ()
    if parts := _COMPOUNDS.get(rung[0]):
        return tuple(Finding(family, math.nan) for family in parts)
    return (Finding(*rung),)


def _rung(kind: DistortionType, level: int) -> tuple[str, float] | None:
    if kind.name in _SIGNED:
        return _SIGNED[kind.name][level - 1]
    family, ladder = _LADDERS.get(kind.name, (kind.name.removeprefix("tid-"), _OWN))
    return family, ladder[level - 1]


def families_of(types: Sequence[DistortionType]) -> tuple[str, ...]:
    """List the families of types, in the order in which they first come."""
    found = [one for kind in types for level in LEVELS for one in findings_of(kind, level)]
    return tuple(dict.fromkeys(finding.family for finding in found))
