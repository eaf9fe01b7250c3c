"""What ``snellen distort`` is asked for: images, and what to do to each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from snellen.distortions import LEVELS, create_distortion, find_distortion, list_distortions
from snellen.errors import DistortionError, ImageError
from snellen.images import IMAGE_SUFFIXES, find_images


@dataclass(frozen=True)
class Request:
    """What is asked for of every image.

    Parameters
    ----------
    specs
        Specifications, in order.
    pipelines
        Number of random pipelines, other ones for each image.
    types, levels
        What a contact sheet shows.
    seed
        From which the seed of each file derives.
    """

    specs: tuple[str, ...]
    pipelines: int
    types: tuple[str, ...]
    levels: tuple[int, ...]
    seed: int

    @property
    def per_image(self) -> int:
        """Number of distorted versions of each image."""
        return len(self.specs) + self.pipelines


def make_request(
    names: Sequence[str], levels: Sequence[str], *, everything: bool, pipelines: int, seed: int
) -> Request:
    """Turn what was typed into specifications; names without a level get all the levels."""
    chosen = tuple(_level(text) for text in levels) or LEVELS
    complete = [name for name in names if set(name) & set(":@+")]
    bare = [find_distortion(name).name for name in names if name not in complete]
    if everything:
        bare = [one.name for one in list_distortions()] + bare
    whole = [create_distortion(name).spec for name in complete]
    if not bare and not whole and not pipelines:
        raise DistortionError("nothing to do: give --type TYPE, --all, or --random N.")
    if levels and not bare:
        raise DistortionError(f"--level {levels[0]}: no --type without a level of its own.")
    specs = [f"{name}:{level}" for name in bare for level in chosen] + whole
    single = [spec.partition(":")[0] for spec in whole if not set(spec) & set("@+")]
    return Request(
        tuple(dict.fromkeys(specs)), pipelines, tuple(dict.fromkeys(bare + single)), chosen, seed
    )


def _level(text: str) -> int:
    if text not in map(str, LEVELS):
        raise DistortionError(f"--level {text}: expected a whole number from 1 to 5.")
    return int(text)


def find_sources(source: Path, output: Path | None) -> dict[str, Path]:
    """Return image files by the name that their outputs start with, folders included.

    Names lack the suffix, unless two files differ in nothing else. What lies in the folder of
    outputs is no source.
    """
    if not source.is_dir():
        if not source.exists():
            raise ImageError(f"{source}: no such file or folder.")
        return {source.stem: source}
    top, made = source.resolve(), output.resolve() if output is not None else None
    if made == top:
        raise DistortionError(f"--output {output}: is the folder of the images; give another one.")
    paths = find_images(source)
    if made is not None and top in made.parents:
        paths = [path for path in paths if made not in path.resolve().parents]
    if not paths:
        raise ImageError(f"{source}: holds no image; known suffixes: {' '.join(IMAGE_SUFFIXES)}")
    stems = Counter(path.with_suffix("") for path in paths)
    names = {
        path: path if stems[path.with_suffix("")] > 1 else path.with_suffix("") for path in paths
    }
    return {name.relative_to(source).as_posix(): path for path, name in names.items()}
