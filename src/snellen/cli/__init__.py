"""The command line: one module a command, thin."""

import sys

import typer

from snellen._memory import keep_freed_memory
from snellen.cli._arguments import spread_options
from snellen.cli._bench import bench
from snellen.cli._compare import compare
from snellen.cli._compare_losses import compare_losses
from snellen.cli._csf import csf
from snellen.cli._describe import describe
from snellen.cli._diagnose import diagnose
from snellen.cli._distort import distort
from snellen.cli._efficacy import efficacy
from snellen.cli._exam import exam_app
from snellen.cli._examine import examine
from snellen.cli._list import list_app
from snellen.cli._restore import restore
from snellen.cli._score import score
from snellen.cli._separability import separability
from snellen.cli._stimuli import stimuli
from snellen.cli._train import train
from snellen.cli._tuning import tuning
from snellen.cli._weights import weights_app

app = typer.Typer(
    name="snellen",
    help="Measure how good images look with the features of deep networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(compare)
app.command()(score)
app.command()(diagnose)
app.command()(distort)
app.command()(describe)
app.command()(bench)
app.command()(examine)
app.command()(train)
app.command()(restore)
app.command("compare-losses")(compare_losses)
exam_app.command("separability")(separability)
exam_app.command("tuning")(tuning)
exam_app.command("efficacy")(efficacy)
exam_app.command("csf")(csf)
exam_app.command("stimuli")(stimuli)
app.add_typer(exam_app, name="exam")
app.add_typer(list_app, name="list")
app.add_typer(weights_app, name="weights")


def _print_version(value: bool) -> None:
    if value:
        from snellen import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Measure how good images look with the features of deep networks."""


def main() -> None:
    """Run the command line."""
    keep_freed_memory()
    app(args=spread_options(sys.argv[1:]))
