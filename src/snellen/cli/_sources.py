"""What commands say about the sources that they are given."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from snellen.runs import Source

SOURCES_HELP = (
    "Images, folders, patterns; tables (.csv, .parquet) with a column image and, if there are "
    "references, reference; lists (.txt); tar files in WebDataset layout; s3:// or https:// "
    "addresses of any of these."
)


def say_notes(source: "Source") -> None:
    """Tell on standard error what was found beside the inputs: unused references, unread files."""
    from snellen.images import passed_over_text

    passed_over = [passed_over_text(source.passed_over)] if source.passed_over else []
    for note in [*source.notes, *passed_over]:
        typer.echo(f"snellen: {note}", err=True)
