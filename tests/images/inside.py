"""What is private in `snellen.images` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.images import _files as files_module
from snellen.images import _plugins as plugins_module
from snellen.images import _samples as samples_module
from snellen.images._plugins import jxl_size

__all__ = [
    "files_module",
    "jxl_size",
    "plugins_module",
    "samples_module",
]
