"""Configuration of the documentation: pages in Markdown, the API reference from docstrings."""

import tomllib
from importlib import import_module
from pathlib import Path

from sphinx.application import Sphinx

_project = tomllib.loads(
    (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
)["project"]

project = "Snellen"
author = _project["authors"][0]["name"]
copyright = author
release = version = _project["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False
# `snellen` offers names of its rooms: the reference describes each where it lives.
autosummary_context = {
    "home": {
        name: f"{room}.{name}"
        for room in (
            "images",
            "distortions",
            "backbones",
            "readouts",
            "metrics",
            "diagnosis",
            "datasets",
            "agreement",
            "exam",
            "runs",
            "plots",
        )
        for name in getattr(import_module(f"snellen.{room}"), "__all__", ())
    }
}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
numpydoc_show_class_members = False
numpydoc_validation_checks = {"PR02", "PR03"}

html_theme = "furo"
html_title = f"Snellen {release}"
html_copy_source = False


def _write_metrics_table(app: object) -> None:
    """Write the catalogue of metrics as a table, so that the page cannot differ from the code."""
    from snellen.metrics import ROWS

    lines = ["| metric | better | resize | what | note | source |", "|---|---|---|---|---|---|"]
    for row in ROWS.values():
        better = {True: "lower", False: "higher", None: ""}[row.lower_better]
        cells = (f"`{row.name}`", better, row.resize, row.title, row.note, row.citation)
        lines.append("| " + " | ".join(cells) + " |")
    folder = Path(__file__).parent / "api" / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.inc").write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Hook into the build."""
    app.connect("builder-inited", _write_metrics_table)
