"""The report of an examination: its words and tables, and which figures stand where."""

import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from snellen.exam._examination._examination import Examination
from snellen.exam._examination._html import ReportFigure, small, table_html
from snellen.exam._examination._part import Measure, Term
from snellen.exam._examination._parts import EXAM_PARTS
from snellen.records import Row

Pieces = Iterator[str | ReportFigure]


def _weights(row: Row) -> str:
    return f"{escape(str(row['weights']))}{small((row['sha256'] or '')[:12])}"


_WEIGHTS = Measure("Weights", "as loaded; beginning of their SHA-256", _weights)
_INTERVAL = Term(
    "Interval",
    "Percentile bootstrap over reference contents, 95 %: what other contents would have "
    "given. It does not cover another choice of people, types or networks.",
)


def report_pieces(examination: Examination) -> Pieces:
    """Yield the report of an examination, from top to bottom.

    Parameters
    ----------
    examination
        Made by `examine`.

    Yields
    ------
    str or ReportFigure
        HTML of the body of a page, or a figure that is to be drawn in its place.
    """
    names = escape(", ".join(examination.networks))
    yield f'<header class="page"><h1>Eye exam of {names}</h1>'
    yield _facts(examination)
    yield _contents(examination)
    yield _summary(examination.summary())
    yield _remarks(examination)
    for name, kind in EXAM_PARTS.items():
        parts = examination.of(name)
        if kind.overview is not None and parts:
            yield kind.overview(parts, examination.facts)
    yield "</header><main>"
    for name in _present(examination):
        yield from _section(examination, name)
    yield _glossary()
    yield _manifest(examination)
    yield "</main>"


def _present(found: Examination) -> list[str]:
    asked = {part.name for part in found.parts} | set(found.left_out)
    return [name for name in EXAM_PARTS if name in asked]


def _facts(found: Examination) -> str:
    facts = found.facts
    said = [f"{facts['gratings']} gratings at {facts['pixels_per_degree']:g} pixels per degree"]
    if (data := facts["dataset"]) is not None:
        said.append(f"{data['images']} images with human scores ({data['name']})")
    if (data := facts["images"]) is not None:
        said.append(f"{data['images']} distorted images made from {len(data['files'])}")
    return f'<p class="soft">{escape("; ".join(said))}.</p>'


def _contents(found: Examination) -> str:
    titles = {name: EXAM_PARTS[name].title for name in _present(found)}
    titles |= {"glossary": "Measures", "manifest": "Manifest"}
    links = (f'<li><a href="#{name}">{title}</a></li>' for name, title in titles.items())
    return f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>'


def _summary(rows: Sequence[Row]) -> str:
    """Return the table of the first page: a row per measure, a column per network."""
    measures = [_WEIGHTS, *(one for kind in EXAM_PARTS.values() for one in kind.measures)]
    body = [[f"{escape(one.name)}{small(one.what)}", *map(one.cell, rows)] for one in measures]
    head = ["Measure", *(row["network"] for row in rows)]
    return table_html(head, body, "One column per network. A dash: not measured.")


def _remarks(found: Examination) -> str:
    """Say what is missing, reduced or failed, on the first page."""
    said = []
    if found.errors:
        failed = ", ".join(f"{part.name} of {part.network}" for part in found.errors)
        said.append(f'<p class="wrong"><strong>Failed:</strong> {escape(failed)}; see below.</p>')
    if found.left_out:
        said.append(
            f'<p class="note">Left out: {escape(", ".join(found.left_out))}; see below.</p>'
        )
    if not found.facts["full"]:
        said.append(
            f'<p class="soft">A quick exam: {escape("; ".join(_fewer(found.facts)))}. '
            "<code>--full</code> shows all gratings, images and levels.</p>"
        )
    return "".join(said)


def _fewer(facts: Any) -> Iterator[str]:
    yield f"{facts['gratings']} gratings instead of {facts['all_gratings']}"
    if facts["dataset"] is not None:
        rules = ", ".join(dict.fromkeys(facts["resize"].values()))
        yield f"photographs with human scores at size rule {rules}"
    if facts["images"] is not None:
        levels = ", ".join(map(str, facts["images"]["levels"]))
        yield f"{len(facts['images']['files'])} undistorted images, levels {levels}"


def _section(found: Examination, name: str) -> Pieces:
    yield f'<section id="{name}"><h2>{EXAM_PARTS[name].title}</h2>'
    for part in found.errors:
        if part.name == name:
            yield (
                f'<p class="wrong"><strong>{escape(part.network)} failed:</strong> '
                f"{escape(str(part.error))}</p>"
            )
    parts = found.of(name)
    if name in found.left_out:
        yield f'<p class="note">Left out. {escape(found.left_out[name])}</p>'
    elif parts:
        yield from EXAM_PARTS[name].section(parts, found.facts)
    yield "</section>"


def _glossary() -> str:
    terms = [term for kind in EXAM_PARTS.values() for term in kind.terms]
    entries = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}"
        + (f' <span class="soft">Source: {escape(source)}.</span>' if source else "")
        + "</dd>"
        for name, text, source in (*terms, _INTERVAL)
    )
    return f'<section id="glossary"><h2>Measures</h2><dl>{entries}</dl></section>'


def _manifest(found: Examination) -> str:
    text = json.dumps(found.manifest(), indent=1, default=str)
    return (
        '<section id="manifest"><h2>Manifest</h2><p>What it takes to get the same numbers again; '
        "also in <code>manifest.json</code> beside the tables.</p><details><summary>Show"
        f"</summary><pre>{escape(text)}</pre></details></section>"
    )
