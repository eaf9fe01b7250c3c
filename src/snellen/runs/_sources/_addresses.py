"""Names: which are addresses, of which schemes, and what a table may name."""

import os
import posixpath
from urllib.parse import urlsplit
from urllib.request import url2pathname

from snellen.errors import SourceError

SCHEMES = (
    "http", "https", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "hf", "hdfs",
    "webhdfs", "ftp", "sftp", "memory",
)  # fmt: skip
"""Schemes of addresses that are fetched."""

_LOCAL = ("file", "local")


def is_remote(name: str) -> bool:
    """Tell an address from a path."""
    return "://" in name


def suffix_of(name: str) -> str:
    """Return the suffix of a path or an address, whose query does not count."""
    path = name.partition("?")[0] if name.startswith(("http://", "https://")) else name
    return posixpath.splitext(path)[1].lower()


def local_or_address(name: str) -> str:
    """Return the path that a ``file:`` address stands for, and any other name as it is.

    Raises
    ------
    SourceError
        It is an address of a scheme that is not fetched, or one inside another (``zip::...``).
    """
    if not is_remote(name):
        return name
    scheme = name.partition("://")[0].lower()
    if scheme in _LOCAL:
        parts = urlsplit(name)
        if parts.netloc not in ("", "localhost"):
            raise SourceError(f"{name}: names a file of another machine, {parts.netloc}.")
        return url2pathname(parts.path)
    if scheme not in SCHEMES:
        raise SourceError(f"{name}: expected a path, or an address that begins with one of "
                          f"{' '.join(f'{one}://' for one in SCHEMES)}.")  # fmt: skip
    return name


def beside(table: str, name: str) -> str:
    """Resolve a name that a table holds, relative to the table.

    Raises
    ------
    SourceError
        The scheme of an address is not fetched; or a table that was fetched names a local file,
        which whoever wrote it shall not have read.
    """
    if not is_remote(table):
        found = local_or_address(name)
        if is_remote(found) or os.path.isabs(found):  # noqa: PTH117
            return found
        return os.path.join(os.path.dirname(table), found)  # noqa: PTH118, PTH120
    if is_remote(name):
        found = local_or_address(name)
        if is_remote(found):
            return found
    elif not name.startswith(("/", "\\")):
        return posixpath.join(posixpath.dirname(table), name)
    raise SourceError(
        f"{name}: is a local file, and the table was fetched; such a table names addresses, or "
        "files relative to itself."
    )
