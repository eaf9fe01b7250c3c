"""Measured arrays on disk, one file for each input: what was cut off goes on where it was."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from snellen.records._files import replacing
from snellen.records._identity import MEASURING, digest_of, identity, plain

Arrays: TypeAlias = dict[str, NDArray[Any]]


class Checkpoint:
    """A folder with one file for each input and network, named by all that its numbers depend on.

    Parameters
    ----------
    folder
        Made when the first file is written; None keeps nothing.
    manifest
        Network, protocol, layers and readouts. Versions and code are added: what a corrected
        Snellen would measure differently is measured again.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, manifest: Mapping[str, Any]) -> None:
        self._folder = None if folder is None else Path(folder)
        self._identity = plain(identity(manifest, MEASURING))

    def _path(self, inputs: list[str]) -> Path | None:
        if self._folder is None:
            return None
        return self._folder / f"{digest_of([self._identity, *inputs])}.npz"

    def read(self, inputs: list[str]) -> Arrays | None:
        """Return what was measured of these inputs (hashes of their files), if it was.

        A file that is damaged counts as missing.
        """
        path = self._path(inputs)
        if path is None or not path.is_file():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def write(self, inputs: list[str], arrays: Arrays) -> None:
        """Write what was measured, whole or not at all."""
        path = self._path(inputs)
        if path is not None:
            with replacing(path) as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
