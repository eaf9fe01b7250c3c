"""Metrics against databases with human scores: scores, their cache, statistics, reports."""

from snellen.runs._bench._bench import BenchResult, bench
from snellen.runs._bench._reports import REPORT_FORMATS, report_format, write_report
from snellen.runs._bench._score_cache import ScoreCache
from snellen.runs._bench._scores import rated_rows
from snellen.runs._bench._tables import report_tables

__all__ = [
    "REPORT_FORMATS",
    "BenchResult",
    "ScoreCache",
    "bench",
    "rated_rows",
    "report_format",
    "report_tables",
    "write_report",
]
