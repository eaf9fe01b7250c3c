"""Collections of images: inputs in, one row for each out; nothing is lost on the way."""

from snellen._memory import keep_freed_memory
from snellen.runs._bench import (
    REPORT_FORMATS,
    BenchResult,
    ScoreCache,
    bench,
    rated_rows,
    report_format,
    report_tables,
    write_report,
)
from snellen.runs._comparing import compare
from snellen.runs._correlations import correlation_table
from snellen.runs._described import reduced_metric, score_described
from snellen.runs._describing import describe
from snellen.runs._diagnosing import diagnose
from snellen.runs._distorting import distort, distortion_run
from snellen.runs._distortion_plan import DistortionPlan, find_sources, make_plan
from snellen.runs._engine import EngineOptions
from snellen.runs._engines import ENGINES
from snellen.runs._run import Run, RunResult
from snellen.runs._scoring import score
from snellen.runs._sinks import is_folder
from snellen.runs._sources import Source, open_source, parse_shard

__all__ = [
    "ENGINES",
    "REPORT_FORMATS",
    "BenchResult",
    "DistortionPlan",
    "EngineOptions",
    "Run",
    "RunResult",
    "ScoreCache",
    "Source",
    "bench",
    "compare",
    "correlation_table",
    "describe",
    "diagnose",
    "distort",
    "distortion_run",
    "find_sources",
    "is_folder",
    "keep_freed_memory",
    "make_plan",
    "open_source",
    "parse_shard",
    "rated_rows",
    "reduced_metric",
    "report_format",
    "report_tables",
    "score",
    "score_described",
    "write_report",
]
