"""``snellen exam``: how well networks see, against people."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli._console import counting
from snellen.cli._datasets import open_dataset
from snellen.cli._errors import usage_errors
from snellen.cli._exam_files import write_json, write_rows, write_tables
from snellen.cli._exam_options import (
    BackboneArgument,
    BackbonesArgument,
    DatasetOption,
    DirectionOption,
    FolderOption,
    RandomControlOption,
    ResamplesOption,
)
from snellen.cli._options import DeviceOption, LayerOption, ResizeOption, WeightsOption
from snellen.records import replace_file, write_arrow

if TYPE_CHECKING:
    from snellen.exam import Condition, LayerExam

exam_app = typer.Typer(help="Examine networks against human scores.", no_args_is_help=True)


@exam_app.command("layers")
def layers(
    backbone: BackbonesArgument,
    dataset: DatasetOption,
    output: FolderOption,
    weights: WeightsOption = None,
    resize: ResizeOption = "native",
    readout: Annotated[
        list[str] | None, typer.Option(help="Readout; may be repeated. Default: all but gram.")
    ] = None,
    layer: LayerOption = None,
    random_control: RandomControlOption = False,
    resamples: ResamplesOption = 1000,
    higher_better: DirectionOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Measure the agreement with people of every layer x every readout.

    Writes layers.csv, layers.parquet, distances.parquet, manifest.json and figures. A run that is
    cut off goes on where it was when it is started again.
    """
    with usage_errors():
        from snellen import exam
        from snellen.agreement import Resampling

        data = open_dataset(dataset, higher_better)
        networks = len(backbone) * (1 + random_control)
        with counting("examining", networks * len(data)) as advance:
            found = exam.layers(
                backbone,
                data,
                weights=weights,
                readouts=readout or exam.DEFAULT_READOUTS,
                layers=layer,
                resize=str(resize),
                controls="random" if random_control else "none",
                resampling=Resampling(resamples=resamples),
                checkpoint=output / ".checkpoint",
                device=device,
                progress=advance,
            )
        _write(found, output)
    for network in found.networks:
        best = found.best(network)
        typer.echo(
            f"{network}: best SRCC {best['srcc']:.3f} [{best['srcc_low']:.3f}, "
            f"{best['srcc_high']:.3f}] at {best['layer']}, {best['readout']} "
            f"({best['combination']})"
        )


def _write(found: "LayerExam", folder: Path) -> None:
    from snellen.plots import plot_layers, save_figure

    write_tables(folder, {"layers": found.to_table()})
    write_arrow(folder / "distances.parquet", found.distance_table())
    write_json(folder / "manifest.json", found.manifest())
    title = f"{found.dataset.name}, {found.resize} size, n = {len(found.dataset)}"
    for combination in dict.fromkeys(row["combination"] for row in found.rows):
        rows = [row for row in found.rows if row["combination"] == combination]
        figure = plot_layers(rows, title=f"{title}, by {combination}")
        save_figure(figure, folder / f"layers-{combination}.png")


@exam_app.command("study")
def study(
    plan: Annotated[Path, typer.Argument(help="Study file (YAML): datasets and networks.")],
    output: FolderOption,
    resamples: ResamplesOption = 1000,
    device: DeviceOption = "cpu",
) -> None:
    """Compare a list of networks: agreement by factor, depth and readout, against other metrics.

    Writes summary.md, and for every dataset and protocol a table, distances, and figures. A run
    that is cut off goes on where it was when it is started again. An image that fails is left out
    for all, with its error in failed.csv, and the exit status is 1.
    """
    with usage_errors():
        from snellen import exam
        from snellen.agreement import Resampling
        from snellen.runs import ScoreCache

        what = exam.load_study(plan)
        total = sum(map(len, what.datasets)) * len(what.resize) * len(what.networks)
        with counting("examining", total) as advance:
            found = exam.study(
                what,
                resampling=Resampling(resamples=resamples),
                checkpoint=output / ".checkpoint",
                cache=ScoreCache(output / ".checkpoint" / "scores"),
                device=device,
                progress=advance,
            )
        for one in found:
            folder = output / f"{one.exam.dataset.name}-{one.exam.resize}"
            _write(one.exam, folder)
            write_rows(folder / "networks.csv", one.networks)
            write_rows(folder / "factors.csv", one.factors)
            _draw_study(one, folder / "depth.png")
            if one.failed:
                write_rows(folder / "failed.csv", one.failed)
        text = exam.summarize(found)
        replace_file(output / "summary.md", text)
    typer.echo(text)
    failed = {row["image"]: row["error"] for one in found for row in one.failed}
    if failed:
        image, error = next(iter(failed.items()))
        typer.echo(
            f"snellen: {len(failed)} images failed and were left out; the first is {image}: "
            f"{error}",
            err=True,
        )
        raise typer.Exit(1)


def _draw_study(one: "Condition", path: Path) -> None:
    from snellen.plots import plot_layers, save_figure

    rows = [
        row
        for row in one.exam.rows
        if row["combination"] == "layer"
        and row["readout"] in ("euclidean", "cosine-position", "structure-texture")
    ]
    if rows:
        metrics = {row["metric"]: row["srcc"] for row in one.metrics}
        title = f"{one.exam.dataset.name}, {one.exam.resize} size"
        save_figure(plot_layers(rows, by="network", metrics=metrics, title=title), path)


@exam_app.command("relevance")
def relevance(
    backbone: BackboneArgument,
    layer: Annotated[list[str], typer.Option(help="Layer; may be repeated.")],
    dataset: DatasetOption,
    output: FolderOption,
    weights: WeightsOption = None,
    resize: ResizeOption = "native",
    splits: Annotated[int, typer.Option(help="Number of splits of the references.")] = 10,
    higher_better: DirectionOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Fit non-negative weights of a layer's channels to people; report held-out agreement.

    Writes channel_weights.safetensors, relevance.csv and manifest.json.
    """
    with usage_errors():
        from snellen import create_backbone, exam
        from snellen.metrics import save_channel_weights

        data = open_dataset(dataset, higher_better)
        with counting("examining", len(data)) as advance:
            found = exam.relevance(
                create_backbone(backbone, weights),
                layer,
                data,
                resize=str(resize),
                seeds=range(splits),
                checkpoint=output / ".checkpoint",
                device=device,
                progress=advance,
            )
        output.mkdir(parents=True, exist_ok=True)
        fitted = {one.layer: one.weights for one in found}
        save_channel_weights(output / "channel_weights.safetensors", fitted)
        write_rows(output / "relevance.csv", [row for one in found for row in one.rows()])
        write_json(output / "manifest.json", {one.layer: one.manifest() for one in found})
    for one in found:
        typer.echo(one.summary())
