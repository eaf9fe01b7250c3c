"""Files that appear whole or not at all: the one place of the house that replaces a file."""

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias

import filelock

from snellen.errors import RunError, reason_text

PathLike: TypeAlias = str | os.PathLike[str]
"""Names of files and folders, as every function of the house takes them."""


@contextmanager
def replacing(path: PathLike) -> Iterator[IO[bytes]]:
    """Open a new file that takes the place of `path` once it is whole and on the disk.

    Folders are made. A process that is killed leaves the earlier file as it was, and beside it an
    unfinished one that `remove_leftovers` finds.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    OSError
        It cannot be written there.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(handle)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)  # mkstemp makes files private
        os.replace(temporary, target)  # noqa: PTH105 - the atomic one
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def replace_file(path: PathLike, data: bytes | str) -> None:
    """Write a file whole or not at all; text is written in UTF-8."""
    with replacing(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)


def file_digest(path: PathLike) -> str:
    """Return the SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_leftovers(path: Path) -> None:
    """Delete the unfinished files of `replacing` that a killed process left beside `path`."""
    leftover = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")  # as tempfile names them
    for file in path.parent.iterdir():
        if leftover.fullmatch(file.name):
            file.unlink(missing_ok=True)


def refuse_special(path: Path) -> None:
    """Refuse to replace what is no regular file: a device, a pipe, a socket.

    Raises
    ------
    RunError
        It is one.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # it is not there, or the attempt to write will say why not
    if not stat.S_ISREG(mode):
        raise RunError(f"{path}: is no regular file, and is not replaced; name another output.")


def lock(path: Path) -> filelock.FileLock:
    """Keep other processes from writing to the same results.

    Raises
    ------
    RunError
        One does, or nothing can be written there.
    """
    held = filelock.FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):  # or the lock waits where nothing can be
            held.acquire(timeout=0)
    except filelock.Timeout:
        raise RunError(
            f"{path.parent}: another process is writing these results ({path.name} is locked); "
            "wait for it, or name another output."
        ) from None
    except OSError as error:
        raise RunError(
            f"{path.parent}: no results can be written there: {reason_text(error)}; name "
            "another output."
        ) from error
    return held


def unlock(held: filelock.FileLock) -> None:
    """Let other processes write."""
    Path(held.lock_file).unlink(missing_ok=True)  # before the release: nobody can hold it now
    held.release()
