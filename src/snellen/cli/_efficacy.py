"""``snellen exam efficacy``: whether channels with perceptual efficacy agree with people."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli._console import counting
from snellen.cli._datasets import open_dataset
from snellen.cli._errors import usage_errors
from snellen.cli._exam_files import write_json, write_tables
from snellen.cli._exam_options import (
    BackboneArgument,
    CenterOption,
    ContrastOption,
    CsfOption,
    DatasetOption,
    DirectionOption,
    FolderOption,
    NetworkSideOption,
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
    from snellen.exam import EfficacyExam


def efficacy(
    backbone: BackboneArgument,
    dataset: DatasetOption,
    output: FolderOption,
    weights: WeightsOption = None,
    layer: LayerOption = None,
    percent: Annotated[
        list[float] | None,
        typer.Option("-x", help="Size of the groups in percent; repeatable. Default: 2 5 10 25 50"),
    ] = None,
    draws: Annotated[int, typer.Option(help="Random sets of channels of each size.")] = 200,
    resize: ResizeOption = "native",
    resamples: ResamplesOption = 1000,
    soft: Annotated[
        bool, typer.Option("--soft/--hard", help="Write weights by efficacy, or of H-10 alone.")
    ] = True,
    pixels_per_degree: PixelsPerDegreeOption = 60.0,
    size: NetworkSideOption = None,
    contrast: ContrastOption = 0.5,
    center: CenterOption = 1.0,
    csf: CsfOption = "tariq",
    higher_better: DirectionOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Measure perceptual efficacy, and whether it finds the channels that agree with people.

    Writes agreement, differences and channels as .csv and .parquet, channel_weights.safetensors,
    manifest.json and figures. A run that is cut off goes on where it was.
    """
    with usage_errors():
        from snellen import create_backbone, exam
        from snellen.agreement import Resampling
        from snellen.metrics import save_channel_weights
        from snellen.vision import Viewing

        data = open_dataset(dataset, higher_better)
        viewing = Viewing(pixels_per_degree)
        stimuli = exam.TuningStimuli(viewing=viewing, size=size, contrast=contrast)
        with counting("examining", exam.efficacy_images(data, stimuli)) as advance:
            found = exam.efficacy(
                create_backbone(backbone, weights),
                layer,
                data,
                x=percent or (2, 5, 10, 25, 50),
                stimuli=stimuli,
                center=center,
                csf=csf,
                draws=draws,
                resize=str(resize),
                resampling=Resampling(resamples=resamples),
                checkpoint=output / ".checkpoint",
                device=device,
                progress=advance,
            )
        _write(found, output)
        weights_file = output / "channel_weights.safetensors"
        chosen = found.weights("soft" if soft else "H", 10)
        save_channel_weights(weights_file, {one.layer: one.weights for one in chosen})
        _draw(found, output, f"{backbone}, {data.name}, {resize} size, n = {len(data)}")
    for line in _lines(found):
        typer.echo(line)


def _lines(found: "EfficacyExam") -> Iterable[str]:
    last = found.differences[-1]["layer"]
    for row in found.differences:
        if row["layer"] == last and (row["first"] == "H" or row["x"] is None):
            size = "" if row["x"] is None else f"-{row['x']:g}"
            yield (
                f"{last}: {row['first']}{size} minus {row['second']} {row['difference']:+.3f} "
                f"[{row['low']:+.3f}, {row['high']:+.3f}]"
            )


def _write(found: "EfficacyExam", folder: Path) -> None:
    tables = {
        "agreement": found.to_table(),
        "differences": found.difference_table(),
        "channels": found.channel_table(),
    }
    write_tables(folder, tables)
    write_json(folder / "manifest.json", found.manifest())


def _draw(found: "EfficacyExam", folder: Path, title: str) -> None:
    from snellen.plots import plot_efficacy, plot_efficacy_differences, save_figure

    save_figure(plot_efficacy(found.rows, title=title), folder / "agreement.png")
    last = found.differences[-1]["layer"]
    figure = plot_efficacy_differences({title: found.differences}, layer=last)
    save_figure(figure, folder / "differences.png")
