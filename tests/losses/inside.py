"""What is private in `snellen.losses` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.losses._best_matches import best_matches
from snellen.losses._response import differentiable

__all__ = [
    "best_matches",
    "differentiable",
]
