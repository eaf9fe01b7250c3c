"""``snellen distort``: images under known distortions, and a table of what was done."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._option_groups import OutputOptions
from snellen.cli._output import show_run
from snellen.errors import DistortionError

if TYPE_CHECKING:
    from snellen.runs import DistortionPlan

TABLE, FAILURES = "pairs.csv", "errors.csv"


def distort(
    source: Annotated[Path, typer.Argument(help="Image, or folder of images.")],
    type_: Annotated[
        list[str] | None,
        typer.Option(
            "-t", "--type", help="jpeg, jpeg:3, jpeg@35 or blur:3+jpeg:2; may be repeated."
        ),
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option("-l", "--level", help="1 to 5; may be repeated. Default: all five."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every type.")] = False,
    random: Annotated[
        int, typer.Option(min=0, help="Random compound pipelines for each image.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Each file's own seed derives from it.")] = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the images and pairs.csv.")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Draw a contact sheet of the first image: FILE.png.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Throw away the table of an earlier run.")
    ] = False,
) -> None:
    """Distort images: STEM_TYPE_LEVEL.png for each, and pairs.csv.

    The table names image, reference, type, level, the seed and the specification with which
    snellen.distort gives the same pixels. Images that are there already, made of the same files
    with the same settings, are not made again; rows of earlier runs stay. Exit status: 0 all
    made, 1 some failed (errors.csv says why), 2 wrong usage.

    Example: snellen distort photos/ -t jpeg,blur -l 3 -o distorted/
    """
    with usage_errors():
        from snellen.runs import distortion_run, find_sources, make_plan

        if output is None and sheet is None:
            raise DistortionError("--output FOLDER is missing; or give --sheet FILE.png.")
        names = [one for text in type_ or [] for one in text.split(",") if one]
        levels = [one for text in level or [] for one in text.split(",") if one]
        plan = make_plan(names, levels, everything=all_, pipelines=random, seed=seed)
        if sheet is not None:
            _draw(sheet, list(find_sources(source, output).values()), plan)
        if output is None:
            return
        run = distortion_run(plan, source, output)
        table = OutputOptions(output / TABLE, restart=restart)
        shown = show_run(run, "distorting", table)
    if shown.failed:
        with (output / FAILURES).open(encoding="utf-8", newline="") as file:
            first = next(csv.DictReader(file))
        typer.echo(
            f"snellen: {shown.failed} failed, see {output / FAILURES}; the first: {first['error']}",
            err=True,
        )
        raise typer.Exit(1)


def _draw(sheet: Path, sources: Sequence[Path], plan: "DistortionPlan") -> None:
    """Draw the first image that can be read."""
    from snellen.errors import ImageError
    from snellen.images import read_image
    from snellen.plots import plot_contact_sheet, save_figure

    if not plan.types:
        raise DistortionError("--sheet shows types by level: give --type TYPE, or --all.")
    for path in sources:
        try:
            image = read_image(path)
        except ImageError:
            continue
        figure = plot_contact_sheet(image, plan.types, plan.levels, seed=plan.seed)
        save_figure(figure, sheet)
        return
    raise ImageError(f"--sheet {sheet}: no image can be read, {sources[0]} is the first.")
