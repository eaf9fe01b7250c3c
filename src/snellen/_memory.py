"""Tell the C library to keep freed memory instead of returning it to the system."""

import ctypes
import logging
import platform

logger = logging.getLogger(__name__)

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_KEEP = 1 << 30


def keep_freed_memory() -> bool:
    """Make glibc reuse the memory of freed tensors, up to a gigabyte, in this process.

    A feature map of some megabytes is otherwise handed back to the system when it is let go,
    and every page of the next one is faulted in and cleared again: on two cores that took a
    third of the time of a small network. It concerns the whole process, so the command line does
    it and the library does not; a program of yours may.

    Returns
    -------
    bool
        Whether the C library took the setting; it does nothing on systems without glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError) as error:  # pragma: no cover - glibc always has it
        logger.debug("mallopt cannot be called: %s", error)
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _KEEP)) and bool(mallopt(_TRIM_THRESHOLD, _KEEP))
