"""Diagnosers by name or file, and fitted to pristine images."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch

from snellen.backbones import Backbone, create_backbone
from snellen.diagnosis._diagnoser import Diagnoser
from snellen.diagnosis._diagnosis import CLEAN, UNKNOWN
from snellen.diagnosis._examples import Examples, make_examples
from snellen.diagnosis._samples import Draw
from snellen.diagnosis._storage import read_diagnoser, rounded
from snellen.diagnosis._training import Recipe, fit_part
from snellen.distortions import DistortionType
from snellen.errors import DistortionError, WeightsError
from snellen.images import ImagePolicy

DIAGNOSERS = ("gabor",)
"""Names of the diagnosers that come with the package."""

LIMIT = 0.95
"""Share of known images that must be less unusual than one that shows none of them."""


def create_diagnoser(
    name: str | os.PathLike[str] = "gabor",
    *,
    backbone: Backbone | None = None,
    limit: float | None = None,
    device: str | torch.device = "cpu",
    policy: ImagePolicy | None = None,
) -> Diagnoser:
    """Make a diagnoser that was fitted before.

    Parameters
    ----------
    name
        One of `DIAGNOSERS`, or a file that `Diagnoser.save` wrote.
    backbone
        The network that it was fitted with; needed where that came from a file or was your own,
        otherwise made by its name.
    limit
        Unfamiliarity, 0 to 1, above which the verdict is "none of these"; the file's own by
        default, and never with 1.1 or more.
    device
        Where the network computes.
    policy
        How image files are decoded.

    Returns
    -------
    Diagnoser

    Raises
    ------
    WeightsError
        There is no such diagnoser, its file cannot be read, or the network is another one.

    Examples
    --------
    >>> "jpeg" in create_diagnoser("gabor").families
    True
    """
    if isinstance(name, str) and name in DIAGNOSERS:
        inside = files("snellen.diagnosis").joinpath(f"data/diagnoser-{name}.safetensors")
        with as_file(inside) as path:
            document, parts = read_diagnoser(path)
    else:
        document, parts = read_diagnoser(_existing(name))
    network = _backbone(document["backbone"], backbone, str(name)).to(device)
    return Diagnoser(
        network,
        tuple(document["layers"]),
        tuple(document["families"]),
        parts["alone"],
        parts["paired"],
        float(document["limit"] if limit is None else limit),
        document["facts"],
        policy or ImagePolicy(),
    )


def _existing(name: str | os.PathLike[str]) -> Path:
    path = Path(name)
    if not path.exists():
        raise WeightsError(
            f"{path}: no such diagnoser: expected {', '.join(DIAGNOSERS)}, or a file that "
            "`fit_diagnoser(...).save` wrote."
        )
    return path


def _backbone(manifest: dict[str, Any], given: Backbone | None, name: str) -> Backbone:
    if given is None:
        try:
            given = create_backbone(manifest["name"])
        except Exception as error:
            raise WeightsError(
                f"{name}: its network {manifest['name']} cannot be made by name ({error}); pass "
                "it as backbone=."
            ) from error
    there, here = manifest["weights"]["sha256"], given.weights_sha256
    if (manifest["name"], there) != (given.name, here):
        raise WeightsError(
            f"{name}: was fitted with {manifest['name']}, weights {there[:12]}...; got "
            f"{given.name}, weights {here[:12]}...: pass that network as backbone=."
        )
    return given


def fit_diagnoser(
    backbone: Backbone | str,
    images: Sequence[str | os.PathLike[str]] | Examples,
    types: Sequence[DistortionType] | None = None,
    *,
    draw: Draw | None = None,
    recipe: Recipe | None = None,
    layers: Sequence[str] | None = None,
    limit: float = LIMIT,
    seed: int = 0,
    progress: Callable[[], None] | None = None,
) -> Diagnoser:
    """Fit a diagnoser to pristine images: nobody's opinion is needed.

    Parameters
    ----------
    backbone
        Network, or its name.
    images
        Files of pristine images, two at least, some hundred for use; or examples that
        `make_examples` made with the same network, whose options are then left out here.
    types
        Distortions that it is to know; the whole catalogue by default.
    draw
        How many samples to make of each image.
    recipe
        How the heads are fitted.
    layers
        Names; every listed layer by default, without the simple cells of ``gabor``.
    limit
        Unfamiliarity above which the verdict is "none of these".
    seed
        Same seed, same diagnoser, on one thread of one machine.
    progress
        Called after every image.

    Returns
    -------
    Diagnoser

    Raises
    ------
    ImageError
        There are fewer than two images, or one cannot be read or is too small.
    DistortionError
        A type has a name that would read as a verdict.
    """
    network = create_backbone(backbone) if isinstance(backbone, str) else backbone
    if isinstance(images, Examples):
        examples = images
    else:
        examples = make_examples(
            network, images, types, draw=draw, layers=layers, seed=seed, progress=progress
        )
    _check_families(examples.families)
    chosen = recipe or Recipe()
    alone, paired = (
        rounded(fit_part(examples, paired=flag, seed=seed, recipe=chosen)) for flag in (False, True)
    )
    return Diagnoser(
        network,
        tuple(examples.facts["layers"]),
        examples.families,
        alone,
        paired,
        limit,
        _condensed(examples.facts, seed),
        ImagePolicy(),
    )


def _condensed(facts: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Name the images by one hash of all."""
    digests = facts["images"]
    joined = hashlib.sha256("".join(digests).encode()).hexdigest()
    return {
        "types": facts["types"],
        "made": facts["made"],
        "images_sha256": joined,
        "seed": seed,
    }


def _check_families(families: Sequence[str]) -> None:
    """Refuse names that a verdict could not be told from."""
    for name in families:
        if name in (CLEAN, UNKNOWN) or " + " in name:
            raise DistortionError(
                f"a family cannot be called {name!r}: it would read as a verdict."
            )
