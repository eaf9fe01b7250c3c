"""What is private in `snellen.records` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.records import _files as files_module
from snellen.records import _identity as identity_module

__all__ = ["files_module", "identity_module"]
