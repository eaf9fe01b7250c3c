"""What a part of the exam is, and what it found of one network."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from snellen.backbones import Backbone
from snellen.exam._exam_run import ExamRun
from snellen.exam._examination._html import ReportFigure
from snellen.exam._examination._plan import ExamPlan
from snellen.records import Row

Facts = Mapping[str, Any]
Tables = Mapping[str, tuple[Row, ...]]


@dataclass(frozen=True)
class Part:
    """One part of the exam of one network.

    Parameters
    ----------
    name
        One of `EXAM_PARTS`.
    network
        Label of the network.
    tables
        Rows by name of the table; none where the part failed.
    manifest
        What it takes to get the same numbers again, as plain values.
    seconds
        Wall-clock time that it took when it was computed.
    error
        Why it failed; None where it did not.
    """

    name: str
    network: str
    tables: Tables = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None


Parts = Mapping[str, Part]
"""One part of several networks, by label."""


class Found(NamedTuple):
    """Tables and manifest of a part that was run."""

    tables: Tables
    manifest: dict[str, Any]


class Work(NamedTuple):
    """Number of images (or conditions) that a part tells of, and megapixels through the network."""

    steps: int
    megapixels: float


class Measure(NamedTuple):
    """A row of the first page: its name, what it is, and its cell from the summary of a network."""

    name: str
    what: str
    cell: Callable[[Row], str]


class Term(NamedTuple):
    """An entry of the glossary; the source may be empty."""

    name: str
    text: str
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class PartKind:
    """A part of the exam: all that the exam, its report and its command know of it.

    Parameters
    ----------
    title
        Heading of its section in the report.
    tables
        Names of the tables that `run` returns.
    needs
        The data without which it is left out.
    run
        Takes a network, its label, the plan and the run to tables and manifest.
    work
        How much there is to do.
    findings
        Columns of the summary, from the part's tables (empty where it was not run or failed) and
        the facts of the examination.
    measures
        Its rows of the first page.
    sentence
        Its share of the line that the command prints of a network; None where nothing was found.
    section
        Its section of the report: HTML, and figures.
    overview
        Its figure on the first page.
    terms
        Its entries of the glossary.
    """

    title: str
    tables: tuple[str, ...]
    needs: Literal["dataset", "images"] | None = None
    run: Callable[[Backbone, str, ExamPlan, ExamRun], Found]
    work: Callable[[Backbone, ExamPlan], Work]
    findings: Callable[[Tables, Facts], Row]
    measures: tuple[Measure, ...]
    sentence: Callable[[Row], str | None]
    section: Callable[[Parts, Facts], Iterator[str | ReportFigure]]
    overview: Callable[[Parts, Facts], ReportFigure] | None = None
    terms: tuple[Term, ...] = ()


def interval_columns(name: str, row: Row | None = None, *columns: str) -> Row:
    """Return a value and its ends as columns of the summary, None without a row."""
    values = [None] * 3 if row is None else [row[column] for column in columns]
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def interval_text(row: Row, name: str, form: str) -> str:
    """Return a value of the summary with its interval, as a terminal shows it."""
    return f"{row[name]:{form}} [{row[f'{name}_low']:{form}}, {row[f'{name}_high']:{form}}]"


def without_label(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Leave out the label: the same numbers may be asked for again under another one."""
    return tuple({k: v for k, v in row.items() if k != "network"} for row in rows)
