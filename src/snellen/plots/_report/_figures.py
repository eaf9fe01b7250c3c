"""Figures as parts of a page: drawn, and put into it."""

import base64
import io
import warnings
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING

from snellen.plots._names import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from snellen.exam import ReportFigure

_LARGEST_SVG = 150_000
_DPI = 110


def figure_html(shown: "ReportFigure") -> str:
    """Return a figure with its caption; the picture lies in the page itself.

    It is an SVG where that is small, else a PNG.
    """
    title = {} if shown.title is None else {"title": plain(shown.title)}
    # By name, through the face of the room: a part of the exam may ask for any figure.
    draw = getattr(import_module("snellen.plots"), shown.draw)
    kind, data = _encoded(draw(*shown.arguments, **shown.options, **title))
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return (
        f'<figure><img src="{source}" alt="{escape(shown.alt)}">'
        f"<figcaption>{shown.caption}</figcaption></figure>"
    )


def _encoded(figure: "Figure") -> tuple[str, bytes]:
    from matplotlib import rc_context

    with warnings.catch_warnings(), rc_context({"svg.hashsalt": "snellen"}):
        # A name may hold letters that the font does not: boxes in their place will do.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        vector = io.BytesIO()
        figure.savefig(vector, format="svg", metadata={"Date": None})
        if len(vector.getvalue()) <= _LARGEST_SVG:
            return "svg+xml", vector.getvalue()
        pixels = io.BytesIO()
        figure.savefig(pixels, format="png", dpi=_DPI)
    return "png", pixels.getvalue()
