"""Parts of an exam on disk, and the objects that figures are drawn from."""

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.exam._checkpoint import Arrays
from snellen.exam._examination import Part
from snellen.exam._tuning import TuningExam
from snellen.exam._tuning_rows import TuningCurves
from snellen.exam._tuning_stimuli import TuningStimuli
from snellen.exam._viewing import Viewing

if TYPE_CHECKING:
    from snellen.exam._separability_exam import Projection


def pack(part: Part) -> Arrays:
    """Bring a part to arrays: every table as Parquet, the rest as JSON."""
    import pyarrow
    import pyarrow.parquet

    facts = {"manifest": part.manifest, "seconds": part.seconds}
    arrays = {"facts": _bytes(json.dumps(facts, default=str).encode())}
    for name, rows in part.tables.items():
        sink = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), sink)
        arrays[f"table/{name}"] = _bytes(sink.getvalue())
    return arrays


def _bytes(data: bytes) -> Any:
    return np.frombuffer(data, dtype=np.uint8)


def unpack(name: str, network: str, arrays: Arrays) -> Part:
    """Bring arrays of `pack` back to a part."""
    import pyarrow.parquet

    facts = json.loads(arrays["facts"].tobytes())
    tables = {
        key.removeprefix("table/"): tuple(
            pyarrow.parquet.read_table(io.BytesIO(data.tobytes())).to_pylist()
        )
        for key, data in arrays.items()
        if key.startswith("table/")
    }
    return Part(name, network, tables, facts["manifest"], facts["seconds"])


def tuning_exam(part: Part) -> TuningExam:
    """Return the tuning exam that a part was made from."""
    stimuli = _stimuli(part.manifest["stimuli"])
    by_layer: dict[str, list[Mapping[str, Any]]] = {}
    for row in part.tables["curves"]:
        by_layer.setdefault(row["layer"], []).append(row)
    reading = {row["layer"]: row["reading"] for row in part.tables["tuning"]}
    names = ("blank", "rings", "bars", "frequency", "orientation", "contrast", "color")
    curves = {
        layer: TuningCurves(
            layer, reading[layer], *(np.array([row[name] for row in rows]) for name in names)
        )
        for layer, rows in by_layer.items()
    }
    return TuningExam(part.tables["tuning"], curves, stimuli, part.manifest)


def _stimuli(manifest: Mapping[str, Any]) -> TuningStimuli:
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in manifest.items()}
    return TuningStimuli(**given | {"viewing": Viewing(**manifest["viewing"])})


def projection(part: Part) -> "Projection":
    """Return the points of a separability part."""
    from snellen.exam._separability_exam import Projection

    rows = part.tables["separability-projection"]
    first = rows[0]
    row = next(
        one
        for one in part.tables["separability"]
        if one["layer"] == first["layer"] and one["difference"] is False
    )
    return Projection(
        np.array([[one["x"], one["y"]] for one in rows]),
        np.array([one["type"] for one in rows]),
        np.array([one["level"] for one in rows], dtype=np.float64),
        np.array([one["content"] for one in rows]),
        (first["explained_x"], first["explained_y"]),
        {"network": part.network} | row,
    )
