"""Reading files of tensors, and of what is said about them, that others may have damaged."""

import json
import os
from collections.abc import Mapping
from typing import Any

from safetensors import safe_open
from torch import Tensor

from snellen._opening import open_regular
from snellen.errors import WeightsError, reason_text


def read_safetensors(
    path: str | os.PathLike[str], what: str
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Read words and tensors of a ``.safetensors`` file whose values have to be finite.

    Parameters
    ----------
    path
        The file.
    what
        What it should hold, as messages call it: "a head of ddr".

    Returns
    -------
    words
        What the file says of itself.
    tensors
        By name.

    Raises
    ------
    WeightsError
        The file is missing, no regular file, not whole, or holds a value that is not finite.
    """
    try:
        open_regular(path).close()
        with safe_open(os.fspath(path), framework="pt") as file:
            words = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # damaged bytes make the reader fail in any way there is
        reason = reason_text(error)
        raise WeightsError(f"{path}: cannot be read as {what}: {reason}.") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.float().isfinite().all()):
            raise WeightsError(
                f"{path}: cannot be read as {what}: tensor {name!r} holds NaN or infinite values; "
                "fit or fetch it again."
            )
    return words, tensors


def read_words(
    words: Mapping[str, str], key: str, path: str | os.PathLike[str], what: str
) -> dict[str, Any]:
    """Read one of the words of a file as a JSON object; empty where it is missing.

    Raises
    ------
    WeightsError
        It is no JSON object.
    """
    try:
        found = json.loads(words.get(key, "{}"))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: cannot be read as {what}: {key!r}: {error}.") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{path}: cannot be read as {what}: {key!r} is no JSON object.")
    return found
