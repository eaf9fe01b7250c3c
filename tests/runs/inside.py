"""What is private in `snellen.runs` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.runs import _describing as describing_module
from snellen.runs import _diagnosing as diagnosing_module
from snellen.runs import _distorting as distorting_module
from snellen.runs._bench import _score_cache as score_cache_module
from snellen.runs._bench import _scores as scores_module
from snellen.runs._bench._score_cache import score_identity
from snellen.runs._bench._statistics import enough_resamples
from snellen.runs._bench._tables import _cell
from snellen.runs._engine import EngineOptions, Outcome, in_order, score_items
from snellen.runs._engine import _decode as decode_module
from snellen.runs._engine import _each as each_module
from snellen.runs._engine._ahead import ByteBudget, DoneAhead
from snellen.runs._metrics_by_name import Recipe
from snellen.runs._ray import RayEngine, RayOptions
from snellen.runs._ray import _engine as ray_engine_module
from snellen.runs._score_work import ScoreWork, ScoreWorkMaker
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
    "ScoreWork",
    "ScoreWorkMaker",
    "Source",
    "_cell",
    "decode_module",
    "describing_module",
    "diagnosing_module",
    "distorting_module",
    "each_module",
    "enough_resamples",
    "in_order",
    "parts_module",
    "ray_engine_module",
    "score_cache_module",
    "score_identity",
    "score_items",
    "scores_module",
]
