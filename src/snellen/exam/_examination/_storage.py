"""Parts of an exam on disk."""

import io
import json
from typing import Any

import numpy as np

from snellen.exam._examination._part import Part
from snellen.records import Arrays


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
