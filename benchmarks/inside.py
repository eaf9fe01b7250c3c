"""What is private in `snellen` and measured by itself.

The one place of the benchmarks that names private modules.
"""

from snellen import _threads as threads_module
from snellen._threads import at_once, side_by_side

__all__ = ["at_once", "side_by_side", "threads_module"]
