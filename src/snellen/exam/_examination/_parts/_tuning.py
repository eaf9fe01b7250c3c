"""Part ``tuning``: what every channel of a network is tuned to."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snellen.backbones import Backbone
from snellen.exam._exam_run import ExamRun
from snellen.exam._examination._html import (
    MISSING,
    ReportFigure,
    details,
    number,
    small,
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
)
from snellen.exam._examination._plan import OPPONENT, SELECTIVE_OSI, ExamPlan
from snellen.exam._tuning._tuning import TuningExam, tuning
from snellen.exam._tuning._tuning_tables import exam_of_tables
from snellen.records import Row
from snellen.vision import find_csf

Rows = Sequence[Mapping[str, Any]]

_MOST_FIGURES = 3
_QUARTILES = (0.25, 0.5, 0.75)
_MEDIANS = {
    "bandwidth_octaves": "Bandwidth, octaves",
    "osi": "OSI",
    "circular_variance": "Circular variance",
    "phase_modulation": "Phase modulation",
    "color_opponency": "Colour opponency",
}


def _run(backbone: Backbone, label: str, plan: ExamPlan, run: ExamRun) -> Found:
    found = tuning(
        backbone,
        plan.layers_of(backbone),
        stimuli=plan.stimuli(backbone),
        csf=plan.csf,
        checkpoint=run.checkpoint,
        device=run.device,
        progress=run.progress,
    )
    curves = tuple(found.curve_table().to_pylist())
    return Found({"tuning": found.rows, "curves": curves}, found.manifest())


def _work(backbone: Backbone, plan: ExamPlan) -> Work:
    images = plan.stimuli(backbone).images
    return Work(images, images * plan.grating_megapixels(backbone))


def tuning_exam(part: Part) -> TuningExam:
    """Return the exam that the tables of a part were made from."""
    return exam_of_tables(part.tables["tuning"], part.tables["curves"], part.manifest)


def _findings(tables: Tables, facts: Facts) -> Row:
    rows, peak = tables.get("tuning", ()), facts.get("human_peak")
    preferred = _finite(rows, "preferred_frequency")
    names = ("preferred_frequency", "preferred_frequency_low", "preferred_frequency_high")
    row: Row = {"channels": len(rows) or None, "dead": None, **dict.fromkeys(names)}
    row |= {"human_peak": peak if rows else None, "octaves_from_human": None}
    row |= {"orientation_selective": None, "color_opponent": None}
    if rows:
        row["dead"] = sum(bool(one["dead"]) for one in rows) / len(rows)
    if len(preferred):
        low, middle, high = np.quantile(preferred, _QUARTILES).tolist()
        row |= dict(zip(names, (middle, low, high), strict=True))
        row["octaves_from_human"] = None if peak is None else float(np.log2(middle / peak))
        row["orientation_selective"] = _share(rows, "osi", SELECTIVE_OSI)
        row["color_opponent"] = _share(rows, "color_opponency", OPPONENT)
    return row


def _share(rows: Rows, column: str, least: float) -> float | None:
    """Return the share of channels with a value that have at least so much; None without any."""
    values = _finite(rows, column)
    return float((values >= least).mean()) if len(values) else None


def _finite(rows: Rows, column: str) -> NDArray[np.float64]:
    values = np.array([row.get(column, np.nan) for row in rows], dtype=np.float64)
    return values[np.isfinite(values)]


def _channels(row: Row) -> str:
    dead = "" if row["dead"] is None else f", {row['dead']:.1%} dead"
    return MISSING if row["channels"] is None else f"{row['channels']}{dead}"


def _distance(row: Row) -> str:
    away, peak = number(row["octaves_from_human"], "+.2f"), row["human_peak"]
    return away if peak is None else f"{away}{small(f'people: {peak:.2g}')}"


def _sentence(row: Row) -> str | None:
    frequency = row["preferred_frequency"]
    return None if frequency is None else f"prefers {frequency:.3g} cycles per degree"


def _overview(parts: Parts, facts: Facts) -> ReportFigure:
    rows = [row for label, part in parts.items() for row in _by_layer(label, part.tables["tuning"])]
    return ReportFigure(
        "plot_tuning_by_depth",
        (rows,),
        f"Tuning by depth of {', '.join(parts)}.",
        "Tuning by depth. Left: median over channels, band: quartiles; dotted: where people see "
        "best. Middle: channels that respond to their best orientation at least twice as strongly "
        "as across it. Right: channels that respond more to a chromatic grating than to an "
        "achromatic one of the same contrast.",
        {"human_peak": facts["human_peak"]},
    )


def _by_layer(label: str, rows: Rows) -> Iterator[Row]:
    for layer in dict.fromkeys(row["layer"] for row in rows):
        own = [row for row in rows if row["layer"] == layer]
        low, middle, high = _quartiles(own)
        yield {
            "network": label,
            "layer": layer,
            "preferred_frequency": middle,
            "preferred_frequency_low": low,
            "preferred_frequency_high": high,
            "orientation_selective": _share(own, "osi", SELECTIVE_OSI),
            "color_opponent": _share(own, "color_opponency", OPPONENT),
        }


def _quartiles(rows: Rows) -> list[float | None]:
    values = _finite(rows, "preferred_frequency")
    return np.quantile(values, _QUARTILES).tolist() if len(values) else [None] * 3


def _section(parts: Parts, facts: Facts) -> Iterator[str | ReportFigure]:
    fewer = "" if facts["full"] else f", fewer than the {facts['all_gratings']} of the full exam"
    yield (
        f"<p>Every network saw {facts['gratings']} gratings{fewer}: rings and bars by frequency "
        f"and orientation, contrasts and colours, at {facts['pixels_per_degree']:g} pixels per "
        "degree. The response of a channel is the mean of its map, less that to uniform grey; in "
        "layers with negative features the amplitude. Channels differ; none is left out, so the "
        "bands are quartiles over channels, not errors of measurement.</p>"
    )
    for part in parts.values():
        yield from _of_network(part, facts["grating_area"])


def _of_network(part: Part, area: float) -> Iterator[str | ReportFigure]:
    exam, name = tuning_exam(part), escape(part.network)
    yield f"<h3>{name}</h3>"
    yield details(f"{name}, layer by layer", _layers_table(exam.rows, name))
    if not len(_finite(exam.rows, "preferred_frequency")):
        yield '<p class="note">No channel responds to any grating.</p>'
        return
    yield ReportFigure(
        "plot_preferred_frequencies",
        (exam.rows, _people(exam.stimuli.frequencies or (), area)),
        f"Histograms of preferred frequency of {part.network}, a panel per layer.",
        "How many channels of each layer prefer which frequency, and the sensitivity of "
        "people to gratings as large. In brackets: channels tuned to grey gratings, of all. At "
        "the ends of the range, the best frequency may lie beyond it.",
        {"csf_label": "people (measured)"},
    )
    yield ReportFigure(
        "plot_preferred_orientations",
        (exam.rows,),
        f"Roses of preferred orientation of {part.network}, a panel per layer.",
        "Preferred orientation; channels count by their selectivity.",
    )
    count = min(_MOST_FIGURES, len(exam.layers))
    steps = (i * (len(exam.layers) - 1) / max(1, count - 1) for i in range(count))
    for layer in dict.fromkeys(exam.layers[round(step)] for step in steps):
        yield ReportFigure(
            "plot_tuning_curves",
            (exam, layer),
            f"Tuning curves of channels of {layer} of {part.network}.",
            f"Channels of <code>{escape(layer)}</code> with the largest perceptual efficacy; "
            "each curve over its own maximum.",
        )


def _people(shown: Sequence[float], area: float) -> dict[float, float]:
    frequencies = np.geomspace(min(shown), max(shown), 100)
    sensitivity = find_csf("measured")(frequencies, area=area)
    return dict(zip(frequencies.tolist(), sensitivity.tolist(), strict=True))


def _layers_table(rows: Rows, name: str) -> str:
    head = ["Layer", "Channels", "Dead", "Preferred frequency", *_MEDIANS.values(), "Response"]
    body = []
    for layer in dict.fromkeys(row["layer"] for row in rows):
        own = [row for row in rows if row["layer"] == layer]
        low, middle, high = (number(value, ".3g") for value in _quartiles(own))
        body.append(
            [
                f"<code>{escape(layer)}</code>",
                str(len(own)),
                str(sum(bool(row["dead"]) for row in own)),
                f"{middle} [{low}, {high}]",
                *(_median(own, column) for column in _MEDIANS),
                escape(own[0]["reading"]),
            ]
        )
    return table_html(head, body, f"{name}: medians over channels, with quartiles of frequency.")


def _median(rows: Rows, column: str) -> str:
    values = _finite(rows, column)
    return number(float(np.median(values)) if len(values) else None, ".2f")


TUNING = PartKind(
    title="What the channels are tuned to",
    tables=("tuning", "curves"),
    run=_run,
    work=_work,
    findings=_findings,
    measures=(
        Measure("Channels", "of all layers examined; share that no grating moves", _channels),
        Measure(
            "Preferred frequency",
            "cycles per degree: median [quartiles] over tuned channels",
            lambda row: with_interval(row, "preferred_frequency", ".3g"),
        ),
        Measure(
            "Distance from people",
            "octaves, of that median from the peak of human sensitivity",
            _distance,
        ),
        Measure(
            "Orientation-selective",
            "share of tuned channels with OSI of at least 1/3",
            lambda row: number(row["orientation_selective"], ".0%"),
        ),
        Measure(
            "Prefers colour",
            "share of responding channels with opponency of at least 1/2",
            lambda row: number(row["color_opponent"], ".0%"),
        ),
    ),
    sentence=_sentence,
    overview=_overview,
    section=_section,
    terms=(
        Term(
            "Preferred frequency",
            "Peak of the response to gratings over spatial frequency, at the best orientation, "
            "between samples by Akima's interpolation; cycles per degree. Bandwidth: octaves "
            "between half heights.",
        ),
        Term(
            "OSI, orientation selectivity",
            "(r_p - r_o) / (r_p + r_o): response at the best orientation and across it. That 1/3 "
            "or more counts as selective, i.e. twice the response, is this project's choice.",
        ),
        Term(
            "Circular variance",
            "1 - |Σ r_j exp(2iθ_j)| / Σ r_j: 0 for one orientation only, 1 for all alike.",
            "Ringach, Shapley, Hawken, J. Neuroscience 22(13), 2002",
        ),
        Term(
            "Phase modulation",
            "F1 / (F1 + |F0|) over the phases of a grating: 0 for complex cells, 1 for linear "
            "ones; 0.5 is the border between simple and complex.",
            "Skottun et al., Vision Research 31, 1991",
        ),
        Term(
            "Colour opponency",
            "c / (c + a): strongest response to red-green or blue-yellow gratings (c) and to "
            "achromatic ones (a), at the same contrast of the primary that is modulated most. That "
            "1/2 or more counts as preferring colour is this project's choice.",
        ),
    ),
)
"""What the channels are tuned to."""
