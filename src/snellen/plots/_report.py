"""The report of an eye exam: one HTML file that needs no network and no script."""

import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from snellen.plots._report_glossary import glossary_html
from snellen.plots._report_rated import agreement_section, efficacy_section, separability_section
from snellen.plots._report_sections import csf_section, tuning_by_depth, tuning_section
from snellen.plots._report_style import STYLE
from snellen.plots._report_tables import summary_table

if TYPE_CHECKING:
    from snellen.exam import Examination

_SECTIONS: dict[str, tuple[str, "Callable[[Examination], str]"]] = {
    "tuning": ("What the channels are tuned to", tuning_section),
    "efficacy": ("Do channels tuned like human vision agree better?", efficacy_section),
    "separability": ("Which layers tell distortions apart?", separability_section),
    "agreement": ("Which layers agree with people?", agreement_section),
    "csf": ("What the networks see, beside people", csf_section),
}


def write_report(examination: "Examination", path: Path) -> None:
    """Write the report of an exam as one HTML file.

    Figures and styles lie in the file itself. The first page, when printed, is the summary.

    Parameters
    ----------
    examination
        Made by `snellen.examine`.
    path
        The file; folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = report_html(examination)
    path.write_text(text, encoding="utf-8", errors="xmlcharrefreplace")


def report_html(examination: "Examination") -> str:
    """Return the report of an exam as the text of an HTML page.

    Parameters
    ----------
    examination
        Made by `snellen.examine`.
    """
    names = escape(", ".join(examination.networks))
    body = [
        f'<header class="page"><h1>Eye exam of {names}</h1>',
        _facts(examination),
        _contents(examination),
        summary_table(examination.summary()),
        _remarks(examination),
        tuning_by_depth(examination),
        "</header><main>",
        *(_section(examination, name) for name in _present(examination)),
        glossary_html(),
        _manifest(examination),
        "</main>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Eye exam of {names}</title><style>{STYLE}</style></head>\n"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _present(found: "Examination") -> list[str]:
    asked = {part.name for part in found.parts} | set(found.left_out)
    return [name for name in _SECTIONS if name in asked]


def _facts(found: "Examination") -> str:
    facts = found.facts
    said = [f"{facts['gratings']} gratings at {facts['pixels_per_degree']:g} pixels per degree"]
    if (data := facts["dataset"]) is not None:
        said.append(f"{data['images']} images with human scores ({data['name']})")
    if (data := facts["images"]) is not None:
        said.append(f"{data['images']} distorted images made from {len(data['files'])}")
    return f'<p class="soft">{escape("; ".join(said))}.</p>'


def _contents(found: "Examination") -> str:
    links = [f'<li><a href="#{name}">{_SECTIONS[name][0]}</a></li>' for name in _present(found)]
    links += [
        '<li><a href="#glossary">Measures</a></li>',
        '<li><a href="#manifest">Manifest</a></li>',
    ]
    return f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>'


def _remarks(found: "Examination") -> str:
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
        fewer = [f"{found.facts['gratings']} gratings instead of {found.facts['all_gratings']}"]
        if found.facts["dataset"] is not None:
            rules = ", ".join(dict.fromkeys(found.facts["resize"].values()))
            fewer.append(f"photographs with human scores at size rule {rules}")
        if found.facts["images"] is not None:
            levels = ", ".join(map(str, found.facts["images"]["levels"]))
            fewer.append(
                f"{len(found.facts['images']['files'])} undistorted images, levels {levels}"
            )
        said.append(
            f'<p class="soft">A quick exam: {escape("; ".join(fewer))}. '
            "<code>--full</code> shows all gratings, images and levels.</p>"
        )
    return "".join(said)


def _section(found: "Examination", name: str) -> str:
    title, make = _SECTIONS[name]
    parts = [f'<section id="{name}"><h2>{title}</h2>']
    for part in found.errors:
        if part.name == name:
            parts.append(
                f'<p class="wrong"><strong>{escape(part.network)} failed:</strong> '
                f"{escape(str(part.error))}</p>"
            )
    if name in found.left_out:
        parts.append(f'<p class="note">Left out. {escape(found.left_out[name])}</p>')
    elif found.of(name):
        parts.append(make(found))
    return "".join([*parts, "</section>"])


def _manifest(found: "Examination") -> str:
    text = json.dumps(found.manifest(), indent=1, default=str)
    return (
        '<section id="manifest"><h2>Manifest</h2><p>What it takes to get the same numbers again; '
        "also in <code>manifest.json</code> beside the tables.</p><details><summary>Show"
        f"</summary><pre>{escape(text)}</pre></details></section>"
    )
