"""Distorted crops of natural images, and what the teachers say of each: the targets of Fovea.

Of every photograph one crop of 256 x 256 pixels is distorted in twelve ways: five types at two
levels each, a combination of two types, and either a combination of three or a random pipeline.
Each pair is measured by the classical metrics `CLASSICAL`, which see the images at half size
(where they do not halve them themselves), and by a real network, SqueezeNet 1.0, at half size. No
score of any person is involved. One file a photograph: what exists is not made again.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.distortions import create_distortion, derived_seed, list_distortions
from snellen.images import find_images, read_image
from snellen.metrics import Metric, create_metric

CROP = 256
CLASSICAL = ("mdsi", "vsi", "fsim", "haarpsi", "gmsd")
MEMBERS = (*CLASSICAL, "squeezenet")
CONSENSUS = ("mdsi", "vsi", "fsim", "haarpsi", "squeezenet")
"""Members whose Gaussianised ranks are averaged, fixed before anything was trained: the four
teachers of `rr-gabor`, which see colour, and a network."""
HALVED = ("mdsi", "vsi", "fsim", "squeezenet")
"""Members that see images at half size; the others halve them themselves."""

HELD_OUT = frozenset(
    {
        "tid-masked-noise", "multiplicative-noise", "tid-multiplicative-noise", "jpeg2000",
        "tid-jpeg2000", "avif", "mean-shift", "tid-mean-shift", "tid-chromatic-aberration",
        "pixelate", "saturation-lab", "contrast-compression",
    }
)  # fmt: skip
"""Types that ablations do not train on."""


@dataclass(frozen=True)
class Pairs:
    """Crops, distorted versions and targets, in memory."""

    references: Tensor
    distorted: Tensor
    scores: np.ndarray
    specs: np.ndarray

    def __len__(self) -> int:
        return len(self.references)

    @property
    def types(self) -> list[list[set[str]]]:
        """Names of the types in every distorted version, by content."""
        return [[{s.split(":")[0] for s in one.split("+")} for one in row] for row in self.specs]


def teachers(weights: Path) -> dict[str, Metric]:
    """Make the metrics that give the targets."""
    network = create_metric(
        "dfb-squeezenet1_0",
        weights=weights,
        readout="structure-texture",
        layers=("relu1", "fire2", "fire3", "fire4", "fire5", "fire6", "fire7", "fire8", "fire9"),
    )
    return {**{name: create_metric(name) for name in CLASSICAL}, "squeezenet": network}


def draw_specs(seed: int) -> list[str]:
    """Draw twelve distortions."""
    random = np.random.default_rng(seed)
    names = [one.name for one in list_distortions()]
    specs = []
    for name in random.choice(names, 5, replace=False):
        levels = random.choice(np.arange(1, 6), 2, replace=False)
        specs += [f"{name}:{level}" for level in sorted(levels)]
    for count in (2, 3):
        chosen = random.choice(names, count, replace=False)
        specs.append("+".join(f"{name}:{random.integers(1, 4)}" for name in chosen))
    if random.random() < 0.5:
        specs[-1] = f"random@{seed}"
    return specs


def measure(members: dict[str, Metric], distorted: Tensor, reference: Tensor) -> np.ndarray:
    """Measure distorted versions of one image by every member: (N, members), higher = worse."""
    full = (distorted, reference)
    half = tuple(F.avg_pool2d(image, 2) for image in full)
    columns = []
    for name, metric in members.items():
        score = metric(*(half if name in HALVED else full))
        columns.append(score if metric.lower_better else -score)
    return torch.stack(columns, 1).numpy().astype(np.float64)


def make_targets(file: Path, members: dict[str, Metric], output: Path) -> None:
    """Make the pairs of one photograph, unless they exist."""
    if output.exists():
        return
    seed = derived_seed(0, file.stem)
    image = read_image(file)
    height, width = image.shape[1:]
    random = np.random.default_rng(seed)
    top, left = (int(random.integers(0, side - CROP + 1)) for side in (height, width))
    reference = image[None, :, top : top + CROP, left : left + CROP]
    specs = draw_specs(seed)
    distorted = torch.cat([create_distortion(s)(reference, seed=seed) for s in specs])
    # Images in files have eight bits, and so has the cache.
    distorted = _bytes(distorted).float() / 255
    scores = measure(members, distorted, reference)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".part.npz")
    arrays: dict[str, Any] = {
        "reference": _bytes(reference)[0].numpy(),
        "distorted": _bytes(distorted).numpy(),
        "scores": scores,
        "specs": np.array(specs),
    }
    np.savez(partial, **arrays)
    partial.replace(output)


def _bytes(images: Tensor) -> Tensor:
    return (images * 255).round().clamp(0, 255).to(torch.uint8)


def large_enough(folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the images of folders from which a crop can be taken."""
    for folder in folders:
        for file in find_images(folder):
            if min(read_image(file).shape[1:]) >= CROP:
                yield file


def make_all(folders: Sequence[Path], weights: Path, cache: Path, every: int = 1) -> Iterator[Path]:
    """Make the targets of folders of photographs, and yield the file of each."""
    members = teachers(weights)
    files = list(large_enough(folders))[::every]
    # In an order without system, so that a part of them is a fair sample.
    order = np.random.default_rng(0).permutation(len(files))
    for i in order:
        file = files[int(i)]
        output = cache / f"{file.parent.name}-{file.stem}.npz"
        make_targets(file, members, output)
        yield output


def load_pairs(files: Iterable[Path]) -> Pairs:
    """Read pairs into memory."""
    parts = [np.load(file) for file in files]
    return Pairs(
        torch.from_numpy(np.stack([part["reference"] for part in parts])),
        torch.from_numpy(np.stack([part["distorted"] for part in parts])),
        np.stack([part["scores"] for part in parts]),
        np.stack([part["specs"] for part in parts]),
    )


def shared_data() -> Path:
    """Return the folder of outside data."""
    here = Path(__file__).parents[3] / "shared"
    return Path(os.environ.get("SNELLEN_SHARED", here)) / "data"
