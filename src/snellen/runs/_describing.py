"""Describe reference images into files, one descriptor each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from snellen.errors import MetricError
from snellen.images import as_image_batch
from snellen.metrics import ReducedReferenceMetric
from snellen.runs._described import DESCRIPTOR_SUFFIX, images_in
from snellen.runs._engine import describe
from snellen.runs._journal import Row


def descriptor_files(references: Sequence[Path], output: Path) -> list[tuple[Path, Path]]:
    """Give every reference image the file of its descriptor.

    Parameters
    ----------
    references
        Files and folders of images.
    output
        For one image file, a name that ends in ``.json``; else a folder, in which descriptors
        have the sub-folders and stems of their images.

    Returns
    -------
    list of tuple
        (image, descriptor).

    Raises
    ------
    ImageError
        An image or folder does not exist, or a folder holds no image.
    MetricError
        Several images cannot go to one file.
    """
    found = images_in(references)
    if output.suffix.lower() != DESCRIPTOR_SUFFIX:
        return [(image, output / name.with_suffix(DESCRIPTOR_SUFFIX)) for image, name in found]
    if len(found) > 1 or references[0].is_dir():
        raise MetricError(
            f"{output}: {len(found)} image{'s' if len(found) > 1 else ''} of a folder or a list "
            "need a folder for one descriptor each; give a name without a suffix."
        )
    return [(found[0][0], output)]


def describe_rows(
    files: Sequence[tuple[Path, Path]], metric: ReducedReferenceMetric
) -> Iterator[Row]:
    """Describe images into files, and yield one row for each; a failure is a row too.

    Parameters
    ----------
    files
        As `descriptor_files` gives them.
    metric
        What describes.

    Yields
    ------
    dict
        Columns reference, descriptor, width, height, bytes (that the values take), error.
    """
    uses = Counter(target for _, target in files)
    for image, target in files:
        row: Row = {
            "reference": str(image), "descriptor": None, "width": None, "height": None,
            "bytes": None, "error": None,
        }  # fmt: skip
        try:
            if uses[target] > 1:
                raise MetricError(f"several images would be described in {target}")
            batch = as_image_batch(image, metric.policy, name="reference")
            made = metric.describe(batch)
            made.save(target)
            row |= {"descriptor": str(target), "bytes": made.nbytes}
            row |= {"width": made.size[1], "height": made.size[0]}
        except Exception as error:  # whatever it is, the run goes on
            row["error"] = describe(error)
        yield row
