"""What is private in `snellen.restoration` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.restoration._patches import NumberedSamples

__all__ = [
    "NumberedSamples",
]
