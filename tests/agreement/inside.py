"""What is private in `snellen.agreement` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.agreement import _bootstrap as bootstrap_module
from snellen.agreement._significance import _williams_t

__all__ = [
    "_williams_t",
    "bootstrap_module",
]
