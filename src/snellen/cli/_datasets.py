"""Databases as commands name them: NAME=FOLDER of a release, or NAME=FILE.csv."""

from typing import TYPE_CHECKING

from snellen.errors import DatasetError

if TYPE_CHECKING:
    from snellen.datasets import Dataset


def parse_dataset(text: str) -> tuple[str, str]:
    """Split ``NAME=PATH``.

    Raises
    ------
    DatasetError
        One of the two is missing.
    """
    name, _, path = text.partition("=")
    if not (name and path):
        raise DatasetError(f"--dataset {text}: expected NAME=FOLDER or NAME=FILE.csv.")
    return name, path


def open_dataset(text: str, higher_better: bool | None) -> "Dataset":
    """Read what ``NAME=PATH`` names.

    Raises
    ------
    DatasetError
        There is no such dataset, or its file does not say which scores mean good images.
    """
    from snellen.datasets import load_dataset

    name, path = parse_dataset(text)
    return load_dataset(name, path, higher_better=higher_better)
