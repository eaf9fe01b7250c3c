"""Images to rows: decoding ahead, batches of one size, references only once."""

from snellen.runs._engine._ahead import in_order, work_ahead
from snellen.runs._engine._decode import describe
from snellen.runs._engine._local import Task, score_items
from snellen.runs._engine._options import EngineOptions, tiling
from snellen.runs._engine._score import Outcome

__all__ = [
    "EngineOptions",
    "Outcome",
    "Task",
    "describe",
    "in_order",
    "score_items",
    "tiling",
    "work_ahead",
]
