"""Pieces of the report: numbers, tables, and which figure stands where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

MISSING = "\N{EN DASH}"


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the report, to be drawn by `snellen.plots`.

    Parameters
    ----------
    draw
        Name of a function of `snellen.plots`.
    arguments
        What it draws.
    alt
        What is to be seen, for those who do not see it.
    caption
        HTML.
    options
        Its keyword arguments.
    title
        Names over the figure, as they are; None leaves it to the function.
    """

    draw: str
    arguments: tuple[Any, ...]
    alt: str
    caption: str
    options: Mapping[str, Any] = field(default_factory=dict)
    title: str | None = None


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


def with_interval(row: Mapping[str, Any], name: str, form: str = ".3f") -> str:
    """Return a value with its interval."""
    if row.get(name) is None:
        return MISSING
    ends = (number(row[f"{name}_{end}"], form) for end in ("low", "high"))
    return f"{number(row[name], form)} [{', '.join(ends)}]"


def small(text: str) -> str:
    """Return text in small print on a line of its own; what may be a name is escaped."""
    return f"<small>{escape(text)}</small>"


def details(summary: str, content: str) -> str:
    """Return HTML that is shown on demand."""
    return f"<details><summary>{summary}</summary>{content}</details>"


def rated_images(facts: Mapping[str, Any]) -> str:
    """Say which images with human scores a part was measured on, and how its intervals are made."""
    data = facts["dataset"]
    rules = ", ".join(dict.fromkeys(facts["resize"].values()))
    return (
        f"{data['images']} images of {data['contents']} contents of "
        f"<code>{escape(data['name'])}</code>, size rule {escape(rules)}; intervals: 95 %, "
        f"bootstrap over contents, {facts['resamples']} resamples"
    )
