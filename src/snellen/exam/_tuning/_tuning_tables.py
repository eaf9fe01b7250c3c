"""From the tables of a tuning exam back to the exam."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from snellen.exam._tuning._tuning import TuningExam
from snellen.exam._tuning._tuning_rows import TuningCurves
from snellen.exam._tuning._tuning_stimuli import TuningStimuli
from snellen.vision import Viewing

Rows = Sequence[Mapping[str, Any]]

_CURVES = ("blank", "rings", "bars", "frequency", "orientation", "contrast", "color")


def exam_of_tables(rows: Rows, curves: Rows, manifest: Mapping[str, Any]) -> TuningExam:
    """Return the exam whose `rows`, `curve_table` and `manifest` are given."""
    by_layer: dict[str, list[Mapping[str, Any]]] = {}
    for row in curves:
        by_layer.setdefault(row["layer"], []).append(row)
    reading = {row["layer"]: row["reading"] for row in rows}
    found = {
        layer: TuningCurves(
            layer, reading[layer], *(np.array([row[name] for row in own]) for name in _CURVES)
        )
        for layer, own in by_layer.items()
    }
    return TuningExam(tuple(map(dict, rows)), found, _stimuli(manifest["stimuli"]), manifest)


def _stimuli(manifest: Mapping[str, Any]) -> TuningStimuli:
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in manifest.items()}
    return TuningStimuli(**given | {"viewing": Viewing(**manifest["viewing"])})
