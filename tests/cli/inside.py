"""What is private in `snellen.cli` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.cli._arguments import spread_options
from snellen.cli._console import print_table, shortened, visible
from snellen.cli._describe import describe
from snellen.cli._diagnose import diagnose
from snellen.cli._score import score
from snellen.cli._weights import weights_app

__all__ = [
    "describe",
    "diagnose",
    "print_table",
    "score",
    "shortened",
    "spread_options",
    "visible",
    "weights_app",
]
