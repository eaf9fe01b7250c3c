"""Score image files against descriptors of their references, which lie elsewhere."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor

from snellen.errors import ImageError, MetricError
from snellen.images import as_image_batch, find_images
from snellen.metrics import Descriptor, ReducedReferenceMetric
from snellen.runs._engine import describe, in_order, work_ahead
from snellen.runs._journal import Journal, Row

DESCRIPTOR_SUFFIX = ".json"


@dataclass(frozen=True)
class DescribedImage:
    """An image file, and the file of the descriptor that it is compared with.

    Attributes
    ----------
    image
        The received image.
    descriptor
        Descriptor of its reference; None where none was found.
    reason
        Why none was found.
    """

    image: Path
    descriptor: Path | None
    reason: str = ""


def images_in(paths: Sequence[Path]) -> list[tuple[Path, Path]]:
    """List image files and those in folders, each with its path within what was named.

    Raises
    ------
    ImageError
        A path does not exist, or a folder holds no image.
    """
    found = []
    for path in paths:
        if not path.exists():
            raise ImageError(f"{path}: no such file or folder")
        inside = find_images(path) if path.is_dir() else [path]
        if not inside:
            raise ImageError(f"{path}: holds no image")
        root = path if path.is_dir() else path.parent
        found += [(image, image.relative_to(root)) for image in inside]
    return found


def pair_descriptors(images: Sequence[Path], descriptors: Path) -> list[DescribedImage]:
    """Find for each image the descriptor of its reference.

    Parameters
    ----------
    images
        Files and folders.
    descriptors
        One file, which serves all images, or a folder: there an image finds the descriptor of
        its sub-folder and stem (``a/x.jpg`` with ``a/x.json``), or else the only one of its stem
        anywhere.

    Returns
    -------
    list of DescribedImage
        In the order of the images.

    Raises
    ------
    ImageError
        An image or folder does not exist, or a folder holds no image.
    MetricError
        There are no descriptors.
    """
    found = images_in(images)
    if not descriptors.exists():
        raise MetricError(f"{descriptors}: no such file or folder of descriptors")
    if not descriptors.is_dir():
        return [DescribedImage(image, descriptors) for image, _ in found]
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(descriptors.rglob(f"*{DESCRIPTOR_SUFFIX}")):
        by_stem[path.stem].append(path)
    if not by_stem:
        raise MetricError(
            f"{descriptors}: holds no descriptor (*{DESCRIPTOR_SUFFIX}); `snellen describe` "
            "writes them."
        )
    return [_partner(image, name, descriptors, by_stem[name.stem]) for image, name in found]


def _partner(image: Path, name: Path, folder: Path, candidates: Sequence[Path]) -> DescribedImage:
    same = folder / name.with_suffix(DESCRIPTOR_SUFFIX)
    if same in candidates:
        return DescribedImage(image, same)
    if len(candidates) == 1:
        return DescribedImage(image, candidates[0])
    if not candidates:
        return DescribedImage(image, None, f"no descriptor named {same.name} in {folder}")
    names = ", ".join(path.relative_to(folder).as_posix() for path in candidates)
    return DescribedImage(image, None, f"several descriptors fit: {names}")


def described_rows(
    pairs: Sequence[DescribedImage], metric: ReducedReferenceMetric, journal: Journal | None = None
) -> Iterator[Row]:
    """Score images against descriptors, and yield one row for each; a failure is a row too.

    The next image is decoded while the network works on the last.

    Parameters
    ----------
    pairs
        What to score.
    metric
        What to score it by.
    journal
        Where finished rows go at once, and where those of a run that was cut off are found again;
        rows with errors are tried again.

    Yields
    ------
    dict
        Columns image, descriptor, width, height, the metric's, seconds, error.
    """
    finished = {k: r for k, r in journal.finished.items() if not r["error"]} if journal else {}
    fresh = (pair for pair in pairs if _key(pair) not in finished)
    load = lru_cache(maxsize=1024)(Descriptor.load)
    scored = (
        _row(pair, decoded, metric, load) for pair, decoded in _decoded_ahead(list(fresh), metric)
    )
    for pair in pairs:
        row = finished.get(_key(pair))
        if row is None:
            row = next(scored)
            if journal:
                journal.append(row)
        yield row


def _key(pair: DescribedImage) -> tuple[str, str | None]:
    return str(pair.image), None if pair.descriptor is None else str(pair.descriptor)


def _decoded_ahead(
    pairs: Sequence[DescribedImage], metric: ReducedReferenceMetric
) -> Iterator[tuple[DescribedImage, "Tensor | Exception"]]:
    """Yield images and their pixels, or why there are none, in order."""

    def decode(task: tuple[int, DescribedImage]) -> tuple[int, tuple[DescribedImage, Any]]:
        number, pair = task
        try:
            return number, (pair, as_image_batch(pair.image, metric.policy))
        except Exception as error:  # whatever it is, the run goes on
            return number, (pair, error)

    return in_order(work_ahead(enumerate(pairs), decode, threads=1, ahead=2))


def _row(
    pair: DescribedImage,
    decoded: "Tensor | Exception",
    metric: ReducedReferenceMetric,
    load: Callable[[Path], Descriptor],
) -> Row:
    image, descriptor = _key(pair)
    row: Row = dict.fromkeys(("image", "descriptor", "width", "height", metric.name, "seconds"))
    row |= {"image": image, "descriptor": descriptor, "error": pair.reason or None}
    try:
        if isinstance(decoded, Exception):
            raise decoded
        row |= {"width": int(decoded.shape[3]), "height": int(decoded.shape[2])}
        if pair.descriptor is not None:
            reference = load(pair.descriptor)
            start = time.perf_counter()
            row[metric.name] = float(metric(decoded, _single(reference, pair.descriptor)))
            row["seconds"] = round(time.perf_counter() - start, 6)
    except Exception as error:  # whatever it is, the run goes on
        row["error"] = describe(error)
    return row


def _single(descriptor: Descriptor, path: Path) -> Descriptor:
    if len(descriptor) != 1:
        raise MetricError(
            f"{path}: describes {len(descriptor)} images; a file of one image's descriptor is "
            "needed here."
        )
    return descriptor
