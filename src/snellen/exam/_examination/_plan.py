"""What an exam shows to its networks, and how much of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.agreement import Resampling
from snellen.backbones import Backbone
from snellen.datasets import Dataset
from snellen.errors import DatasetError
from snellen.exam._exam_run import ExamRun
from snellen.exam._tuning._tuning_stimuli import DEFAULT_SIZE, TuningStimuli
from snellen.images import find_images, read_image
from snellen.metrics import Protocol
from snellen.vision import Viewing, find_csf

if TYPE_CHECKING:
    from snellen.exam._separation._synthetic import SyntheticSet

HOW_TO_GET = {
    "dataset": "It needs images with human scores and their references: give --dataset NAME=PATH "
    "(dataset= in Python), the folder of a database's release or a CSV file of your own.",
    "images": "It needs undistorted images: give --images FOLDER (images= in Python), such as "
    "photographs of your own, a dozen or more, at least 256 pixels high and wide.",
}
"""What is told of a part whose data was not given."""

SELECTIVE_OSI = 1 / 3
"""Least OSI of a channel that counts as orientation-selective: twice the response across."""

OPPONENT = 0.5
"""Color opponency above which a channel prefers a chromatic grating."""

FEWER_IMAGES, FEWER_LEVELS = 12, (1, 3, 5)
_HALF_OCTAVES = 10


@dataclass(frozen=True)
class ExamPlan:
    """Everything that the parts of an exam depend on but the network.

    Parameters
    ----------
    dataset
        Images with human scores.
    images
        Pristine images under distortions.
    layers
        Names of layers, for all networks; all listed ones but those of the classifier by default.
    full
        Show everything; by default fewer gratings.
    resize
        Rule for images with human scores; by default half size, or the only size that a network
        takes.
    resampling
        How intervals are made.
    viewing
        Pixels per degree.
    csf
        Human curve in the efficacy of channels.
    run
        Where to compute, and what is kept.
    """

    dataset: Dataset | None = None
    images: "SyntheticSet | None" = None
    layers: tuple[str, ...] | None = None
    full: bool = False
    resize: str | None = None
    resampling: Resampling = field(default_factory=Resampling)
    viewing: Viewing = field(default_factory=Viewing)
    csf: str = "tariq"
    run: ExamRun = field(default_factory=ExamRun)

    def layers_of(self, backbone: Backbone) -> list[str]:
        """Return names of the layers of a network that are examined."""
        if self.layers is not None:
            return list(self.layers)
        names = [info.name for info in backbone.layers]
        return [name for name in names if not backbone.is_head(name)] or names

    def size_of(self, backbone: Backbone) -> tuple[int, int]:
        """Return height and width of the gratings."""
        return backbone.fixed_size or (DEFAULT_SIZE, DEFAULT_SIZE)

    def stimuli(self, backbone: Backbone) -> TuningStimuli:
        """Return the gratings: all, or those of half octaves, eight orientations, four phases."""
        everything = TuningStimuli(viewing=self.viewing, size=self.size_of(backbone))
        if self.full:
            return everything
        nyquist = self.viewing.nyquist
        return replace(
            everything,
            bar_step=2.0,
            frequencies=tuple(nyquist * 2 ** (-k / 2) for k in range(_HALF_OCTAVES, 0, -1)),
            orientations=tuple(22.5 * k for k in range(8)),
            contrasts=(1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0),
            phases=4,
        )

    def resize_of(self, backbone: Backbone, *, default: str = "half") -> str:
        """Return the rule for the images that a network sees."""
        if self.resize is not None:
            return self.resize
        if backbone.fixed_size is not None:
            height, width = backbone.fixed_size
            return f"{width}x{height}"
        return default

    def area(self, backbone: Backbone) -> float:
        """Return the area of the gratings in square degrees."""
        return math.prod(self.size_of(backbone)) / self.viewing.pixels_per_degree**2

    def human_peak(self, backbone: Backbone) -> float:
        """Return where people see gratings of this size best, in cycles per degree."""
        frequencies = np.geomspace(0.1, 30, 2000)
        curve = find_csf("measured")(frequencies, luminance=100.0, area=self.area(backbone))
        return float(frequencies[int(np.argmax(curve))])

    def grating_megapixels(self, backbone: Backbone) -> float:
        """Return the size of a grating."""
        return math.prod(self.size_of(backbone)) / 1e6

    def rated_megapixels(self, backbone: Backbone) -> float:
        """Return the size of an image with human scores as the network sees it: the first one's."""
        batch = Protocol(self.resize_of(backbone))(read_image(self.rated.image[0])[None])
        return math.prod(batch.shape[2:]) / 1e6

    @property
    def rated(self) -> Dataset:
        """Images with human scores.

        Raises
        ------
        DatasetError
            They were not given.
        """
        if self.dataset is None:
            raise DatasetError(HOW_TO_GET["dataset"])
        return self.dataset

    @property
    def pristine(self) -> "SyntheticSet":
        """Undistorted images under distortions.

        Raises
        ------
        DatasetError
            They were not given.
        """
        if self.images is None:
            raise DatasetError(HOW_TO_GET["images"])
        return self.images

    def digests(self, needs: str | None) -> list[str]:
        """Return hashes of the files of the data that a part needs, where anything is kept."""
        paths: list[Path] = []
        if needs == "images":
            paths = list(self.pristine.images)
        elif needs == "dataset":
            references = (path for path in self.rated.reference if path is not None)
            paths = [*dict.fromkeys(references), *self.rated.image]
        return self.run.digests(paths)

    def dataset_facts(self) -> dict[str, Any] | None:
        """Describe the dataset with what its files do not say."""
        data = self.dataset
        if data is None:
            return None
        contents = len(set(data.content.tolist()))
        return {"name": data.name, "images": len(data), "contents": contents}

    def images_facts(self) -> dict[str, Any] | None:
        """Describe the pristine images."""
        if self.images is None:
            return None
        return {"name": self.images.name, "images": len(self.images), **self.images.manifest()}


def exam_images(
    images: "str | Path | Sequence[str | Path] | SyntheticSet", *, full: bool, crop: int
) -> "SyntheticSet":
    """Choose pristine images, evenly over a folder's names, and the levels of their distortions.

    Raises
    ------
    ImageError
        The folder does not exist.
    DatasetError
        There are no images.
    """
    from snellen.exam._separation._synthetic import SyntheticSet, synthetic_set

    if isinstance(images, SyntheticSet):
        return images
    single = isinstance(images, str | Path)
    files = find_images(images) if isinstance(images, str | Path) else [Path(p) for p in images]
    if not files:
        raise DatasetError(f"images: expected pristine images; found none ({images}).")
    name = Path(str(images)).name if single else "images"
    if full:
        return synthetic_set(files, crop=crop or None, name=name)
    count = min(FEWER_IMAGES, len(files))
    chosen = [files[i * len(files) // count] for i in range(count)]
    return synthetic_set(chosen, levels=FEWER_LEVELS, crop=crop or None, name=name)
