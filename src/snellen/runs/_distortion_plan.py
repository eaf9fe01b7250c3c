"""What `distort` is asked for: images, and what to do to each."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snellen.distortions import (
    LEVELS,
    create_distortion,
    derived_seed,
    find_distortion,
    list_distortions,
)
from snellen.errors import DistortionError, ImageError
from snellen.images import IMAGE_SUFFIXES, find_images
from snellen.records import Columns, Row

PAIRS: Columns = {
    "image": "string",
    "reference": "string",
    "type": "string",
    "level": "int64",
    "seed": "int64",
    "spec": "string",
}
"""Columns of the table of distorted images."""

_RANDOM = "random@"


@dataclass(frozen=True)
class DistortionPlan:
    """What is asked for of every image.

    Attributes
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

    def rows(self, name: str, source: Path, output: Path) -> Iterator[Row]:
        """Yield the rows of one image, as they will stand in the table.

        Parameters
        ----------
        name
            What the names of the distorted images begin with.
        source
            The image.
        output
            Folder of the distorted images.
        """
        seed = derived_seed(self.seed, name)
        specs = {spec: spec.replace(":", "_") for spec in self.specs}
        for number in range(1, self.pipelines + 1):
            specs[f"{_RANDOM}{derived_seed(seed, f'random {number}')}"] = f"random_{number}"
        reference = relative(source, output)
        for spec, ending in specs.items():
            facts = {"image": f"{name}_{ending}.png", "reference": reference}
            yield {**facts, **_kind(spec), "seed": seed, "spec": spec}


def _kind(spec: str) -> dict[str, Any]:
    """Return the columns that say in short what a specification does."""
    if spec.startswith(_RANDOM):
        return {"type": "random", "level": None}
    steps = create_distortion(spec).manifest()["steps"]
    level = steps[0]["level"] if len(steps) == 1 else None
    return {"type": "+".join(step["type"] for step in steps), "level": level}


def relative(source: Path, output: Path) -> str:
    """Name a file from the folder of the table, so that both can move together."""
    try:
        return Path(os.path.relpath(source.resolve(), output.resolve())).as_posix()
    except ValueError:  # on another drive
        return source.resolve().as_posix()


def steps_of(specs: Sequence[str]) -> Mapping[str, Any]:
    """Say what specifications do, step by step; random pipelines tell it by their seed."""
    plain = dict.fromkeys(spec for spec in specs if not spec.startswith(_RANDOM))
    return {spec: create_distortion(spec).manifest()["steps"] for spec in plain}


def make_plan(
    names: Sequence[str] = (),
    levels: Sequence[int | str] = (),
    *,
    everything: bool = False,
    pipelines: int = 0,
    seed: int = 0,
) -> DistortionPlan:
    """Turn names and levels into specifications; names without a level get all the levels.

    Raises
    ------
    DistortionError
        There is no such type or level, or nothing to do.
    """
    chosen = tuple(_level(str(text)) for text in levels) or LEVELS
    complete = [name for name in names if set(name) & set(":@+")]
    bare = [find_distortion(name).name for name in names if name not in complete]
    if everything:
        bare = [one.name for one in list_distortions()] + bare
    whole = [create_distortion(name) for name in complete]
    if not bare and not whole and not pipelines:
        raise DistortionError("nothing to do: give --type TYPE, --all, or --random N.")
    if levels and not bare:
        raise DistortionError(f"--level {levels[0]}: no --type without a level of its own.")
    specs = [f"{name}:{level}" for name in bare for level in chosen]
    specs += [distortion.spec for distortion in whole]
    single = [_kind(d.spec) for d in whole]
    shown = bare + [str(one["type"]) for one in single if one["level"] is not None]
    return DistortionPlan(
        tuple(dict.fromkeys(specs)), pipelines, tuple(dict.fromkeys(shown)), chosen, seed
    )


def _level(text: str) -> int:
    if text not in map(str, LEVELS):
        raise DistortionError(f"--level {text}: expected a whole number from 1 to 5.")
    return int(text)


def find_sources(source: Path, output: Path | None) -> dict[str, Path]:
    """Return image files by the name that their outputs start with, folders included.

    Names lack the suffix, unless two files differ in nothing else. What lies in the folder of
    outputs is no source.

    Raises
    ------
    ImageError
        There is no such file or folder, or it holds no image.
    DistortionError
        The output is the folder of the images.
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
