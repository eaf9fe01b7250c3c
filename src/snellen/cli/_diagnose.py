"""``snellen diagnose``: what is wrong with images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._option_groups import EngineChoice, OutputOptions, PartOptions, grouped
from snellen.cli._options import DeviceOption, device_errors
from snellen.cli._output import exit_if_failed, output_form, show_run, without
from snellen.cli._sources import SOURCES_HELP, say_notes

if TYPE_CHECKING:
    from snellen.records import Row


@grouped
def diagnose(
    sources: Annotated[list[str], typer.Argument(help=SOURCES_HELP)],
    output: OutputOptions,
    part: PartOptions,
    engine: EngineChoice,
    reference: Annotated[
        str | None,
        typer.Option(
            "-r", "--ref", "--reference", help="Pristine image, or folder; paired by file name."
        ),
    ] = None,
    diagnoser: Annotated[
        str, typer.Option(help="Name, or a file that Diagnoser.save wrote.")
    ] = "gabor",
    backbone: Annotated[
        str | None, typer.Option(help="Network of such a file. Default: the one that it names.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weights of --backbone: imagenet, or a file.")
    ] = None,
    unfamiliarity: Annotated[
        float | None,
        typer.Option(help='Unfamiliarity, 0 to 1, above which an image is "none of these".'),
    ] = None,
    device: DeviceOption = "cpu",
) -> None:
    """Name the distortions of images, how strong they are, and how sure that is.

    Without a reference the image itself has to tell; with one, faint and tonal distortions
    are found too. Exit status: 0 all diagnosed, 1 some rows failed (they carry their error), 2
    wrong usage. The same command, given again with the same --output, goes on where it was.

    Example: snellen diagnose photos/ -o diagnoses.csv
    """
    with usage_errors():
        output_form(output)
        from snellen.runs import diagnose as start
        from snellen.runs import open_source

        source = open_source(sources, reference)
        say_notes(source)
        with device_errors(device):
            run = start(
                source, diagnoser, backbone=backbone, weights=weights,
                unfamiliarity=unfamiliarity, device=device, **part.given(), **engine.given(),
            )  # fmt: skip
        shown = show_run(run, "diagnosing", output, _print)
    exit_if_failed(shown.failed, shown.count)


def _print(rows: "Sequence[Row]") -> None:
    """Show a line for each image: the verdict, how sure it is, and what else it may be."""
    from snellen.cli._console import print_table

    short = [
        {
            "image": row["image"],
            "verdict": row["verdict"],
            "confidence": row["confidence"],
            "likeliest": _likeliest(row, 1),
            "next": _likeliest(row, 2),
            "clean": row["clean"],
            "error": row["error"],
        }
        for row in rows
    ]
    print_table(without(short))


def _likeliest(row: "Row", place: int) -> Any:
    if row[f"type{place}"] is None:
        return None
    name, probability = row[f"type{place}"], row[f"probability{place}"]
    return f"{name}, level {row[f'severity{place}']:.1f} ({probability:.2f})"
