"""Where weights files lie on this machine, and how to get those that do not."""

import logging
import os
from pathlib import Path

from snellen.backbones._digest import file_sha256
from snellen.backbones._download import download, offline_variable
from snellen.backbones._hub import fetch_from_hub
from snellen.backbones._weights_registry import (
    WeightsRecord,
    list_weights,
    record_of_url,
    weights_record,
)
from snellen.errors import WeightsError

__all__ = [
    "WeightsRecord",
    "cache_directory",
    "fetch_from_hub",
    "fetch_url",
    "fetch_weights",
    "file_sha256",
    "find_weights",
    "list_weights",
    "verify_weights",
    "weights_copies",
    "weights_directories",
    "weights_record",
]

logger = logging.getLogger(__name__)


def cache_directory() -> Path:
    """Folder where Snellen keeps what it downloads.

    Returns
    -------
    folder
        ``weights`` in ``$SNELLEN_CACHE``, else in ``$XDG_CACHE_HOME/snellen``, else in
        ``~/.cache/snellen``. It need not exist.
    """
    if own := os.environ.get("SNELLEN_CACHE"):
        return Path(own).expanduser() / "weights"
    general = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(general).expanduser() / "snellen" / "weights"


def weights_directories() -> tuple[Path, ...]:
    """Folders that are searched for weights files, first one first.

    Returns
    -------
    folders
        ``$SNELLEN_WEIGHTS`` where set (a plain folder of files, for machines without
        network), the folder of `cache_directory`, and the one where torchvision puts its
        downloads.
    """
    from torch.hub import get_dir

    offline = os.environ.get("SNELLEN_WEIGHTS")
    mine = (Path(offline).expanduser(),) if offline else ()
    return (*mine, cache_directory(), Path(get_dir()) / "checkpoints")


def weights_copies(name: str) -> list[Path]:
    """Files on this machine that have the name of a weights file, unchecked.

    Parameters
    ----------
    name
        Name of the weights.

    Returns
    -------
    paths
        In the order of `weights_directories`.
    """
    return _copies(weights_record(name))


def _copies(record: WeightsRecord) -> list[Path]:
    places = (folder / record.filename for folder in weights_directories())
    return [place for place in places if place.is_file()]


def find_weights(name: str) -> Path | None:
    """Find weights on this machine; the network is not used.

    Parameters
    ----------
    name
        Name of the weights.

    Returns
    -------
    path
        The first file with the right name and SHA-256, or None. A file with another
        SHA-256 is passed over, with a warning in the log.
    """
    return _find(weights_record(name))


def _find(record: WeightsRecord) -> Path | None:
    for path in _copies(record):
        if record.fits(path):
            return path
        logger.warning("%s passed over: its SHA-256 is not that of %s", path, record.name)
    return None


def fetch_weights(
    name: str, *, directory: str | os.PathLike[str] | None = None, progress: bool = True
) -> Path:
    """Find weights on this machine, or download them.

    Parameters
    ----------
    name
        Name of the weights.
    directory
        Folder to put the file in, by copying where it is at hand, as for carrying to a
        machine without network. By default `cache_directory`, and nothing is copied.
    progress
        Whether to show a bar on standard error, if that is a terminal.

    Returns
    -------
    path
        A file whose SHA-256 has been checked.

    Raises
    ------
    WeightsError
        If the file is not at hand and cannot be downloaded. The message tells which file
        is needed and where to put it.
    """
    record = weights_record(name)
    return _fetch(record, None if directory is None else Path(directory), progress)


def fetch_url(url: str, *, progress: bool = True) -> Path:
    """Find the weights file of an address on this machine, or download it.

    Parameters
    ----------
    url
        An address, as ``Weights.url`` of torchvision. Its file name tells how the SHA-256
        begins (``vgg16-397923af.pth``); where it does not, the file goes unchecked.
    progress
        Whether to show a bar on standard error, if that is a terminal.

    Returns
    -------
    path
        The file.

    Raises
    ------
    WeightsError
        As `fetch_weights`.
    """
    return _fetch(record_of_url(url), None, progress)


def _fetch(record: WeightsRecord, directory: Path | None, progress: bool) -> Path:
    at_hand = _find(record)
    if at_hand and directory is None:
        return at_hand
    target = (directory or cache_directory()) / record.filename
    variable = offline_variable()
    if variable and not at_hand and not (target.is_file() and record.fits(target)):
        raise WeightsError(_how_to_provide(record, f"{variable} forbids the network."))
    url = at_hand.resolve().as_uri() if at_hand else record.url
    try:
        return download(
            url,
            target,
            sha256=record.sha256,
            sha256_prefix=record.sha256_prefix,
            most_bytes=record.most_bytes,
            progress=progress,
        )
    except WeightsError as error:
        raise WeightsError(_how_to_provide(record, str(error))) from error


def _how_to_provide(record: WeightsRecord, reason: str) -> str:
    """Tell a person without network which file is needed, from where, and where to put it."""
    folders = "\n".join(f"    {folder}" for folder in weights_directories())
    passed = "".join(
        f"\n  passed over: {path} (SHA-256 {file_sha256(path)})" for path in _copies(record)
    )
    return (
        f"The weights {record.name} are not on this machine: {reason}\n"
        f"  address: {record.url}\n"
        f"  SHA-256: {record.expected}\n"
        f"  save it as {record.filename} in a folder that SNELLEN_WEIGHTS names, or in\n{folders}\n"
        f"  or give the file itself: --weights FILE in a command, weights=FILE in Python."
        f"{passed}"
    )


def verify_weights(target: str | os.PathLike[str]) -> list[Path]:
    """Check files against the registry.

    Parameters
    ----------
    target
        Name of weights: every copy on this machine is checked. Or the path of a file: it is
        recognised by its file name, else by its SHA-256.

    Returns
    -------
    paths
        The files that were checked; each is what it should be.

    Raises
    ------
    WeightsError
        If a file has another SHA-256 than it should, is unknown, or does not exist.
    """
    path = Path(target)
    if target not in {record.name for record in list_weights()} and path.is_file():
        _verify_file(path, _recognise(path))
        return [path]
    record = weights_record(os.fspath(target))
    copies = _copies(record)
    if not copies:
        folders = ", ".join(map(str, weights_directories()))
        raise WeightsError(f"{record.filename} ({record.name}) is in none of {folders}.")
    for copy in copies:
        _verify_file(copy, record)
    return copies


def _recognise(path: Path) -> WeightsRecord:
    named = [record for record in list_weights() if record.filename == path.name]
    for record in named or list_weights():
        if named or record.fits(path):
            return record
    raise WeightsError(
        f"{path}: neither its name nor its SHA-256 {file_sha256(path)} is in the registry, so "
        "there is nothing to check it against."
    )


def _verify_file(path: Path, record: WeightsRecord) -> None:
    if not record.fits(path):
        raise WeightsError(
            f"{path}: expected the SHA-256 of {record.name} ({record.expected}), found "
            f"{file_sha256(path)}. Remove the file and fetch it again."
        )
