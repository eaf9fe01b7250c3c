"""Finding what a release holds: its top folder and its images, whatever the case of names."""

import os
from collections.abc import Sequence
from pathlib import Path

from snellen.errors import DatasetError


def find_root(folder: Path, markers: Sequence[str], release: str) -> Path:
    """Return the folder that holds a marker: `folder`, or one up to two levels below.

    Parameters
    ----------
    folder
        What the user named: the release, or the folder into which it was unpacked.
    markers
        Paths inside the release, any of which tells its top folder.
    release
        Which release is expected, for the error.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder. Expected there: {release}.")
    for pattern in ("", "*/", "*/*/"):
        for marker in markers:
            for found in sorted(folder.glob(pattern + marker)):
                return found.parents[marker.count("/")]
    wanted = " or ".join(markers)
    raise DatasetError(
        f"{folder} holds no {wanted}, nor does a folder up to two levels below. "
        f"Expected there: {release}."
    )


def need_file(folder: Path, name: str, release: str) -> Path:
    """Return ``folder/name``, or raise saying which release it belongs to."""
    path = folder / name
    if not path.exists():
        raise DatasetError(f"{path} is missing: it belongs to {release}.")
    return path


class ImageIndex:
    """The files of a folder, found without regard to the case of their names.

    Parameters
    ----------
    folder
        Where the images are.
    release
        Which release they belong to, for the error.
    """

    def __init__(self, folder: Path, release: str) -> None:
        self.folder = folder
        self.release = release
        if not folder.is_dir():
            raise DatasetError(f"The folder {folder} is missing: it belongs to {release}.")
        self._names = {entry.name.lower(): entry.name for entry in os.scandir(folder)}

    @property
    def names(self) -> list[str]:
        """The names of all files, as they are written."""
        return list(self._names.values())

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def find(self, name: str) -> Path:
        """Return the path of one file."""
        return self.find_all([name])[0]

    def find_all(self, names: Sequence[str]) -> list[Path]:
        """Return the paths of files, in the order asked for."""
        if missing := [name for name in names if name.lower() not in self._names]:
            raise DatasetError(
                f"{len(missing)} of {len(names)} files are missing in {self.folder}, the first "
                f"is {missing[0]}: they belong to {self.release}."
            )
        return [self.folder / self._names[name.lower()] for name in names]
