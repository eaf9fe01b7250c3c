"""What is private in `snellen.datasets` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.datasets._build import Ratings

__all__ = [
    "Ratings",
]
