"""Errors of usage and of outputs: one line on standard error, exit status 2."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from snellen.errors import SnellenError


@contextmanager
def usage_errors() -> Iterator[None]:
    """End the program with status 2 and one line, of wrong usage and of outputs that fail."""
    try:
        yield
        sys.stdout.flush()
    except SnellenError as error:
        typer.echo(f"snellen: {error}", err=True)
        raise typer.Exit(2) from None
    except BrokenPipeError:  # whoever read the rows has seen enough
        _drop_stdout()
        raise typer.Exit(2) from None
    except OSError as error:
        place = error.filename or "the output"
        typer.echo(
            f"snellen: {place}: {error.strerror or error}. Rows that went to --output are kept: "
            "give the same command again once that is mended.",
            err=True,
        )
        _drop_stdout()
        raise typer.Exit(2) from None


def _drop_stdout() -> None:
    """Send what is still to be written to standard output nowhere, so that it ends the program."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return  # it is no file
