"""Sections of the report that need no photographs: tuning, and contrast sensitivity."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.plots._report_figures import (
    figure_html,
    finite,
    plain,
    plot_sensitivities,
    plot_tuning_by_depth,
)
from snellen.plots._report_tables import number, table_html
from snellen.plots._tuning import (
    plot_preferred_frequencies,
    plot_preferred_orientations,
    plot_tuning_curves,
)

if TYPE_CHECKING:
    from snellen.exam import Examination, Part

Row = Mapping[str, Any]

_CURVES = 3


def tuning_by_depth(found: "Examination") -> str:
    """Return the figure of tuning against depth, all networks in one; nothing without tuning."""
    rows = {label: part.tables["tuning"] for label, part in found.of("tuning").items()}
    if not rows:
        return ""
    facts = found.facts
    figure = plot_tuning_by_depth(
        rows,
        human_peak=facts["human_peak"],
        selective=facts["selective_osi"],
        opponent=facts["opponent"],
    )
    caption = (
        "Tuning by depth. Left: median over channels, band: quartiles; dotted: where people see "
        "best. Middle: channels that respond to their best orientation at least twice as strongly "
        "as across it. Right: channels that respond more to a chromatic grating than to an "
        "achromatic one of the same contrast."
    )
    return figure_html(figure, f"Tuning by depth of {', '.join(rows)}.", caption)


def tuning_section(found: "Examination") -> str:
    """Return what the channels are tuned to, network by network."""
    facts = found.facts
    fewer = "" if facts["full"] else f", fewer than the {facts['all_gratings']} of the full exam"
    text = (
        f"<p>Every network saw {facts['gratings']} gratings{fewer}: rings and bars by frequency "
        f"and orientation, contrasts and colours, at {facts['pixels_per_degree']:g} pixels per "
        "degree. The response of a channel is the mean of its map, less that to uniform grey; in "
        "layers with negative features the amplitude. Channels differ; none is left out, so the "
        "bands are quartiles over channels, not errors of measurement.</p>"
    )
    area = facts["grating_area"]
    return text + "".join(_tuning_of(part, area) for part in found.of("tuning").values())


def _tuning_of(part: "Part", area: float) -> str:
    exam, name = part.tuning_exam(), escape(part.network)
    shown = exam.stimuli.frequencies or ()
    parts = [f"<h3>{name}</h3>", _layers_table(part.tables["tuning"], name)]
    if not len(finite(exam.rows, "preferred_frequency")):
        return "".join([*parts, '<p class="note">No channel responds to any grating.</p>'])
    rows = [{**row, "layer": plain(row["layer"])} for row in exam.rows]
    parts.append(
        figure_html(
            plot_preferred_frequencies(rows, _people(shown, area), csf_label="people (measured)"),
            f"Histograms of preferred frequency of {part.network}, a panel per layer.",
            "How many channels of each layer prefer which frequency, and the sensitivity of "
            "people to gratings as large. In brackets: channels tuned to grey gratings, of all. At "
            "the ends of the range, the best frequency may lie beyond it.",
        )
    )
    parts.append(
        figure_html(
            plot_preferred_orientations(rows),
            f"Roses of preferred orientation of {part.network}, a panel per layer.",
            "Preferred orientation; channels count by their selectivity.",
        )
    )
    layers = exam.layers
    count = min(_CURVES, len(layers))
    chosen = [layers[round(i * (len(layers) - 1) / max(1, count - 1))] for i in range(count)]
    for layer in dict.fromkeys(chosen):
        figure = plot_tuning_curves(exam, layer)
        figure.suptitle(plain(figure.get_suptitle()))
        parts.append(
            figure_html(
                figure,
                f"Tuning curves of channels of {layer} of {part.network}.",
                f"Channels of <code>{escape(layer)}</code> with the largest perceptual efficacy; "
                "each curve over its own maximum.",
            )
        )
    return "".join(parts)


def _people(shown: Sequence[float], area: float) -> dict[float, float]:
    from snellen.vision import find_csf

    frequencies = np.geomspace(min(shown), max(shown), 100)
    return dict(
        zip(
            frequencies.tolist(), find_csf("measured")(frequencies, area=area).tolist(), strict=True
        )
    )


def _layers_table(rows: Sequence[Row], name: str) -> str:
    body = []
    for layer in dict.fromkeys(row["layer"] for row in rows):
        own = [row for row in rows if row["layer"] == layer]
        values = finite(own, "preferred_frequency")
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)) if len(values) else [None] * 3
        body.append(
            [
                f"<code>{escape(layer)}</code>",
                str(len(own)),
                str(sum(bool(row["dead"]) for row in own)),
                f"{number(middle, '.3g')} [{number(low, '.3g')}, {number(high, '.3g')}]",
                *(_median(own, column) for column in _MEDIANS),
                escape(own[0]["reading"]),
            ]
        )
    head = ["Layer", "Channels", "Dead", "Preferred frequency", *_MEDIANS.values(), "Response"]
    table = table_html(head, body, f"{name}: medians over channels, with quartiles of frequency.")
    return f"<details><summary>{name}, layer by layer</summary>{table}</details>"


_MEDIANS = {
    "bandwidth_octaves": "Bandwidth, octaves",
    "osi": "OSI",
    "circular_variance": "Circular variance",
    "phase_modulation": "Phase modulation",
    "color_opponency": "Colour opponency",
}


def _median(rows: Sequence[Row], column: str) -> str:
    values = finite(rows, column)
    return number(float(np.median(values)) if len(values) else None, ".2f")


def csf_section(found: "Examination") -> str:
    """Return what networks see as metrics, beside people."""
    parts = found.of("csf")
    first = next(iter(parts.values()))
    multiple = first.manifest["multiple"]
    text = (
        "<p>Each network became a metric: the Euclidean distance of all examined layers, joined. "
        "A vertical grating on grey is seen where its distance from plain grey reaches that of "
        f"the anchor, the frequency at which people see best at {multiple:g} times their threshold;"
        " there the two agree by construction. No interval: the measure is deterministic, and "
        "its few frequencies are a grid, not a sample.</p>"
    )
    rows = {label: part.tables["csf"] for label, part in parts.items()}
    figure = figure_html(
        plot_sensitivities(rows),
        f"Contrast sensitivity of {', '.join(rows)} and of people by frequency.",
        "Contrast sensitivity of the networks and of people (fitted to measured thresholds).",
    )
    body = []
    for label, part in parts.items():
        one = part.tables["csf-agreement"][0]
        values = [number(one[key], "+.2f") for key in ("pearson",)]
        values += [number(one[key]) for key in ("rms", "rms_shape")]
        body.append([escape(label), *values, str(one["n"])])
    head = ["Network", "Correlation", "RMS, log10", "RMS of shape, log10", "Frequencies"]
    return text + figure + table_html(head, body, "Log sensitivity against that of people.")
