"""Part ``separability``: which layers tell types of distortion apart."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from snellen.backbones import INPUT_LAYER, Backbone
from snellen.exam._exam_run import ExamRun
from snellen.exam._examination._html import (
    ReportFigure,
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
    interval_columns,
    interval_text,
    without_label,
)
from snellen.exam._examination._plan import ExamPlan
from snellen.records import Row

if TYPE_CHECKING:
    from snellen.exam._separation._separability_exam import PlaneProjection

COMPONENTS = 32
"""Principal components in which types of distortion are told apart."""

_COMPARED = {False: "without reference", True: "difference to the reference"}
_SIDE = 256
"""Side of an image whose size nobody has said, for the progress."""


def _run(backbone: Backbone, label: str, plan: ExamPlan, run: ExamRun) -> Found:
    from snellen.exam._separation._separability import separability

    found = separability(
        {label: backbone},
        plan.pristine,
        poolings="mean-std",
        components=COMPONENTS,
        layers=[INPUT_LAYER, *plan.layers_of(backbone)],
        resize=plan.resize_of(backbone, default="native"),
        resampling=plan.resampling,
        checkpoint=run.checkpoint,
        device=run.device,
        progress=run.progress,
    )
    best = _best(found.rows)
    points = found.projection(best)
    facts = {
        "layer": points.row["layer"],
        "explained_x": points.explained[0],
        "explained_y": points.explained[1],
    }
    tables = {
        "separability": without_label(found.rows),
        "separability-pairs": without_label(found.pairs(best)),
        "separability-confusion": tuple(found.confusion(best).rows()),
        "separability-projection": tuple(facts | row for row in points.rows()),
    }
    return Found(tables, found.manifest())


def _work(backbone: Backbone, plan: ExamPlan) -> Work:
    images = plan.pristine
    side = images.crop or _SIDE
    return Work(len(images), len(images) * side * side / 1e6)


def _best(rows: Sequence[Row], *, difference: bool = False) -> Row | None:
    """Return the row of highest type accuracy, without the reference or with it."""
    own = [row for row in rows if row["difference"] is difference]
    return max(own, key=lambda row: float(np.nan_to_num(row["accuracy"]))) if own else None


def projection(part: Part) -> "PlaneProjection":
    """Return the points of a part: of its best layer, without reference."""
    from snellen.exam._separation._separability_exam import PlaneProjection

    rows = part.tables["separability-projection"]
    first = rows[0]
    row = next(
        one
        for one in part.tables["separability"]
        if one["layer"] == first["layer"] and one["difference"] is False
    )
    return PlaneProjection(
        np.array([[one["x"], one["y"]] for one in rows]),
        np.array([one["type"] for one in rows]),
        np.array([one["level"] for one in rows], dtype=np.float64),
        np.array([one["content"] for one in rows]),
        (first["explained_x"], first["explained_y"]),
        {"network": part.network, **row},
    )


def _findings(tables: Tables, facts: Facts) -> Row:
    best = _best(tables.get("separability", ()))
    if best is None:
        return {"separability_layer": None, **interval_columns("separability"), "chance": None}
    columns = ("accuracy", "accuracy_low", "accuracy_high")
    numbers = interval_columns("separability", best, *columns)
    return {"separability_layer": best["layer"], **numbers, "chance": best["chance"]}


def _told_apart(row: Row) -> str:
    if row["chance"] is None:
        return with_interval(row, "separability")
    where = small(f"{row['separability_layer']}; chance {row['chance']:.3f}")
    return with_interval(row, "separability") + where


def _sentence(row: Row) -> str | None:
    if row["separability"] is None:
        return None
    accuracy = interval_text(row, "separability", ".3f")
    layer, chance = row["separability_layer"], row["chance"]
    return f"types told apart {accuracy} at {layer}, chance {chance:.3f}"


def _section(parts: Parts, facts: Facts) -> Iterator[str | ReportFigure]:
    data, tables = facts["images"], {k: part.tables["separability"] for k, part in parts.items()}
    first = next(iter(tables.values()))[0]
    levels = ", ".join(map(str, data["levels"]))
    yield (
        f"<p>{len(data['files'])} undistorted images under {first['types']} types of distortion at "
        f"levels {levels}: {data['images']} images. A layer is summarised by mean and standard "
        f"deviation of every channel, and brought to {first['components']} principal components; "
        "an image's type is that of its nearest neighbour among other contents, without training. "
        f"Always giving one answer is right for {first['chance']:.1%} (chance). Intervals: 95 %, "
        f"bootstrap over contents, {facts['resamples']} resamples. The best layer is chosen "
        "on the same images: a little optimistic.</p>"
    )
    head = ["Network", "Best layer", "Type accuracy", "Level accuracy", "Silhouette"]
    body = [
        [f"{escape(label)}{small(what)}", *_cells(rows, difference)]
        for label, rows in tables.items()
        for difference, what in _COMPARED.items()
    ]
    yield table_html(head, body, "At the layer of highest type accuracy.")
    yield ReportFigure(
        "plot_separability",
        ([{**row, "network": label} for label, rows in tables.items() for row in rows],),
        f"Accuracy of the type of distortion by depth: {', '.join(parts)}.",
        "Type accuracy by depth. Bands: 95 % intervals; dotted: chance.",
    )
    for part in parts.values():
        yield from _of_network(part)


def _cells(rows: Sequence[Row], difference: bool) -> list[str]:
    best = max(
        (row for row in rows if row["difference"] is difference), key=lambda row: row["accuracy"]
    )
    level = with_interval(best, "level_accuracy") + small(f"chance {best['level_chance']:.3f}")
    accuracy = with_interval(best, "accuracy") + small(f"chance {best['chance']:.3f}")
    layer = f"<code>{escape(best['layer'])}</code>"
    return [layer, accuracy, level, number(best["silhouette"])]


def _of_network(part: Part) -> Iterator[str | ReportFigure]:
    points, name = projection(part), part.network
    layer = points.row["layer"]
    yield f"<h3>{escape(name)}</h3>"
    yield ReportFigure(
        "plot_projection",
        (points,),
        f"Images as points in two principal components of {layer} of {name}.",
        "Images at the best layer without reference; larger points: higher levels. Two of "
        "many components: what overlaps here may lie apart in others.",
        title=f"{name}, {layer}",
    )
    yield ReportFigure(
        "plot_pairs",
        (part.tables["separability-pairs"],),
        f"Which depth of {name} separates each pair of types best, and how well.",
        "Pairs of types: below the diagonal the depth that separates them best (0: pixels), "
        "above it the accuracy there (chance .5).",
        title=name,
    )


SEPARABILITY = PartKind(
    title="Which layers tell distortions apart?",
    tables=(
        "separability",
        "separability-pairs",
        "separability-confusion",
        "separability-projection",
    ),
    needs="images",
    run=_run,
    work=_work,
    findings=_findings,
    measures=(
        Measure(
            "Types told apart",
            "accuracy without reference, best layer [95 %]; chance",
            _told_apart,
        ),
    ),
    sentence=_sentence,
    section=_section,
    terms=(
        Term(
            "Type accuracy, level accuracy",
            "Share of images whose type (level) of distortion is that of the nearest image of "
            "another content, in principal components fitted without the image's own content.",
            "question of Bianco, Celona, Napoletano, Pattern Recognition Letters 148, 2021; the "
            "measure is this project's",
        ),
        Term(
            "Silhouette",
            "(b - a) / max(a, b), mean over images: distance to images of the own type (a) and of "
            "the nearest other type (b).",
            "Rousseeuw, J. Comput. Appl. Math. 20, 1987",
        ),
    ),
)
"""Which layers tell types of distortion apart."""
