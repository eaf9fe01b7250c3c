"""Opening files of others: regular ones only, and text in UTF-8 only."""

import codecs
import errno
import io
import os
import stat
from typing import IO, TextIO

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class SpecialFileError(OSError):
    """A pipe, a device or a socket stands where a regular file was expected."""


def open_regular(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a file for reading, if it is a regular file.

    A pipe without a writer would be waited for, a device may have no end: neither is opened.

    Parameters
    ----------
    path
        The file; links are followed.

    Raises
    ------
    OSError
        It does not exist, is a folder (`IsADirectoryError`), is no regular file
        (`SpecialFileError`), or cannot be opened; `strerror` says why.
    ValueError
        The name can be no name of a file.
    """
    _refuse_special(os.stat(path).st_mode, path)  # noqa: PTH116 - a million Paths would cost more
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
    try:
        _refuse_special(os.fstat(file.fileno()).st_mode, path)
    except BaseException:
        file.close()
        raise
    return file


def _without_waiting(path: str, flags: int) -> int:
    # between the two looks somebody may have put a pipe in the place of the file
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _refuse_special(mode: int, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder", os.fspath(path))
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise SpecialFileError(errno.EINVAL, f"is no regular file but {kind}", os.fspath(path))


def as_text(file: IO[bytes]) -> TextIO:
    """Read bytes as text in UTF-8, with or without its mark; line ends stay as they are.

    Parameters
    ----------
    file
        Open for reading; closing the text closes it.
    """
    return io.TextIOWrapper(file, "utf-8-sig", newline="")


def not_utf8(name: str, error: UnicodeDecodeError) -> str:
    """Say that a file is no text in UTF-8, what was found, and what to do.

    Parameters
    ----------
    name
        What the file is called.
    error
        What reading it as text raised.

    Examples
    --------
    >>> try:
    ...     "café.png".encode("latin-1").decode()
    ... except UnicodeDecodeError as error:
    ...     not_utf8("list.txt", error)
    'list.txt: expected text in UTF-8, found the byte 0xe9; save it as UTF-8.'
    """
    start = bytes(error.object[:2])
    found = "UTF-16" if start in _UTF_16 else f"the byte {error.object[error.start]:#04x}"
    return f"{name}: expected text in UTF-8, found {found}; save it as UTF-8."
