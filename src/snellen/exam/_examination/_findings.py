"""The few numbers of an exam that stand on its first page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snellen.vision import find_csf

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]

SELECTIVE_OSI = 1 / 3
"""Least OSI of a channel that counts as orientation-selective: twice the response across."""

OPPONENT = 0.5
"""Colour opponency above which a channel prefers a chromatic grating."""

GROUP = 10.0
"""Percent of the channels in the group H-x of the summary."""


def findings(
    label: str, manifest: Mapping[str, Any], parts: Mapping[str, Tables], facts: Mapping[str, Any]
) -> Row:
    """Return the row of one network.

    Parameters
    ----------
    label, manifest
        The network.
    parts
        Tables of its parts, those that did not fail.
    facts
        Of the examination: ``human_peak`` in cycles per degree.
    """
    weights = manifest.get("weights", {})
    row: Row = {
        "network": label,
        "weights": weights.get("file", weights.get("source")),
        "sha256": weights.get("sha256"),
    }
    row |= _tuned(parts.get("tuning", {}).get("tuning", ()), facts)
    row |= _efficacy(parts.get("efficacy", {}).get("efficacy-differences", ()))
    row |= _separability(parts.get("separability", {}).get("separability", ()))
    row |= _agreement(parts.get("agreement", {}).get("agreement", ()))
    row |= _csf(parts.get("csf", {}).get("csf-agreement", ()))
    return row


def human_peak(area: float, luminance: float = 100.0) -> float:
    """Return where measured human sensitivity is largest, in cycles per degree.

    Parameters
    ----------
    area
        Of the grating, in square degrees.
    luminance
        cd/m2.
    """
    frequencies = np.geomspace(0.1, 30, 2000)
    curve = find_csf("measured")(frequencies, luminance=luminance, area=area)
    return float(frequencies[int(np.argmax(curve))])


def _tuned(rows: Sequence[Row], facts: Mapping[str, Any]) -> Row:
    preferred = _finite(rows, "preferred_frequency")
    peak = facts.get("human_peak")
    names = ("preferred_frequency", "preferred_frequency_low", "preferred_frequency_high")
    row: Row = {"channels": len(rows) or None, "dead": None, **dict.fromkeys(names)}
    row |= {"human_peak": peak if rows else None, "octaves_from_human": None}
    row |= {"orientation_selective": None, "color_opponent": None}
    if rows:
        row["dead"] = sum(bool(one["dead"]) for one in rows) / len(rows)
    if len(preferred):
        low, middle, high = np.quantile(preferred, (0.25, 0.5, 0.75)).tolist()
        row |= dict(zip(names, (middle, low, high), strict=True))
        row["octaves_from_human"] = None if peak is None else float(np.log2(middle / peak))
        row["orientation_selective"] = share(rows, "osi", SELECTIVE_OSI)
        row["color_opponent"] = share(rows, "color_opponency", OPPONENT)
    return row


def share(rows: Sequence[Row], column: str, least: float) -> float | None:
    """Return the share of channels with a value that have at least so much; None without any."""
    values = _finite(rows, column)
    return float((values >= least).mean()) if len(values) else None


def _finite(rows: Sequence[Row], column: str) -> NDArray[np.float64]:
    values = np.array([row.get(column, np.nan) for row in rows], dtype=np.float64)
    return values[np.isfinite(values)]


def _efficacy(rows: Sequence[Row]) -> Row:
    last = rows[-1]["layer"] if rows else None
    for one in rows:
        pair = (one["layer"], one["x"], one["first"], one["second"])
        if pair == (last, GROUP, "H", "random"):
            return _interval("efficacy_gain", one, "difference", "low", "high")
    return _interval("efficacy_gain")


def _separability(rows: Sequence[Row]) -> Row:
    best = best_separability(rows)
    if best is None:
        return {"separability_layer": None, **_interval("separability"), "chance": None}
    columns = ("accuracy", "accuracy_low", "accuracy_high")
    numbers = _interval("separability", best, *columns)
    return {"separability_layer": best["layer"], **numbers, "chance": best["chance"]}


def best_separability(rows: Sequence[Row], *, difference: bool = False) -> Row | None:
    """Return the row of highest type accuracy, without the reference or with it."""
    own = [row for row in rows if row["difference"] is difference]
    return max(own, key=lambda row: float(np.nan_to_num(row["accuracy"]))) if own else None


def _agreement(rows: Sequence[Row]) -> Row:
    best = best_agreement(rows)
    names = ("layer", "readout", "combination")
    row = {f"agreement_{name}": None if best is None else best[name] for name in names}
    if best is None:
        return row | _interval("srcc")
    return row | _interval("srcc", best, "srcc", "srcc_low", "srcc_high")


def best_agreement(rows: Sequence[Row]) -> Row | None:
    """Return the row of highest SRCC."""
    return max(rows, key=lambda row: float(np.nan_to_num(row["srcc"], nan=-2)), default=None)


def _csf(rows: Sequence[Row]) -> Row:
    own: Row = rows[0] if rows else {}
    return {f"csf_{name}": own.get(name) for name in ("pearson", "rms_shape", "n")}


def _interval(name: str, row: Row | None = None, *columns: str) -> Row:
    values = [None] * 3 if row is None else [row[column] for column in columns]
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
