"""Scoring of collections: pairs in, rows out; nothing is lost on the way."""

from snellen.runs._journal import Journal, Row
from snellen.runs._memory import keep_freed_memory
from snellen.runs._pairs import PairScore, comparison_rows, score_pairs
from snellen.runs._tables import FORMATS, TableError, format_of, write_table

__all__ = [
    "FORMATS",
    "Journal",
    "PairScore",
    "Row",
    "TableError",
    "comparison_rows",
    "format_of",
    "keep_freed_memory",
    "score_pairs",
    "write_table",
]
