"""What is private in `snellen` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen import _threads as threads_module
from snellen._threads import at_once, side_by_side, submit, undivided_pool

__all__ = [
    "at_once",
    "side_by_side",
    "submit",
    "threads_module",
    "undivided_pool",
]
