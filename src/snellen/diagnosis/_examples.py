"""Descriptions of many samples with what is to be found in them: what a fit needs, and no more."""

import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snellen.backbones import Backbone, file_sha256
from snellen.diagnosis._description import describe, layers_of
from snellen.diagnosis._families import families_of
from snellen.diagnosis._samples import Draw, Sample, samples_of
from snellen.distortions import DistortionType, list_distortions
from snellen.errors import DistortionError, ImageError
from snellen.records import replacing

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Examples:
    """Samples as numbers.

    Attributes
    ----------
    images
        (N, D), descriptions of the samples.
    references
        (N, D), descriptions of the pristine images that they were made of.
    severities
        (N, F): 0 where a family is absent, else its severity; not a number where it is present
        without one.
    contents
        (N,), number of the pristine image.
    specs
        (N,), the distortions; empty for clean images.
    families
        F names.
    facts
        Backbone, layers, types and images that they were made of, as plain values.
    """

    images: Floats
    references: Floats
    severities: Floats
    contents: NDArray[np.intp]
    specs: tuple[str, ...]
    families: tuple[str, ...]
    facts: dict[str, Any]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def present(self) -> NDArray[np.bool_]:
        """(N, F), which families are to be found."""
        present: NDArray[np.bool_] = self.severities != 0
        return present

    def where(self, mask: Any) -> "Examples":
        """Return some of the examples, by mask or by index."""
        rows = np.arange(len(self))[mask]
        return replace(
            self,
            images=self.images[rows],
            references=self.references[rows],
            severities=self.severities[rows],
            contents=self.contents[rows],
            specs=tuple(self.specs[i] for i in rows),
        )

    def without(self, families: Sequence[str]) -> "Examples":
        """Return the examples that show none of some families, which they then do not know."""
        kept = [i for i, name in enumerate(self.families) if name not in set(families)]
        left = [i for i in range(len(self.families)) if i not in set(kept)]
        rest = self.where(~self.present[:, left].any(1))
        return replace(
            rest,
            severities=rest.severities[:, kept],
            families=tuple(self.families[i] for i in kept),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a file ``.npz``; folders are made."""
        text = json.dumps({"families": self.families, "facts": self.facts})
        with replacing(path) as file:
            np.savez_compressed(
                file,
                images=self.images,
                references=self.references,
                severities=self.severities,
                contents=self.contents,
                specs=np.array(self.specs, dtype=np.str_),
                text=np.array(text),
            )

    def joined(self, other: "Examples") -> "Examples":
        """Return these examples and others of the same network; equal images are one content.

        Raises
        ------
        DistortionError
            The others were made with other layers or types.
        """
        for name in ("backbone", "layers", "types"):
            if self.facts[name] != other.facts[name]:
                raise DistortionError(f"examples cannot be joined: their {name} differ.")
        number: dict[str, int] = {}
        for digest in self.facts["images"] + other.facts["images"]:
            number.setdefault(digest, len(number))
        contents = [
            np.array([number[digest] for digest in one.facts["images"]])[one.contents]
            for one in (self, other)
        ]
        return Examples(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.references, other.references]),
            np.concatenate([self.severities, other.severities]),
            np.concatenate(contents),
            self.specs + other.specs,
            self.families,
            {
                **self.facts,
                "images": list(number),
                "made": self.facts["made"] + other.facts["made"],
            },
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Examples":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            text = json.loads(str(file["text"]))
            return cls(
                file["images"],
                file["references"],
                file["severities"],
                file["contents"],
                tuple(map(str, file["specs"])),
                tuple(text["families"]),
                text["facts"],
            )


def make_examples(
    backbone: Backbone,
    images: Sequence[str | os.PathLike[str]],
    types: Sequence[DistortionType] | None = None,
    *,
    draw: Draw | None = None,
    layers: Sequence[str] | None = None,
    seed: int = 0,
    progress: Callable[[], None] | None = None,
) -> Examples:
    """Distort pristine images and describe what comes out.

    Parameters
    ----------
    backbone
        Network.
    images
        Files of pristine images.
    types
        Distortions; the whole catalogue by default.
    draw
        How many samples of each image.
    layers
        Names; every listed layer by default, without the simple cells of ``gabor``.
    seed
        Same seed, same samples.
    progress
        Called after every image.

    Returns
    -------
    examples
        In the order of the images.

    Raises
    ------
    ImageError
        There is no image, or one cannot be read or is too small.
    """
    if not images:
        raise ImageError("no pristine images to make examples of: give at least one file.")
    kinds = list_distortions() if types is None else list(types)
    chosen = layers_of(backbone) if layers is None else tuple(layers)
    draw = Draw() if draw is None else draw
    families = families_of(kinds)
    rows: list[tuple[Tensor, Tensor, Floats, int, str]] = []
    for content, path in enumerate(images):
        for samples in samples_of(path, kinds, draw, (seed, content)):
            described = describe(backbone, chosen, torch.cat([s.image for s in samples]))
            rows += [
                (vector, described[0], _severities(sample, families), content, sample.spec)
                for vector, sample in zip(described, samples, strict=True)
            ]
        if progress is not None:
            progress()
    vectors, references, severities, contents, specs = zip(*rows, strict=True)
    return Examples(
        torch.stack(vectors).numpy(),
        torch.stack(references).numpy(),
        np.stack(severities),
        np.array(contents),
        specs,
        families,
        {
            "backbone": backbone.manifest(),
            "layers": list(chosen),
            "types": [kind.name for kind in kinds],
            "images": [file_sha256(path) for path in images],
            "made": [{"images": len(images), "seed": seed, **asdict(draw)}],
        },
    )


def _severities(sample: Sample, families: tuple[str, ...]) -> Floats:
    row = np.zeros(len(families), dtype=np.float32)
    for finding in sample.findings:
        place = families.index(finding.family)
        if row[place] == 0 or not math.isnan(finding.severity):
            row[place] = finding.severity
    return row
