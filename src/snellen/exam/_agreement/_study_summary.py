"""A study in words and tables: Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from snellen.exam._agreement._study import Condition


def summarize(found: Sequence[Condition]) -> str:
    """Write a study as Markdown: networks, metrics, factors and readouts of every condition."""
    return "\n".join(part for one in found for part in _condition(one))


def _condition(one: Condition) -> list[str]:
    exam = one.exam
    contents = len(set(exam.dataset.content.tolist()))
    return [
        f"## {exam.dataset.name}, {exam.resize} size\n",
        f"{len(exam.dataset)} images of {contents} references; intervals: 95 %, bootstrap over "
        "references.\n",
        "### Networks: best layer, Euclidean distance\n",
        _table([_network(row) for row in one.networks]),
        "### Other metrics\n",
        _table([{"metric": row["metric"], "SRCC": _with_interval(row)} for row in one.metrics]),
        "### Factors: mean of best layers\n",
        _table(
            [
                {k: row[k] for k in ("factor", "level", "networks")} | {"SRCC": _with_interval(row)}
                for row in one.factors
            ]
        ),
        "### Readouts: SRCC of each network's best layer, single | joined up to it\n",
        _table(_readouts(one)),
    ]


def _network(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        "network": row["network"],
        "best layer": row["layer"],
        "depth": f"{row['relative_depth']:.2f}",
        "SRCC": _with_interval(row),
        "first": f"{row['first_srcc']:.3f}",
        "last": f"{row['last_srcc']:.3f}",
        "any readout": f"{row['any_readout_srcc']:.3f}",
    }
    for key in row:
        if key.startswith("lead_over_") and not key.endswith(("_low", "_high")):
            shown[f"lead over {key.removeprefix('lead_over_')}"] = _with_interval(row, key, "+.3f")
    return shown


def _readouts(one: Condition) -> list[dict[str, Any]]:
    best: dict[tuple[str, str, str], float] = {}
    for row in one.exam.rows:
        key = (row["network"], row["readout"], row["combination"])
        if row["layer"] != "input":
            best[key] = max(best.get(key, -1.0), row["srcc"])
    readouts = list(dict.fromkeys(key[1] for key in best))
    return [
        {"network": network}
        | {
            name: " | ".join(
                f"{best[network, name, kind]:.3f}"
                for kind in ("layer", "cumulative")
                if (network, name, kind) in best
            ).replace("|", "\\|")
            for name in readouts
        }
        for network in one.exam.networks
    ]


def _with_interval(row: Mapping[str, Any], key: str = "srcc", form: str = ".3f") -> str:
    low, high = row[f"{key}_low"], row[f"{key}_high"]
    return f"{row[key]:{form}} [{low:{form}}, {high:{form}}]"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "none\n"
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    lines += ["| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows]
    return "\n".join(lines) + "\n"
