"""Part ``efficacy``: whether channels tuned like human vision agree better with people."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from snellen.backbones import Backbone
from snellen.exam._efficacy._efficacy import MEAN_OF_LAYERS, efficacy, efficacy_images
from snellen.exam._exam_run import ExamRun
from snellen.exam._examination._html import (
    ReportFigure,
    number,
    rated_images,
    table_html,
    with_interval,
)
from snellen.exam._examination._part import (
    Facts,
    Found,
    Measure,
    Part,
    PartKind,
    Parts,
    Tables,
    Term,
    Work,
    interval_columns,
    interval_text,
)
from snellen.exam._examination._plan import ExamPlan
from snellen.records import Row

GROUP = 10.0
"""Percent of the channels in the group H-x of the summary."""

_CONTROLS = ("random", "F", "top-activation", "top-variance", "L")


def _run(backbone: Backbone, label: str, plan: ExamPlan, run: ExamRun) -> Found:
    found = efficacy(
        backbone,
        plan.layers_of(backbone),
        plan.rated,
        stimuli=plan.stimuli(backbone),
        csf=plan.csf,
        resize=plan.resize_of(backbone),
        resampling=plan.resampling,
        checkpoint=run.checkpoint,
        device=run.device,
        progress=run.progress,
    )
    tables = {
        "efficacy": found.rows,
        "efficacy-differences": found.differences,
        "efficacy-channels": tuple(found.channel_table().to_pylist()),
    }
    return Found(tables, found.manifest())


def _work(backbone: Backbone, plan: ExamPlan) -> Work:
    stimuli = plan.stimuli(backbone)
    images = efficacy_images(plan.rated, stimuli)
    rated = images - stimuli.published_images
    gratings = stimuli.published_images * plan.grating_megapixels(backbone)
    return Work(images, gratings + rated * plan.rated_megapixels(backbone))


def _findings(tables: Tables, facts: Facts) -> Row:
    rows = tables.get("efficacy-differences", ())
    last = rows[-1]["layer"] if rows else None
    for one in rows:
        if _pair(one) == (last, GROUP, "H", "random"):
            return interval_columns("efficacy_gain", one, "difference", "low", "high")
    return interval_columns("efficacy_gain")


def _pair(row: Row) -> tuple[str, float | None, str, str]:
    return row["layer"], row["x"], row["first"], row["second"]


def _sentence(row: Row) -> str | None:
    if row["efficacy_gain"] is None:
        return None
    return f"H-10 minus random {interval_text(row, 'efficacy_gain', '+.3f')}"


def _section(parts: Parts, facts: Facts) -> Iterator[str | ReportFigure]:
    yield (
        "<p>Perceptual efficacy is high for channels whose response changes where human contrast "
        "sensitivity is high, and that are selective for orientation (Tariq et al. 2020). H-x: the "
        "x percent of a layer's channels that have most of it; L-x: those that have least; F: all "
        "channels. SRCC is that of the mean squared difference over a set of channels. Controls of "
        "the same size: random channels (median over sets), largest activation, largest variance. "
        f"{rated_images(facts)}; differences are paired.</p>"
    )
    rows = {label: part.tables["efficacy-differences"] for label, part in parts.items()}
    head = ["Network", *(f"H-10 minus {name}" for name in _CONTROLS)]
    body = [[escape(label), *_cells(own)] for label, own in rows.items()]
    yield table_html(head, body, "Difference of SRCC with 95 % interval, mean over layers.")
    joined = {label: own for label, own in rows.items() if own[-1]["layer"] == MEAN_OF_LAYERS}
    if joined:
        yield _differences(joined, MEAN_OF_LAYERS)
    for label, own in rows.items():
        if label not in joined:
            yield _differences({label: own}, own[-1]["layer"])
    for part in parts.values():
        yield from _of_network(part)


def _cells(rows: Sequence[Row]) -> Iterator[str]:
    last = rows[-1]["layer"]
    own = {row["second"]: row for row in rows if _pair(row)[:3] == (last, GROUP, "H")}
    for name in _CONTROLS:
        values = (number(own[name][column], "+.3f") for column in ("difference", "low", "high"))
        yield "{} [{}, {}]".format(*values)


def _differences(rows: Mapping[str, Sequence[Row]], layer: str) -> ReportFigure:
    return ReportFigure(
        "plot_efficacy_differences",
        (rows,),
        f"Differences of agreement between sets of channels: {', '.join(rows)}, {layer}.",
        f"Paired differences of SRCC between sets of channels, {escape(layer)}.",
        {"layer": layer},
    )


def _of_network(part: Part) -> Iterator[str | ReportFigure]:
    yield f"<h3>{escape(part.network)}</h3>"
    yield ReportFigure(
        "plot_efficacy",
        (part.tables["efficacy"],),
        f"Agreement of sets of channels of {part.network} by size of the set and layer.",
        "SRCC against the size of the set. Grey band: 95 % of the random sets.",
    )


EFFICACY = PartKind(
    title="Do channels tuned like human vision agree better?",
    tables=("efficacy", "efficacy-differences", "efficacy-channels"),
    needs="dataset",
    run=_run,
    work=_work,
    findings=_findings,
    measures=(
        Measure(
            "Efficacy, H-10",
            "SRCC minus that of random channels, mean of layers [95 %]",
            lambda row: with_interval(row, "efficacy_gain", "+.3f"),
        ),
    ),
    sentence=_sentence,
    section=_section,
    terms=(
        Term(
            "Perceptual efficacy",
            "μ1 μ2 / (Σ μ1 Σ μ2), sums over the layer's channels: μ1 sums how much the response "
            "changes with frequency, weighted by human contrast sensitivity; μ2 is the squared "
            "deviation of the response over orientations. H-x: the channels of largest efficacy, "
            "x percent of a layer; L-x: those of least; F: all.",
            "Tariq, Tursun, Kim, Didyk, ECCV 2020, Eqs. 1 to 8; the controls are this project's",
        ),
    ),
)
"""Whether channels with perceptual efficacy agree better with people."""
