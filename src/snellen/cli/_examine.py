"""``snellen examine``: the whole eye exam of networks, as one report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli._datasets import open_dataset
from snellen.cli._errors import usage_errors
from snellen.cli._exam_options import (
    BackbonesArgument,
    CropOption,
    CsfOption,
    DirectionOption,
    FolderOption,
    RandomControlOption,
    ResamplesOption,
)
from snellen.cli._options import (
    DeviceOption,
    LayerOption,
    PixelsPerDegreeOption,
    ResizeOption,
    WeightsOption,
)

if TYPE_CHECKING:
    from snellen.exam import ExamProgress


def examine(
    backbone: BackbonesArgument,
    output: FolderOption,
    weights: WeightsOption = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Images with human scores, for efficacy and agreement: NAME=FOLDER of a release, "
            "or NAME=FILE.csv of your own."
        ),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of undistorted images, for separability.")
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            "--parts",
            help="Part of the exam, such as tuning; may be repeated. Default: all.",
        ),
    ] = None,
    layer: LayerOption = None,
    random_control: RandomControlOption = False,
    full: Annotated[
        bool, typer.Option("--full", help="All gratings, images and levels, not fewer of each.")
    ] = False,
    resize: ResizeOption = None,
    crop: CropOption = 256,
    pixels_per_degree: PixelsPerDegreeOption = 60.0,
    csf: CsfOption = "tariq",
    resamples: ResamplesOption = 1000,
    higher_better: DirectionOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Take networks through the whole eye exam, and write one report.

    Writes report.html, a single file that needs no network, every table as .csv and .parquet, and
    manifest.json. A run that is cut off goes on where it was when it is started again. Parts
    without their data are left out; if a part fails, the others go on and the exit status is 1.
    """
    with usage_errors():
        from snellen import exam
        from snellen.agreement import Resampling
        from snellen.plots import write_report
        from snellen.vision import Viewing

        data = None if dataset is None else open_dataset(dataset, higher_better)
        with _bar() as advance:
            found = exam.examine(
                backbone,
                dataset=data,
                images=images,
                layers=layer,
                parts=part or tuple(exam.EXAM_PARTS),
                weights=weights,
                controls="random" if random_control else "none",
                full=full,
                resize=resize,
                crop=crop,
                viewing=Viewing(pixels_per_degree),
                csf=csf,
                resampling=Resampling(resamples=resamples),
                checkpoint=output / ".checkpoint",
                device=device,
                progress=advance,
            )
        found.save(output)
        write_report(found, output / "report.html")
    for line in found.lines():
        typer.echo(line)
    for name, why in found.left_out.items():
        typer.echo(f"snellen: {name} was left out. {why}", err=True)
    for one in found.errors:
        typer.echo(f"snellen: {one.name} of {one.network} failed: {one.error}", err=True)
    typer.echo(str(output / "report.html"))
    if found.errors:
        raise typer.Exit(1)


@contextmanager
def _bar() -> "Iterator[Callable[[ExamProgress], None]]":
    from snellen.cli._console import progress

    with progress() as bar:
        task = bar.add_task("examining", total=None)

        def advance(now: "ExamProgress") -> None:
            text = f"{now.network}: {now.part}, megapixels"
            bar.update(task, description=text, completed=round(now.done), total=round(now.total))

        yield advance
