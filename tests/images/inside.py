"""What is private in `snellen.images` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.images import _samples as samples_module

__all__ = [
    "samples_module",
]
