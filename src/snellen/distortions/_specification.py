"""Distortions from text."""

import re
from typing import Any

from torch import Tensor

from snellen.distortions._catalogue import find_distortion
from snellen.distortions._combination import Distortion, Step, TypeStep
from snellen.distortions._pipeline import draw_pipeline
from snellen.distortions._type import Seed
from snellen.errors import DistortionError

_STEP = re.compile(r"(?P<name>[\w-]+)(?:(?P<mark>[:@])(?P<value>[^:@]+))?")
_RANDOM = "random"


def create_distortion(spec: str) -> Distortion:
    """Make a distortion from its specification.

    Parameters
    ----------
    spec
        ``TYPE:LEVEL`` (``"jpeg:3"``), ``TYPE@STRENGTH`` in the unit of the type
        (``"jpeg@35"``), ``random@SEED`` (see `random_distortion`), or several of these, first
        things first, joined by ``+`` (``"blur:3+jpeg:2"``).

    Returns
    -------
    distortion
        Takes images and a seed.

    Raises
    ------
    DistortionError
        A type does not exist, or has no such level.

    Examples
    --------
    >>> create_distortion("jpeg@35").steps[0].strength
    35.0
    >>> create_distortion("blur")
    Traceback (most recent call last):
    ...
    snellen.errors.DistortionError: 'blur': expected TYPE:LEVEL (gaussian-blur:3) or TYPE@STRENGTH
    (gaussian-blur@2); the five levels are sigma in pixels 0.1, 0.5, 1, 2, 5.
    """
    return Distortion(tuple(_step(text.strip()) for text in spec.split("+")))


def _step(text: str) -> Step:
    found = _STEP.fullmatch(text)
    if found is None:
        raise DistortionError(f"{text!r}: expected TYPE:LEVEL (jpeg:3) or TYPE@STRENGTH (jpeg@35).")
    name, mark, value = found.group("name", "mark", "value")
    if name == _RANDOM:
        return draw_pipeline(_pipeline_seed(text, mark, value))
    kind = find_distortion(name)
    if mark == ":":
        level: Any = int(value) if value.isdecimal() else value
        return TypeStep(kind, float(kind.strength(level)), level)
    if mark == "@":
        return TypeStep(kind, _number(value, text))
    levels = ", ".join(f"{strength:g}" for strength in kind.levels)
    raise DistortionError(
        f"{text!r}: expected TYPE:LEVEL ({kind.name}:3) or TYPE@STRENGTH "
        f"({kind.name}@{kind.levels[3]:g}); the five levels are {kind.parameter} {levels}."
    )


def _pipeline_seed(text: str, mark: str | None, value: str | None) -> int:
    if mark != "@" or value is None or not value.isdecimal():
        raise DistortionError(f"{text!r}: expected random@SEED, a whole number from 0.")
    return int(value)


def _number(value: str, text: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise DistortionError(f"{text!r}: {value!r} is no number.") from None


def distort(images: Any, distortion: str | Distortion, *, seed: Seed = 0) -> Tensor:
    """Distort images.

    Parameters
    ----------
    images
        Anything that `snellen.images.as_image_batch` takes.
    distortion
        A specification such as ``"blur:3"`` or ``"blur:3+jpeg:2"``, or a `Distortion`.
    seed
        One for every image alike, or one per image; the same seed gives the same pixels.

    Returns
    -------
    distorted
        Tensor (N, 3, H, W), float32, in [0, 1], on the device of the images.

    Raises
    ------
    DistortionError
        The distortion does not exist, or cannot be applied to these images.
    snellen.errors.ImageError
        `images` is no image batch.

    Examples
    --------
    >>> import torch
    >>> noisy = distort(torch.full((1, 3, 64, 64), 0.5), "white-noise:5", seed=1)
    >>> f"{noisy.var():.3f}"
    '0.010'
    """
    made = create_distortion(distortion) if isinstance(distortion, str) else distortion
    return made(images, seed=seed)


def random_distortion(seed: int) -> Distortion:
    """Draw a compound distortion as blind restoration is trained on.

    Blur, resize, noise and JPEG, twice, with random kernels, sizes and strengths, as in
    Real-ESRGAN [1]_.

    Parameters
    ----------
    seed
        From 0; the same seed draws the same steps. The seed of the call draws the noise.

    Returns
    -------
    distortion
        Its specification is ``random@SEED``; the manifest lists the steps.

    Raises
    ------
    DistortionError
        The seed is negative.

    Notes
    -----
    The ranges and probabilities are the published ones of Real-ESRGAN x4+; images keep their size
    (a scale of 1), JPEG is a real encoder with whole qualities, and borders are replicated.

    References
    ----------
    .. [1] Wang, Xie, Dong, Shan: Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure
       Synthetic Data. ICCV Workshops 2021.

    Examples
    --------
    >>> random_distortion(7).spec
    'random@7'
    """
    return create_distortion(f"{_RANDOM}@{seed}")
