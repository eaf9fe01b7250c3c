"""Tables and numbers of the HTML report."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Row = Mapping[str, Any]

MISSING = "\N{EN DASH}"


def table_html(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """Return a table whose first column holds headers of its rows.

    Parameters
    ----------
    head
        Names of the columns; text.
    rows
        Cells; HTML.
    caption
        HTML.
    """
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="scroll"><table><caption>{caption}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def number(value: Any, form: str = ".3f") -> str:
    """Return a number as text, a dash where there is none."""
    if value is None or value != value:
        return MISSING
    return f"{value:{form}}".replace("-", "\N{MINUS SIGN}")


def with_interval(row: Row, name: str, form: str = ".3f") -> str:
    """Return a value with its interval."""
    if row.get(name) is None:
        return MISSING
    ends = (number(row[f"{name}_{end}"], form) for end in ("low", "high"))
    return f"{number(row[name], form)} [{', '.join(ends)}]"


def small(text: str) -> str:
    """Return text in small print on a line of its own; what may be a name is escaped."""
    return f"<small>{escape(text)}</small>"


_MEASURES = (
    ("Weights", "as loaded; beginning of their SHA-256"),
    ("Channels", "of all layers examined; share that no grating moves"),
    ("Preferred frequency", "cycles per degree: median [quartiles] over tuned channels"),
    ("Distance from people", "octaves, of that median from the peak of human sensitivity"),
    ("Orientation-selective", "share of tuned channels with OSI of at least 1/3"),
    ("Prefers colour", "share of responding channels with opponency of at least 1/2"),
    ("Efficacy, H-10", "SRCC minus that of random channels, mean of layers [95 %]"),
    ("Types told apart", "accuracy without reference, best layer [95 %]; chance"),
    ("Agreement with people", "SRCC, best layer and readout [95 %]"),
    ("Contrast sensitivity", "correlation of log sensitivity with people's, as a metric"),
)


def summary_table(rows: Sequence[Row]) -> str:
    """Return the table of the first page: a row per measure, a column per network."""
    columns = [_column(row) for row in rows]
    body = [
        [f"{escape(name)}{small(what)}", *(column[i] for column in columns)]
        for i, (name, what) in enumerate(_MEASURES)
    ]
    head = ["Measure", *(row["network"] for row in rows)]
    return table_html(head, body, "One column per network. A dash: not measured.")


def _column(row: Row) -> list[str]:
    sha = row["sha256"] or ""
    dead = "" if row["dead"] is None else f", {row['dead']:.1%} dead"
    frequency = "preferred_frequency"
    away = number(row["octaves_from_human"], "+.2f")
    peak = row["human_peak"]
    chance = row["chance"]
    readout = f"{row['agreement_readout']}, {_combined(row)}"
    points = f"over {row['csf_n']} frequencies; shape off by {number(row['csf_rms_shape'])} log10"
    return [
        f"{escape(str(row['weights']))}{small(sha[:12])}",
        MISSING if row["channels"] is None else f"{row['channels']}{dead}",
        with_interval(row, frequency, ".3g"),
        away if peak is None else f"{away}{small(f'people: {peak:.2g}')}",
        number(row["orientation_selective"], ".0%"),
        number(row["color_opponent"], ".0%"),
        with_interval(row, "efficacy_gain", "+.3f"),
        with_interval(row, "separability")
        + ("" if chance is None else small(f"{row['separability_layer']}; chance {chance:.3f}")),
        with_interval(row, "srcc")
        + ("" if row["srcc"] is None else small(f"{row['agreement_layer']}; {readout}")),
        number(row["csf_pearson"], "+.2f") + ("" if not row["csf_n"] else small(points)),
    ]


def _combined(row: Row) -> str:
    return "layers up to it" if row["agreement_combination"] == "cumulative" else "layer alone"
