"""Images of a dataset by their reference."""

from pathlib import Path

from snellen.datasets import Dataset
from snellen.errors import DatasetError


def groups(dataset: Dataset) -> dict[Path, list[int]]:
    """Positions of the images of every reference.

    Raises
    ------
    DatasetError
        The dataset is empty, or an image has no reference.
    """
    found: dict[Path, list[int]] = {}
    for i, reference in enumerate(dataset.reference):
        if reference is None:
            raise DatasetError(
                f"{dataset.name}: {dataset.image[i]} has no reference; the exam compares images "
                "with references. Use `subset` to leave such images out."
            )
        found.setdefault(reference, []).append(i)
    if not found:
        raise DatasetError(f"{dataset.name}: the dataset has no images.")
    return found
