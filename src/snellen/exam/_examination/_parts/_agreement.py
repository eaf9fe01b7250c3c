"""Part ``agreement``: which layers, with which readout, agree with people."""

from collections.abc import Iterator, Sequence
from html import escape

from snellen.backbones import INPUT_LAYER, Backbone
from snellen.exam._agreement._layers import best_row, layers
from snellen.exam._exam_run import ExamRun
from snellen.exam._examination._html import (
    ReportFigure,
    details,
    rated_images,
    small,
    table_html,
    with_interval,
)
from snellen.exam._examination._part import (
    Facts,
    Found,
    Measure,
    PartKind,
    Parts,
    Tables,
    Term,
    Work,
    interval_columns,
    interval_text,
    without_label,
)
from snellen.exam._examination._plan import ExamPlan
from snellen.records import Row

_FEW_READOUTS = ("euclidean", "cosine-position", "structure-texture")


def _run(backbone: Backbone, label: str, plan: ExamPlan, run: ExamRun) -> Found:
    found = layers(
        {label: backbone},
        plan.rated,
        layers=[INPUT_LAYER, *plan.layers_of(backbone)],
        resize=plan.resize_of(backbone),
        resampling=plan.resampling,
        checkpoint=run.checkpoint,
        device=run.device,
        progress=run.progress,
    )
    return Found({"agreement": without_label(found.rows)}, found.manifest())


def _work(backbone: Backbone, plan: ExamPlan) -> Work:
    images = len(plan.rated)
    return Work(images, images * plan.rated_megapixels(backbone))


def _findings(tables: Tables, facts: Facts) -> Row:
    rows = tables.get("agreement", ())
    best = best_row(rows) if rows else None
    names = ("layer", "readout", "combination")
    row = {f"agreement_{name}": None if best is None else best[name] for name in names}
    return row | interval_columns("srcc", best, "srcc", "srcc_low", "srcc_high")


def _cell(row: Row) -> str:
    if row["srcc"] is None:
        return with_interval(row, "srcc")
    several = row["agreement_combination"] == "cumulative"
    joined = "layers up to it" if several else "layer alone"
    where = f"{row['agreement_layer']}; {row['agreement_readout']}, {joined}"
    return with_interval(row, "srcc") + small(where)


def _sentence(row: Row) -> str | None:
    if row["srcc"] is None:
        return None
    return f"SRCC {interval_text(row, 'srcc', '.3f')} at {row['agreement_layer']}"


def _section(parts: Parts, facts: Facts) -> Iterator[str | ReportFigure]:
    yield (
        "<p>At every layer the distance between an image and its reference, by every readout, "
        f"against human scores. {rated_images(facts)}. The best layer and readout are chosen on "
        "the same images: a little optimistic.</p>"
    )
    alone = {
        label: [row for row in part.tables["agreement"] if row["combination"] == "layer"]
        for label, part in parts.items()
    }
    several = len(parts) > 1
    shown = [{**row, "network": label} for label, rows in alone.items() for row in rows]
    yield ReportFigure(
        "plot_layers",
        ([row for row in shown if not several or row["readout"] in _FEW_READOUTS],),
        f"Agreement with people by depth: {', '.join(parts)}.",
        "SRCC with human scores by depth (0: pixels). Bands: 95 % intervals.",
        {"by": "network" if several else "readout"},
    )
    head = ["Network", "Readout", "Best layer", "SRCC", "PLCC"]
    body = [row for label, rows in alone.items() for row in _best_of_readouts(label, rows)]
    caption = "Best single layer of every readout; SRCC and PLCC with 95 % intervals."
    yield details("Every readout at its best layer", table_html(head, body, caption))


def _best_of_readouts(label: str, rows: Sequence[Row]) -> Iterator[list[str]]:
    for readout in dict.fromkeys(row["readout"] for row in rows):
        own = [row for row in rows if row["readout"] == readout and row["srcc"] == row["srcc"]]
        if own:
            best = max(own, key=lambda row: float(row["srcc"]))
            layer = f"<code>{escape(best['layer'])}</code>"
            values = [with_interval(best, name) for name in ("srcc", "plcc")]
            yield [escape(label), escape(readout), layer, *values]


AGREEMENT = PartKind(
    title="Which layers agree with people?",
    tables=("agreement",),
    needs="dataset",
    run=_run,
    work=_work,
    findings=_findings,
    measures=(Measure("Agreement with people", "SRCC, best layer and readout [95 %]", _cell),),
    sentence=_sentence,
    section=_section,
    terms=(
        Term(
            "SRCC, PLCC",
            "Spearman's rank correlation with human scores; Pearson's correlation. Signed so that "
            "1 is full agreement.",
        ),
    ),
)
"""Which layers and readouts agree with people."""
