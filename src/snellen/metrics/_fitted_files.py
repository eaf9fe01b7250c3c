"""Files of what was fitted: tensors, and in words what they are."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from snellen.errors import WeightsError

PathLike = str | os.PathLike[str]


def shipped_file(name: str) -> Path:
    """Return where a file that comes with the package lies, or would lie."""
    return Path(str(files("snellen.metrics") / "data" / f"{name}.safetensors"))


def write_fitted(path: PathLike, tensors: dict[str, Tensor], about: Mapping[str, str]) -> None:
    """Write tensors and words about them; folders are made."""
    data = save(tensors, dict(about))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(data)


def read_fitted(path: PathLike, what: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Read words and tensors.

    Raises
    ------
    WeightsError
        The file cannot be read as `what`, which is what a message calls it.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, tensors
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: cannot be read as {what}: {error}.") from error
