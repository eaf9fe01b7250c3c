"""Sections of the report that need photographs: efficacy, separability, agreement."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from snellen.plots._efficacy import plot_efficacy, plot_efficacy_differences
from snellen.plots._layers import plot_layers
from snellen.plots._report_figures import figure_html, plain, renamed
from snellen.plots._report_tables import number, small, table_html, with_interval

if TYPE_CHECKING:
    from snellen.exam import Examination, Part

Row = Mapping[str, Any]

_PAIRS = ("random", "F", "top-activation", "top-variance", "L")
_FEW_READOUTS = ("euclidean", "cosine-position", "structure-texture")


def _rated(found: "Examination") -> str:
    data = found.facts["dataset"]
    rules = ", ".join(dict.fromkeys(found.facts["resize"].values()))
    return (
        f"{data['images']} images of {data['contents']} contents of "
        f"<code>{escape(data['name'])}</code>, size rule {escape(rules)}; intervals: 95 %, "
        f"bootstrap over contents, {found.facts['resamples']} resamples"
    )


def efficacy_section(found: "Examination") -> str:
    """Return whether channels tuned like human vision agree better with people."""
    parts = found.of("efficacy")
    text = (
        "<p>Perceptual efficacy is high for channels whose response changes where human contrast "
        "sensitivity is high, and that are selective for orientation (Tariq et al. 2020). H-x: the "
        "x percent of a layer's channels that have most of it; L-x: those that have least; F: all "
        "channels. SRCC is that of the mean squared difference over a set of channels. Controls of "
        "the same size: random channels (median over sets), "
        f"largest activation, largest variance. {_rated(found)}; differences are paired.</p>"
    )
    body = [
        _efficacy_row(label, part.tables["efficacy-differences"]) for label, part in parts.items()
    ]
    head = ["Network", *(f"H-10 minus {name}" for name in _PAIRS)]
    table = table_html(head, body, "Difference of SRCC with 95 % interval, mean over layers.")
    joined: dict[str, Sequence[Row]] = {}
    figures = []
    for label, part in parts.items():
        rows = part.tables["efficacy-differences"]
        layer = str(rows[-1]["layer"])
        if layer == "mean of layers":
            joined[plain(label)] = rows
        else:
            figures.append(_differences({plain(label): rows}, layer))
    if joined:
        figures.insert(0, _differences(joined, "mean of layers"))
    return text + table + "".join([*figures, *map(_efficacy_of, parts.values())])


def _efficacy_row(label: str, rows: Sequence[Row]) -> list[str]:
    last = rows[-1]["layer"]
    own = {
        row["second"]: row
        for row in rows
        if (row["layer"], row["x"], row["first"]) == (last, 10, "H")
    }
    cells = [
        f"{number(own[name]['difference'], '+.3f')} [{number(own[name]['low'], '+.3f')}, "
        f"{number(own[name]['high'], '+.3f')}]"
        for name in _PAIRS
    ]
    return [escape(label), *cells]


def _differences(rows: Mapping[str, Sequence[Row]], layer: str) -> str:
    return figure_html(
        plot_efficacy_differences(rows, layer=layer),
        f"Differences of agreement between sets of channels: {', '.join(rows)}, {layer}.",
        f"Paired differences of SRCC between sets of channels, {escape(layer)}.",
    )


def _efficacy_of(part: "Part") -> str:
    rows = [{**row, "layer": plain(row["layer"])} for row in part.tables["efficacy"]]
    return f"<h3>{escape(part.network)}</h3>" + figure_html(
        plot_efficacy(rows),
        f"Agreement of sets of channels of {part.network} by size of the set and layer.",
        "SRCC against the size of the set. Grey band: 95 % of the random sets.",
    )


def separability_section(found: "Examination") -> str:
    """Return how well layers tell types of distortion apart."""
    from snellen.plots._separability import plot_separability

    parts = found.of("separability")
    data = found.facts["images"]
    first = next(iter(parts.values())).tables["separability"][0]
    levels = ", ".join(map(str, data["levels"]))
    text = (
        f"<p>{len(data['files'])} undistorted images under {first['types']} types of distortion at "
        f"levels {levels}: {data['images']} images. A layer is summarized by mean and standard "
        f"deviation of every channel, and brought to {first['components']} principal components; "
        "an image's type is that of its nearest neighbor among other contents, without training. "
        f"Always giving one answer is right for {first['chance']:.1%} (chance). Intervals: 95 %, "
        f"bootstrap over contents, {found.facts['resamples']} resamples. The best layer is chosen "
        "on the same images: a little optimistic.</p>"
    )
    body = [
        [f"{escape(label)}{small(what)}", *_separability_cells(part.tables["separability"], known)]
        for label, part in parts.items()
        for known, what in ((False, "without reference"), (True, "difference to the reference"))
    ]
    head = ["Network", "Best layer", "Type accuracy", "Level accuracy", "Silhouette"]
    rows = [r for label, part in parts.items() for r in renamed(label, part.tables["separability"])]
    figure = figure_html(
        plot_separability(rows),
        f"Accuracy of the type of distortion by depth: {', '.join(parts)}.",
        "Type accuracy by depth. Bands: 95 % intervals; dotted: chance.",
    )
    table = table_html(head, body, "At the layer of highest type accuracy.")
    return text + table + figure + "".join(map(_separability_of, parts.values()))


def _separability_cells(rows: Sequence[Row], difference: bool) -> list[str]:
    own = [row for row in rows if row["difference"] is difference]
    best = max(own, key=lambda row: row["accuracy"])
    level = with_interval(best, "level_accuracy") + small(f"chance {best['level_chance']:.3f}")
    accuracy = with_interval(best, "accuracy") + small(f"chance {best['chance']:.3f}")
    layer = f"<code>{escape(best['layer'])}</code>"
    return [layer, accuracy, level, number(best["silhouette"])]


def _separability_of(part: "Part") -> str:
    from snellen.plots._separability import plot_pairs, plot_projection

    points = part.projection()
    layer = points.row["layer"]
    title = plain(f"{part.network}, {layer}")
    return (
        f"<h3>{escape(part.network)}</h3>"
        + figure_html(
            plot_projection(points, title=title),
            f"Images as points in two principal components of {layer} of {part.network}.",
            "Images at the best layer without reference; larger points: higher levels. Two of "
            "many components: what overlaps here may lie apart in others.",
        )
        + figure_html(
            plot_pairs(part.tables["separability-pairs"], title=plain(part.network)),
            f"Which depth of {part.network} separates each pair of types best, and how well.",
            "Pairs of types: below the diagonal the depth that separates them best (0: pixels), "
            "above it the accuracy there (chance .5).",
        )
    )


def agreement_section(found: "Examination") -> str:
    """Return how far layers agree with people."""
    parts = found.of("agreement")
    text = (
        "<p>At every layer the distance between an image and its reference, by every readout, "
        f"against human scores. {_rated(found)}. The best layer and readout are chosen on the "
        "same images: a little optimistic.</p>"
    )
    body = [row for label, part in parts.items() for row in _agreement_rows(label, part)]
    head = ["Network", "Readout", "Best layer", "SRCC", "PLCC"]
    table = table_html(
        head, body, "Best single layer of every readout; SRCC and PLCC with 95 % intervals."
    )
    rows = [
        row
        for label, part in parts.items()
        for row in renamed(label, part.tables["agreement"])
        if row["combination"] == "layer"
    ]
    several = len(parts) > 1
    drawn = [row for row in rows if not several or row["readout"] in _FEW_READOUTS]
    figure = figure_html(
        plot_layers(drawn, by="network" if several else "readout"),
        f"Agreement with people by depth: {', '.join(parts)}.",
        "SRCC with human scores by depth (0: pixels). Bands: 95 % intervals.",
    )
    details = f"<details><summary>Every readout at its best layer</summary>{table}</details>"
    return text + figure + details


def _agreement_rows(label: str, part: "Part") -> list[list[str]]:
    rows = [row for row in part.tables["agreement"] if row["combination"] == "layer"]
    found = []
    for readout in dict.fromkeys(row["readout"] for row in rows):
        own = [row for row in rows if row["readout"] == readout and row["srcc"] == row["srcc"]]
        if own:
            best = max(own, key=lambda row: row["srcc"])
            layer = f"<code>{escape(best['layer'])}</code>"
            values = [with_interval(best, name) for name in ("srcc", "plcc")]
            found.append([escape(label), escape(readout), layer, *values])
    return found
