"""What was measured of one reference, on disk: an exam that was cut off goes on where it was."""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


class Checkpoint:
    """A folder with one file per reference and network, named by all that its numbers depend on.

    Parameters
    ----------
    folder
        Made when the first file is written; None keeps nothing.
    manifest
        Network, protocol, layers and readouts.
    """

    def __init__(self, folder: Path | None, manifest: Mapping[str, Any]) -> None:
        self._folder = folder
        self._manifest = json.dumps(manifest, sort_keys=True, default=str)

    def _path(self, images: list[str]) -> Path | None:
        if self._folder is None:
            return None
        text = "\n".join([self._manifest, *images])
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"

    def read(self, images: list[str]) -> Arrays | None:
        """Return what was measured of these images (hashes of their files), if it was.

        A file that is damaged counts as missing.
        """
        path = self._path(images)
        if path is None or not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def write(self, images: list[str], arrays: Arrays) -> None:
        """Write what was measured, whole or not at all."""
        path = self._path(images)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            os.replace(temporary, path)  # noqa: PTH105 - the atomic one
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
