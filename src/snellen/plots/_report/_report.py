"""The report of an eye exam: one HTML file that needs no network and no script."""

import os
from html import escape
from typing import TYPE_CHECKING

from snellen.plots._report._figures import figure_html
from snellen.plots._report._style import STYLE
from snellen.records import replace_file

if TYPE_CHECKING:
    from snellen.exam import Examination


def write_report(examination: "Examination", path: str | os.PathLike[str]) -> None:
    """Write the report of an exam as one HTML file.

    Figures and styles lie in the file itself. The first page, when printed, is the summary.

    Parameters
    ----------
    examination
        Made by `snellen.examine`.
    path
        The file; folders are made.
    """
    replace_file(path, report_html(examination).encode("utf-8", "xmlcharrefreplace"))


def report_html(examination: "Examination") -> str:
    """Return the report of an exam as the text of an HTML page.

    Parameters
    ----------
    examination
        Made by `snellen.examine`.
    """
    from snellen.exam import report_pieces

    names = escape(", ".join(examination.networks))
    body = (
        piece if isinstance(piece, str) else figure_html(piece)
        for piece in report_pieces(examination)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Eye exam of {names}</title><style>{STYLE}</style></head>\n"
        f"<body>{''.join(body)}</body></html>\n"
    )
