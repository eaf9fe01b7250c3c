"""What is private in `snellen.readouts` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.readouts import _sums as sums_module
from snellen.readouts._pair_statistics import pair_statistics

__all__ = [
    "pair_statistics",
    "sums_module",
]
