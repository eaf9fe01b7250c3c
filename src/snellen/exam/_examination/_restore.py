"""From tables back to the objects that figures are drawn from."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.exam._tuning._tuning import TuningExam
from snellen.exam._tuning._tuning_rows import TuningCurves
from snellen.exam._tuning._tuning_stimuli import TuningStimuli
from snellen.vision import Viewing

if TYPE_CHECKING:
    from snellen.exam._separation._separability_exam import PlaneProjection

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]


def tuning_exam(tables: Tables, manifest: Row) -> TuningExam:
    """Return the tuning exam that tables were made from."""
    stimuli = _stimuli(manifest["stimuli"])
    by_layer: dict[str, list[Mapping[str, Any]]] = {}
    for row in tables["curves"]:
        by_layer.setdefault(row["layer"], []).append(row)
    reading = {row["layer"]: row["reading"] for row in tables["tuning"]}
    names = ("blank", "rings", "bars", "frequency", "orientation", "contrast", "color")
    curves = {
        layer: TuningCurves(
            layer, reading[layer], *(np.array([row[name] for row in rows]) for name in names)
        )
        for layer, rows in by_layer.items()
    }
    return TuningExam(tuple(map(dict, tables["tuning"])), curves, stimuli, manifest)


def _stimuli(manifest: Mapping[str, Any]) -> TuningStimuli:
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in manifest.items()}
    return TuningStimuli(**given | {"viewing": Viewing(**manifest["viewing"])})


def projection(network: str, tables: Tables) -> "PlaneProjection":
    """Return the points of a separability exam."""
    from snellen.exam._separation._separability_exam import PlaneProjection

    rows = tables["separability-projection"]
    first = rows[0]
    row = next(
        one
        for one in tables["separability"]
        if one["layer"] == first["layer"] and one["difference"] is False
    )
    return PlaneProjection(
        np.array([[one["x"], one["y"]] for one in rows]),
        np.array([one["type"] for one in rows]),
        np.array([one["level"] for one in rows], dtype=np.float64),
        np.array([one["content"] for one in rows]),
        (first["explained_x"], first["explained_y"]),
        {"network": network, **row},
    )
