"""Read weights without running code, and put them into a network with a useful complaint."""

import hashlib
import json
import os
import pickle
import re
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from snellen.errors import WeightsError

COMMON_PREFIXES = ("module.", "model.", "backbone.", "encoder.", "net.", "_orig_mod.")

_PICKLE_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt", ".tar")
_WRAPPERS = ("state_dict", "model_state_dict", "model", "params_ema", "params")
_LEGACY_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|conv))\.([12]\.\w+)")


def load_state_dict(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read the tensors of a weights file; code in the file is never run.

    Parameters
    ----------
    path
        A ``.safetensors`` file, or a PyTorch file (``.pth``, ``.pt``, ``.bin``, ``.ckpt``,
        ``.tar``) in the zip format or the older one. Tensors that a training framework has
        wrapped (``state_dict``, ``model_state_dict``, ``model``, ``params_ema``, ``params``,
        tried in this order) are unwrapped.

    Returns
    -------
    state
        Tensors by name, on the CPU, without gradients.

    Raises
    ------
    WeightsError
        If the file is missing, empty, damaged, of another type, holds anything but
        tensors, or is a pickle with Python objects in it.
    """
    path = Path(path)
    _check_file(path)
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        return _read_safetensors(path)
    if suffix in _PICKLE_SUFFIXES:
        return _unwrap(_read_pickle(path), path)
    raise WeightsError(
        f"{path}: expected a file that ends in .safetensors, {', '.join(_PICKLE_SUFFIXES)}."
    )


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise WeightsError(f"{path}: expected a weights file, found a folder. Name a file in it.")
    if not path.is_file():
        raise WeightsError(f"{path}: there is no such file.")
    if path.stat().st_size == 0:
        raise WeightsError(f"{path}: the file is empty. Fetch it again.")


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return _only_tensors(load_file(path), path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path}: not a whole .safetensors file: {error}. {_AGAIN}") from error


_AGAIN = "Fetch it again and compare its SHA-256."


def _read_pickle(path: Path) -> Any:
    _check_magic(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes make the reader fail in any way there is
        if isinstance(error, pickle.UnpicklingError) or "TorchScript" in str(error):
            raise _refusal(path, error) from error
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise WeightsError(f"{path}: damaged or truncated: {reason}. {_AGAIN}") from error


def _check_magic(path: Path) -> None:
    with path.open("rb") as stream:
        start = stream.read(16)
    if tarfile.is_tarfile(path):  # asked first: PyTorch before 2.6 ran code from a crafted tar
        raise WeightsError(
            f"{path}: a tar file as PyTorch wrote before 0.1.10, which cannot be read without "
            f"running code. {_CONVERT}"
        )
    if not start.startswith((b"PK\x03\x04", b"\x80")):
        raise WeightsError(
            f"{path}: expected a PyTorch file, found one that begins with {start!r}. If this "
            f"is a web page, the download went wrong; {_AGAIN[0].lower()}{_AGAIN[1:]}"
        )


_CONVERT = (
    "Where you trust the file, convert it once with torch.load(FILE, weights_only=False) and "
    "safetensors.torch.save_file(TENSORS, 'NAME.safetensors'), then use the .safetensors file."
)


def _refusal(path: Path, error: Exception) -> WeightsError:
    found = re.search(r"(?:GLOBAL|class|with) ([\w.]+\.[\w.]+|TorchScript archives)", str(error))
    detail = f" (first: {found[1].rstrip('.')})" if found else ""
    return WeightsError(
        f"{path}: refused: the file holds arbitrary Python code or objects{detail}, not only "
        f"tensors, or is damaged. Nothing in it was run. {_CONVERT}"
    )


def _unwrap(content: Any, path: Path) -> dict[str, Tensor]:
    """Find the tensors inside what a training framework saved around them."""
    for _ in range(4):
        if not isinstance(content, Mapping):
            break
        inner = next((k for k in _WRAPPERS if isinstance(content.get(k), Mapping)), None)
        if inner is None:
            return _only_tensors(content, path)
        content = content[inner]
    raise WeightsError(
        f"{path}: expected a dictionary of tensors, found {type(content).__name__}. "
        "Save network.state_dict() instead."
    )


def _only_tensors(content: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    strange = [
        f"{name!r}: {type(value).__name__}"
        for name, value in content.items()
        if not (isinstance(name, str) and isinstance(value, Tensor))
    ]
    if strange or not content:
        found = _some(strange) if strange else "an empty dictionary"
        raise WeightsError(
            f"{path}: expected tensors by name, found {found}. Save network.state_dict() instead."
        )
    return {name: value.detach() for name, value in content.items()}


def _some(items: Sequence[str], limit: int = 5) -> str:
    rest = f", and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + rest


def strip_prefix(state: Mapping[str, Tensor], prefix: str | None = None) -> dict[str, Tensor]:
    """Remove a prefix from the names of a state.

    Parameters
    ----------
    state
        Tensors by name.
    prefix
        The prefix, as in ``"module.encoder_q."``; names without it are left out. If None,
        what training frameworks put before every name (``module.``, ``model.``, ...) is
        removed, several in a row if need be, as long as every name has it.

    Returns
    -------
    state
        The same tensors under shorter names.

    Raises
    ------
    WeightsError
        If no name begins with the given prefix.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> list(strip_prefix({"module.model.fc.bias": one}))
    ['fc.bias']
    >>> list(strip_prefix({"encoder.fc.bias": one, "head.bias": one}, "encoder."))
    ['fc.bias']
    """
    if prefix is not None:
        kept = {n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)}
        if not kept:
            raise WeightsError(f"No name begins with {prefix!r}. Names are {_some(list(state))}.")
        return kept
    shorter = dict(state)
    while shared := _shared_prefix(shorter):
        shorter = {name.removeprefix(shared): value for name, value in shorter.items()}
    return shorter


def _shared_prefix(state: Mapping[str, Tensor]) -> str | None:
    for prefix in COMMON_PREFIXES:
        if state and all(name.startswith(prefix) and name != prefix for name in state):
            return prefix
    return None


def load_into(
    module: nn.Module,
    state: Mapping[str, Tensor],
    *,
    source: str | os.PathLike[str],
    ignore: Sequence[str] = (),
) -> None:
    """Put tensors into a network, all of them or none.

    DenseNet's names in old torchvision files are translated; the batch counters of
    normalisation layers, which old files lack, may be absent.

    Parameters
    ----------
    module
        The network.
    state
        Tensors by name.
    source
        Where the tensors come from, for the error message.
    ignore
        Prefixes (``"classifier."``, ``"fc."``) of names that may be absent, left over, or of
        another shape. Those that fit are loaded.

    Raises
    ------
    WeightsError
        If names or shapes do not fit; the network is then as before.
    """
    own = module.state_dict()
    found = {_current_name(name, own): value for name, value in state.items()}
    missing = [n for n in own if n not in found and not n.endswith("num_batches_tracked")]
    extra = [name for name in found if name not in own]
    misshapen = [n for n in found if n in own and found[n].shape != own[n].shape]
    complaints = {
        "missing": missing,
        "unexpected": extra,
        "of another shape": [
            f"{n} {tuple(found[n].shape)} instead of {tuple(own[n].shape)}" for n in misshapen
        ],
    }
    for kind, names in complaints.items():
        complaints[kind] = [name for name in names if not name.startswith(tuple(ignore))]
    if any(complaints.values()):
        parts = [
            f"{len(names)} {kind}: {_some(names)}" for kind, names in complaints.items() if names
        ]
        raise WeightsError(
            f"{source}: the weights do not fit the network. {'; '.join(parts)}. {_hint(found, own)}"
        )
    fitting = {n: v for n, v in found.items() if n not in extra and n not in misshapen}
    module.load_state_dict(fitting, strict=False)


def _current_name(name: str, own: Mapping[str, Tensor]) -> str:
    legacy = None if name in own else _LEGACY_DENSENET.fullmatch(name)
    return legacy[1] + legacy[2] if legacy else name


def _hint(found: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> str:
    stripped = strip_prefix(found)
    if not found.keys() & own.keys() and stripped.keys() & own.keys():
        prefix = next(iter(found)).removesuffix(next(iter(stripped)))
        return f"The names fit after strip_prefix(state), which removes {prefix!r}."
    shared = len(found.keys() & own.keys())
    if not shared:
        return "No name is common to both: this looks like another architecture."
    if found.keys() == own.keys():
        return "All names agree: this looks like another width or number of classes."
    return f"{shared} of {len(own)} names agree: this looks like a relative, or a partial file."


def state_sha256(state: Mapping[str, Tensor]) -> str:
    """Hash the content of a state, whatever file format it came in.

    Parameters
    ----------
    state
        Tensors by name; their order, device and memory layout do not matter.

    Returns
    -------
    digest
        SHA-256 over names (sorted), types, shapes and values, as 64 hexadecimal digits.

    Examples
    --------
    >>> a, b = torch.zeros(2), torch.ones(3)
    >>> state_sha256({"a": a, "b": b}) == state_sha256({"b": b, "a": a})
    True
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().clone(memory_format=torch.contiguous_format)
        header = [name, str(tensor.dtype), list(tensor.shape)]
        digest.update(json.dumps(header).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
