"""Images to rows: decoding ahead, batches of one size, references only once."""

from snellen.runs._engine._ahead import in_order, work_ahead
from snellen.runs._engine._decode import read_reference
from snellen.runs._engine._each import each_image
from snellen.runs._engine._local import Task, score_items
from snellen.runs._engine._options import EngineOptions
from snellen.runs._engine._score import Outcome

__all__ = [
    "EngineOptions",
    "Outcome",
    "Task",
    "each_image",
    "in_order",
    "read_reference",
    "score_items",
    "work_ahead",
]
