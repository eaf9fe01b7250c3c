"""Degraded images and their clean partners, made or found."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from snellen.distortions import derived_seed
from snellen.errors import ImageError, TrainingError
from snellen.images import find_images, pair_images, read_image
from snellen.restoration._degrading import Degradation


@dataclass(frozen=True)
class ImagePair:
    """A clean file, and its degraded partner where that is a file, too."""

    clean: Path
    degraded: Path | None = None


@dataclass(frozen=True)
class PairSource:
    """Where pairs of degraded and clean images come from.

    Parameters
    ----------
    clean
        Folders, or patterns with one ``*`` in the name of the file (``"set5/*_HR.png"``).
    degraded
        As many, for pairs of files: of two folders files pair by name, of two patterns by what
        the ``*`` stands for.
    degrade
        Otherwise, how clean images are degraded; see `Degradation`.
    limit
        Most images, evenly over the list; all by default.

    Raises
    ------
    TrainingError
        Both or neither of `degraded` and `degrade` are given, or a number does not fit.
    """

    clean: tuple[str, ...]
    degraded: tuple[str, ...] = ()
    degrade: str | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if bool(self.degraded) == (self.degrade is not None):
            raise TrainingError("give `degraded` (pairs of files) or `degrade` (a recipe).")
        if not self.clean or (self.degraded and len(self.degraded) != len(self.clean)):
            raise TrainingError("give as many `degraded` as `clean` folders, at least one.")
        if self.limit is not None and self.limit < 1:
            raise TrainingError(f"limit must be at least 1; got {self.limit}.")
        if self.degrade is not None:
            Degradation(self.degrade)

    @property
    def degradation(self) -> Degradation | None:
        """The recipe, if images are degraded here."""
        return None if self.degrade is None else Degradation(self.degrade)

    def find(self) -> list[ImagePair]:
        """Find the files.

        Raises
        ------
        TrainingError
            A folder does not exist or is empty, or an image has no partner.
        """
        try:
            if self.degraded:
                groups = [_paired(*two) for two in zip(self.degraded, self.clean, strict=True)]
            else:
                groups = [[ImagePair(path) for path in _files(one)] for one in self.clean]
        except ImageError as error:
            raise TrainingError(str(error)) from error
        pairs = [pair for group in groups for pair in group]
        if self.limit is None or len(pairs) <= self.limit:
            return pairs
        return [pairs[i * len(pairs) // self.limit] for i in range(self.limit)]


def read_pair(
    pair: ImagePair, degradation: Degradation | None, scale: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Read degraded and clean image (1, 3, H, W), the clean one cut to multiples of the scale.

    Raises
    ------
    TrainingError
        The clean file is not `scale` times as large as the degraded one.
    """
    clean = trimmed(read_image(pair.clean)[None], scale)
    if pair.degraded is None:
        assert degradation is not None
        return degradation(clean, derived_seed(seed, pair.clean.name)), clean
    degraded = read_image(pair.degraded)[None]
    wanted = tuple(side * scale for side in degraded.shape[2:])
    if wanted != tuple(clean.shape[2:]):
        raise TrainingError(
            f"{pair.clean} is {clean.shape[3]}x{clean.shape[2]} pixels, expected "
            f"{wanted[1]}x{wanted[0]}, {scale} times {pair.degraded}."
        )
    return degraded, clean


def trimmed(batch: Tensor, scale: int) -> Tensor:
    """Cut right and lower edge so that both sides are multiples of the scale."""
    height, width = (side // scale * scale for side in batch.shape[2:])
    return batch[..., :height, :width]


def _files(where: str) -> Sequence[Path]:
    path = Path(where)
    if "*" in path.name:
        found = sorted(path.parent.glob(path.name))
        problem = "no file fits this pattern"
    else:
        found = find_images(path)
        problem = "holds no image"
    if not found:
        raise TrainingError(f"{where}: {problem}.")
    return found


def _paired(degraded: str, clean: str) -> list[ImagePair]:
    if ("*" in Path(degraded).name) != ("*" in Path(clean).name):
        raise TrainingError(f"{degraded} and {clean}: give two folders, or two patterns.")
    if "*" not in Path(clean).name:
        _files(degraded), _files(clean)
        found = pair_images(degraded, clean)
        if found.unpaired:
            one = found.unpaired[0]
            raise TrainingError(f"{one.path}: {one.reason}; {len(found.unpaired)} without partner.")
        return [ImagePair(pair.reference, pair.distorted) for pair in found.pairs]
    first, second = (_by_star(pattern) for pattern in (degraded, clean))
    if set(first) != set(second):
        lone = sorted(set(first) ^ set(second))[0]
        raise TrainingError(f"{degraded} and {clean}: {lone!r} has no partner.")
    return [ImagePair(second[key], first[key]) for key in sorted(first)]


def _by_star(pattern: str) -> dict[str, Path]:
    before, _, after = Path(pattern).name.partition("*")
    return {path.name[len(before) : len(path.name) - len(after)]: path for path in _files(pattern)}
