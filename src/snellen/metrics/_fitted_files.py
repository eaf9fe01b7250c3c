"""Files of what was fitted: tensors, and in words what they are."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from snellen.backbones import read_safetensors
from snellen.records import replace_file

PathLike = str | os.PathLike[str]


def shipped_file(name: str) -> Path:
    """Return where a file that comes with the package lies, or would lie."""
    return Path(str(files("snellen.metrics") / "data" / f"{name}.safetensors"))


def write_fitted(path: PathLike, tensors: dict[str, Tensor], about: Mapping[str, str]) -> None:
    """Write tensors and words about them; folders are made."""
    data = save(tensors, dict(about))
    replace_file(path, data)


def read_fitted(path: PathLike, what: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Read words and tensors.

    Raises
    ------
    WeightsError
        The file cannot be read as `what`, which is what a message calls it, or holds values
        that are not finite.
    """
    return read_safetensors(path, what)
