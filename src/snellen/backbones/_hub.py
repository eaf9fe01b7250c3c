"""Weights from the Hugging Face hub: safetensors only, checked against the hub's own hash."""

import os
import re
from pathlib import Path

from snellen.backbones._digest import file_sha256
from snellen.backbones._download import offline_variable
from snellen.errors import WeightsError

_SHA256 = re.compile(r"[0-9a-f]{64}")


def fetch_from_hub(
    repo_id: str, filename: str = "model.safetensors", revision: str | None = None
) -> Path:
    """Find a file of a hub repository in the hub's cache, or download it there.

    Parameters
    ----------
    repo_id
        ``owner/name`` of the repository.
    filename
        A ``.safetensors`` file in it.
    revision
        Branch, tag or commit; the default branch if None.

    Returns
    -------
    path
        The file in the hub's cache (``HF_HOME``). Where the hub states the SHA-256 of the
        file, as it does for all but very small ones, it has been checked.

    Raises
    ------
    WeightsError
        If the file is no ``.safetensors`` file, cannot be had, or is damaged.
    """
    if not filename.endswith(".safetensors"):
        raise WeightsError(
            f"{repo_id}: expected a .safetensors file, found {filename}. Pickles of the hub are "
            "not read; many repositories offer model.safetensors beside them."
        )
    path = _obtain(repo_id, filename, revision)
    expected = _stated_sha256(path, repo_id, filename)
    found = file_sha256(path)
    if expected not in (None, found):
        raise WeightsError(
            f"{path}: expected SHA-256 {expected} as {repo_id} states, found {found}. Remove "
            f"{path.resolve()} and fetch it again."
        )
    return path


def _obtain(repo_id: str, filename: str, revision: str | None) -> Path:
    from huggingface_hub import hf_hub_download

    offline = offline_variable()
    try:
        return Path(
            hf_hub_download(repo_id, filename, revision=revision, local_files_only=bool(offline))
        )
    except Exception as error:  # of requests or of httpx, depending on the hub client's release
        reason = f"{offline} forbids the network" if offline else _first_line(error)
        raise WeightsError(_how_to_provide(repo_id, filename, revision, reason)) from error


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _stated_sha256(path: Path, repo_id: str, filename: str) -> str | None:
    """Read off the SHA-256 that the hub gave, if it gave one.

    The hub's cache keeps a large file under its SHA-256 and links to it; this is what was
    stated for exactly these bytes, and it is at hand offline. Where links are not possible
    the hub is asked again, for the commit that the cache's folder is named after.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    if path.is_symlink():
        etag: str | None = path.resolve().name
    elif offline_variable():
        return None
    else:
        commit = path.parents[filename.count("/")].name
        try:
            etag = get_hf_file_metadata(hf_hub_url(repo_id, filename, revision=commit)).etag
        except Exception:  # the file is there; that it cannot be checked once more is no failure
            return None
    return etag if etag and _SHA256.fullmatch(etag) else None


def _how_to_provide(repo_id: str, filename: str, revision: str | None, reason: str) -> str:
    from huggingface_hub import constants, hf_hub_url

    try:
        address = hf_hub_url(repo_id, filename, revision=revision)
    except ValueError:
        address = "none: this is no valid owner/name"
    variables = {name: os.environ.get(name, "not set") for name in ("HF_HOME", "HF_ENDPOINT")}
    stated = ", ".join(f"{name}: {value}" for name, value in variables.items())
    return (
        f"The weights {filename} of {repo_id} are not on this machine: {reason}\n"
        f"  address: {address}\n"
        f"  kept in: {constants.HF_HUB_CACHE}\n"
        f"  HF_HOME moves that folder, HF_ENDPOINT names a mirror ({stated}); to carry the file\n"
        f"  over, copy the folder from a machine where it is, or\n"
        f"  give the file itself: --weights FILE in a command, weights=FILE in Python."
    )
