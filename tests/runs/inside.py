"""What is private in `snellen.runs` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.runs import _rated as rated_module
from snellen.runs import _score_cache as score_cache_module
from snellen.runs import _tables as tables_module
from snellen.runs._engine import EngineOptions, Outcome, in_order, score_items
from snellen.runs._engine import _decode as decode_module
from snellen.runs._engine._ahead import ByteBudget, DoneAhead
from snellen.runs._judge import enough_resamples
from snellen.runs._ray import RayEngine, RayOptions
from snellen.runs._ray import _engine as ray_engine_module
from snellen.runs._recipe import Recipe
from snellen.runs._report_tables import _cell
from snellen.runs._score_cache import identity
from snellen.runs._sinks import RunError
from snellen.runs._sinks import _parts as parts_module
from snellen.runs._sources import Item, Location
from snellen.runs._sources._source import Source

__all__ = [
    "ByteBudget",
    "DoneAhead",
    "EngineOptions",
    "Item",
    "Location",
    "Outcome",
    "RayEngine",
    "RayOptions",
    "Recipe",
    "RunError",
    "Source",
    "_cell",
    "decode_module",
    "enough_resamples",
    "identity",
    "in_order",
    "parts_module",
    "rated_module",
    "ray_engine_module",
    "score_cache_module",
    "score_items",
    "tables_module",
]
