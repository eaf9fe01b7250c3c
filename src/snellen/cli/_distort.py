"""``snellen distort``: images under known distortions, and a table of what was done."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli._errors import usage_errors
from snellen.errors import DistortionError

if TYPE_CHECKING:
    from snellen.cli._distort_jobs import Result
    from snellen.cli._distort_request import Request


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
) -> None:
    """Distort images: STEM_TYPE_LEVEL.png for each, and pairs.csv.

    The table names image, reference, type, level, the seed and the specification with which
    snellen.distortions.distort gives the same pixels. Images that are there already, made with the
    same settings, are not made again. Exit status: 0 all made, 1 some failed (errors.csv says why),
    2 wrong usage.
    """
    with usage_errors():
        from snellen.cli._distort_request import find_sources, make_request

        if output is None and sheet is None:
            raise DistortionError("--output FOLDER is missing; or give --sheet FILE.png.")
        names = [one for text in type_ or [] for one in text.split(",") if one]
        levels = [one for text in level or [] for one in text.split(",") if one]
        request = make_request(names, levels, everything=all_, pipelines=random, seed=seed)
        sources = find_sources(source, output)
        if sheet is not None:
            _draw(sheet, list(sources.values()), request)
        if output is None:
            return
        result = _run(sources, request, output)
    if result.errors:
        typer.echo(
            f"snellen: {len(result.errors)} failed, see {output / 'errors.csv'}; the first: "
            f"{result.errors[0]['error']}",
            err=True,
        )
        raise typer.Exit(1)


def _run(sources: dict[str, Path], request: "Request", output: Path) -> "Result":
    from snellen.cli._console import progress
    from snellen.cli._distort_jobs import run_jobs

    total = len(sources) * request.per_image
    with progress(disable=total < 2) as bar:
        task = bar.add_task("distorting", total=total)
        return run_jobs(sources, request, output, on_done=lambda count: bar.advance(task, count))


def _draw(sheet: Path, sources: Sequence[Path], request: "Request") -> None:
    """Draw the first image that can be read."""
    from snellen.errors import ImageError
    from snellen.images import read_image
    from snellen.plots import plot_contact_sheet, save_figure

    if not request.types:
        raise DistortionError("--sheet shows types by level: give --type TYPE, or --all.")
    for path in sources:
        try:
            image = read_image(path)
        except ImageError:
            continue
        figure = plot_contact_sheet(image, request.types, request.levels, seed=request.seed)
        save_figure(figure, sheet)
        return
    raise ImageError(f"--sheet {sheet}: no image can be read, {sources[0]} is the first.")
