"""Scoring of collections: pairs in, rows out; nothing is lost on the way."""

from snellen.runs._bench import BenchResult, bench
from snellen.runs._correlations import correlation_table
from snellen.runs._described import DescribedImage, described_rows, pair_descriptors
from snellen.runs._describing import describe_rows, descriptor_files
from snellen.runs._engine import tiling
from snellen.runs._engines import ENGINES
from snellen.runs._journal import Journal, JournalError, Row
from snellen.runs._memory import keep_freed_memory
from snellen.runs._pairs import PairScore, comparison_rows, score_pairs
from snellen.runs._rated import rated_rows
from snellen.runs._report_tables import report_tables
from snellen.runs._reports import REPORT_FORMATS, report_format, write_report
from snellen.runs._run import ScoredCollection, ScoredRows
from snellen.runs._score_cache import CacheError, ScoreCache
from snellen.runs._scoring import score
from snellen.runs._sinks import RunError, is_folder
from snellen.runs._sources import Source, SourceError, open_source, parse_shard
from snellen.runs._tables import FORMATS, TableError, format_of, write_table

__all__ = [
    "ENGINES",
    "FORMATS",
    "REPORT_FORMATS",
    "BenchResult",
    "CacheError",
    "DescribedImage",
    "Journal",
    "JournalError",
    "PairScore",
    "Row",
    "RunError",
    "ScoreCache",
    "ScoredCollection",
    "ScoredRows",
    "Source",
    "SourceError",
    "TableError",
    "bench",
    "comparison_rows",
    "correlation_table",
    "describe_rows",
    "described_rows",
    "descriptor_files",
    "format_of",
    "is_folder",
    "keep_freed_memory",
    "open_source",
    "pair_descriptors",
    "parse_shard",
    "rated_rows",
    "report_format",
    "report_tables",
    "score",
    "score_pairs",
    "tiling",
    "write_report",
    "write_table",
]
