"""Errors of usage: one line on standard error, exit status 2."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from snellen.errors import SnellenError


@contextmanager
def usage_errors() -> Iterator[None]:
    """End the program with status 2 and the message of any error that Snellen raises."""
    try:
        yield
    except SnellenError as error:
        typer.echo(f"snellen: {error}", err=True)
        raise typer.Exit(2) from None
