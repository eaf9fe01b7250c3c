"""Which descriptor belongs to which image: by sub-folder and stem."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from snellen.errors import MetricError
from snellen.runs._sources import Item, Location

DESCRIPTOR_SUFFIX = ".json"


def name_within(image: Location, inputs: Iterable[str]) -> PurePosixPath:
    """Return the path of an image within the folder that was named; else its file's name.

    Examples
    --------
    >>> name_within(Location("photos/a/x.jpg"), ["photos"])
    PurePosixPath('a/x.jpg')
    >>> name_within(Location("shard.tar", member="a/x.jpg"), ["shard.tar"])
    PurePosixPath('a/x.jpg')
    """
    if image.member:
        return PurePosixPath(image.member)
    path = PurePosixPath(Path(image.url).as_posix())
    for folder in inputs:
        root = PurePosixPath(Path(folder).as_posix())
        if root in path.parents:
            return path.relative_to(root)
    return PurePosixPath(path.name)


def with_descriptors(items: Iterable[Item], inputs: Sequence[str], descriptors: Path) -> list[Item]:
    """Find for each image the descriptor of its reference.

    Parameters
    ----------
    items
        The images.
    inputs
        What was named: folders within which images have their names.
    descriptors
        One file, which serves all images, or a folder: there an image finds the descriptor of
        its sub-folder and stem (``a/x.jpg`` with ``a/x.json``), or else the only one of its stem
        anywhere.

    Returns
    -------
    list of Item
        The images, with descriptors in the place of references, or the reason why there is none.

    Raises
    ------
    MetricError
        There are no descriptors.
    """
    if not descriptors.exists():
        raise MetricError(f"{descriptors}: no such file or folder of descriptors")
    if not descriptors.is_dir():
        return [replace(item, reference=Location(str(descriptors))) for item in items]
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(descriptors.rglob(f"*{DESCRIPTOR_SUFFIX}")):
        by_stem[path.stem].append(path)
    if not by_stem:
        raise MetricError(
            f"{descriptors}: holds no descriptor (*{DESCRIPTOR_SUFFIX}); `snellen describe` "
            "writes them."
        )
    return [
        _with_own(item, name_within(item.image, inputs), descriptors, by_stem) for item in items
    ]


def _with_own(
    item: Item, name: PurePosixPath, folder: Path, by_stem: Mapping[str, Sequence[Path]]
) -> Item:
    if item.problem is not None:
        return item
    candidates = by_stem.get(name.stem, ())
    same = folder / name.with_suffix(DESCRIPTOR_SUFFIX)
    if same in candidates or len(candidates) == 1:
        chosen = same if same in candidates else candidates[0]
        return replace(item, reference=Location(str(chosen)))
    if not candidates:
        return replace(item, problem=f"no descriptor named {same.name} in {folder}")
    names = ", ".join(path.relative_to(folder).as_posix() for path in candidates)
    return replace(item, problem=f"several descriptors fit: {names}")
