"""Part ``csf``: what a network sees as a metric, beside people."""

from collections.abc import Iterator
from html import escape

from snellen.backbones import Backbone
from snellen.exam._exam_run import ExamRun
from snellen.exam._examination._html import ReportFigure, number, small, table_html
from snellen.exam._examination._part import (
    Facts,
    Found,
    Measure,
    PartKind,
    Parts,
    Tables,
    Term,
    Work,
)
from snellen.exam._examination._plan import ExamPlan
from snellen.exam._psychophysics._psychophysics import DEFAULT_FREQUENCIES, metric_csf
from snellen.metrics import create_metric
from snellen.records import Row
from snellen.vision import Grating

_PHASES = 2
_LOOKS = 18
"""Images by which a threshold is found, about, at each phase."""


def _run(backbone: Backbone, label: str, plan: ExamPlan, run: ExamRun) -> Found:
    metric = create_metric(
        "euclidean-gabor", backbone=backbone, layers=plan.layers_of(backbone), device=run.device
    )
    found = metric_csf(
        metric,
        _frequencies(plan),
        stimulus=Grating(4.0, size=plan.size_of(backbone), viewing=plan.viewing),
        phases=_PHASES,
        progress=run.progress,
    )
    tables = {"csf": tuple(found.rows), "csf-agreement": (found.agreement(),)}
    return Found(tables, {"exam": "csf", **found.manifest()})


def _frequencies(plan: ExamPlan) -> list[float]:
    return [f for f in DEFAULT_FREQUENCIES if f <= plan.viewing.nyquist]


def _work(backbone: Backbone, plan: ExamPlan) -> Work:
    count = len(_frequencies(plan))
    return Work(count, count * _PHASES * _LOOKS * plan.grating_megapixels(backbone))


def _findings(tables: Tables, facts: Facts) -> Row:
    own: Row = next(iter(tables.get("csf-agreement", ())), {})
    return {f"csf_{name}": own.get(name) for name in ("pearson", "rms_shape", "n")}


def _cell(row: Row) -> str:
    correlation = number(row["csf_pearson"], "+.2f")
    if not row["csf_n"]:
        return correlation
    shape = number(row["csf_rms_shape"])
    return correlation + small(f"over {row['csf_n']} frequencies; shape off by {shape} log10")


def _sentence(row: Row) -> str | None:
    correlation = row["csf_pearson"]
    return None if correlation is None else f"CSF correlation {correlation:+.2f}"


def _section(parts: Parts, facts: Facts) -> Iterator[str | ReportFigure]:
    multiple = next(iter(parts.values())).manifest["multiple"]
    yield (
        "<p>Each network became a metric: the Euclidean distance of all examined layers, joined. "
        "A vertical grating on grey is seen where its distance from plain grey reaches that of "
        f"the anchor, the frequency at which people see best at {multiple:g} times their threshold;"
        " there the two agree by construction. No interval: the measure is deterministic, and "
        "its few frequencies are a grid, not a sample.</p>"
    )
    yield ReportFigure(
        "plot_sensitivities",
        ({label: part.tables["csf"] for label, part in parts.items()},),
        f"Contrast sensitivity of {', '.join(parts)} and of people by frequency.",
        "Contrast sensitivity of the networks and of people (fitted to measured thresholds).",
    )
    head = ["Network", "Correlation", "RMS, log10", "RMS of shape, log10", "Frequencies"]
    body = []
    for label, part in parts.items():
        (row,) = part.tables["csf-agreement"]
        values = [number(row["pearson"], "+.2f"), number(row["rms"]), number(row["rms_shape"])]
        body.append([escape(label), *values, str(row["n"])])
    yield table_html(head, body, "Log sensitivity against that of people.")


CSF = PartKind(
    title="What the networks see, beside people",
    tables=("csf", "csf-agreement"),
    run=_run,
    work=_work,
    findings=_findings,
    measures=(
        Measure(
            "Contrast sensitivity",
            "correlation of log sensitivity with people's, as a metric",
            _cell,
        ),
    ),
    sentence=_sentence,
    section=_section,
    terms=(
        Term(
            "Contrast sensitivity",
            "One over the contrast at which a grating is just told from grey. Of people: fitted by "
            "this project to the thresholds that castleCSF collects, at 100 cd/m². RMS of shape: "
            "of the difference of log10 sensitivities after the best factor.",
            "Ashraf et al., castleCSF, Journal of Vision 24(4), 2024",
        ),
    ),
)
"""The contrast sensitivity of a network as a metric, beside that of people."""
