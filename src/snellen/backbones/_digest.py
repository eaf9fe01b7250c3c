"""SHA-256 of files."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from snellen._opening import open_regular
from snellen.errors import WeightsError, reason_text


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes.

    Remembered while the file's size and modification time stay the same, so that one
    process does not read half a gigabyte twice.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    digest
        64 lower-case hexadecimal digits.

    Raises
    ------
    WeightsError
        If the file cannot be read.
    """
    try:
        resolved = Path(path).resolve()
        status = resolved.stat()
        return _hash_file(resolved, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {reason_text(error)}.") from error


@lru_cache(maxsize=256)
def _hash_file(path: Path, _size: int, _mtime_ns: int) -> str:
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_matches(digest: str, sha256: str | None, sha256_prefix: str | None) -> bool:
    """Whether a digest is the expected one, or begins so; True where nothing is expected."""
    return digest.startswith((sha256 or sha256_prefix or "").lower())
