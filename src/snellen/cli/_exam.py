"""``snellen exam``: how well networks see, against people."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli._errors import usage_errors
from snellen.errors import DatasetError

if TYPE_CHECKING:
    from snellen.datasets import Dataset
    from snellen.exam import Condition, LayerExam

exam_app = typer.Typer(help="Examine networks against human scores.", no_args_is_help=True)

DatasetOption = Annotated[
    str, typer.Option(help="NAME=FOLDER of a release, or NAME=FILE.csv of your own.")
]
DirectionOption = Annotated[
    bool | None,
    typer.Option(
        "--higher-better/--lower-better",
        help="Direction of the scores of a CSV file that does not say.",
    ),
]
WeightsOption = Annotated[str | None, typer.Option(help="imagenet, random, or a weights file.")]
ResizeOption = Annotated[str, typer.Option(help="native, half, short-256, box-256, or 224x224.")]
OutputOption = Annotated[Path, typer.Option("-o", "--output", help="Folder of results.")]
DeviceOption = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps.")]


@exam_app.command("layers")
def layers(
    backbone: Annotated[list[str], typer.Argument(help="Backbones; see snellen list backbones.")],
    dataset: DatasetOption,
    output: OutputOption,
    weights: WeightsOption = None,
    resize: ResizeOption = "native",
    readout: Annotated[
        list[str] | None, typer.Option(help="Readout; may be repeated. Default: all but gram.")
    ] = None,
    layer: Annotated[list[str] | None, typer.Option(help="Layer; may be repeated.")] = None,
    random_control: Annotated[
        bool, typer.Option(help="Also examine the same architecture with random weights.")
    ] = False,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples of the intervals.")] = 1000,
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
        with _working(networks * len(data)) as advance:
            found = exam.layers(
                backbone,
                data,
                weights=weights,
                readouts=readout or exam.DEFAULT_READOUTS,
                layers=layer,
                resize=resize,
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


def open_dataset(text: str, higher_better: bool | None) -> "Dataset":
    """Read what ``NAME=PATH`` names."""
    from snellen.datasets import load_dataset

    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise DatasetError(f"--dataset {text}: expected NAME=FOLDER or NAME=FILE.csv.")
    return load_dataset(name, path, higher_better=higher_better)


@contextmanager
def _working(total: int) -> Iterator[Callable[[int], None]]:
    """Keep freed memory, and show a bar while an exam goes on."""
    from snellen.cli._console import progress
    from snellen.runs import keep_freed_memory

    keep_freed_memory()
    with progress() as bar:
        task = bar.add_task("examining", total=total)
        yield lambda count: bar.update(task, advance=count)


def _write(found: "LayerExam", folder: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    from snellen.plots import plot_layers, save_figure

    folder.mkdir(parents=True, exist_ok=True)
    table = found.to_table()
    pyarrow.csv.write_csv(table, folder / "layers.csv")
    pyarrow.parquet.write_table(table, folder / "layers.parquet")
    pyarrow.parquet.write_table(found.distance_table(), folder / "distances.parquet")
    write_json(folder / "manifest.json", found.manifest())
    title = f"{found.dataset.name}, {found.resize} size, n = {len(found.dataset)}"
    for combination in dict.fromkeys(row["combination"] for row in found.rows):
        rows = [row for row in found.rows if row["combination"] == combination]
        figure = plot_layers(rows, title=f"{title}, by {combination}")
        save_figure(figure, folder / f"layers-{combination}.png")


def write_json(path: Path, value: Any) -> None:
    """Write plain values."""
    path.write_text(json.dumps(value, indent=2, default=str) + "\n", encoding="utf-8")


@exam_app.command("study")
def study(
    plan: Annotated[Path, typer.Argument(help="Study file (YAML): datasets and networks.")],
    output: OutputOption,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples of the intervals.")] = 1000,
    device: DeviceOption = "cpu",
) -> None:
    """Compare a list of networks: agreement by factor, depth and readout, against other metrics.

    Writes summary.md, and for every dataset and protocol a table, distances, and figures. A run
    that is cut off goes on where it was when it is started again.
    """
    with usage_errors():
        from snellen import exam
        from snellen.agreement import Resampling

        what = exam.load_study(plan)
        total = sum(map(len, what.datasets)) * len(what.resize) * len(what.networks)
        with _working(total) as advance:
            found = exam.study(
                what,
                resampling=Resampling(resamples=resamples),
                checkpoint=output / ".checkpoint",
                device=device,
                progress=advance,
            )
        for one in found:
            folder = output / f"{one.exam.dataset.name}-{one.exam.resize}"
            _write(one.exam, folder)
            write_rows(folder / "networks.csv", one.networks)
            write_rows(folder / "factors.csv", one.factors)
            _draw_study(one, folder / "depth.png")
        text = exam.summarize(found)
        (output / "summary.md").write_text(text, encoding="utf-8")
    typer.echo(text)


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
    backbone: Annotated[str, typer.Argument(help="A backbone; see snellen list backbones.")],
    layer: Annotated[list[str], typer.Option(help="Layer; may be repeated.")],
    dataset: DatasetOption,
    output: OutputOption,
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

        data = open_dataset(dataset, higher_better)
        with _working(len(data)) as advance:
            found = exam.relevance(
                create_backbone(backbone, weights),
                layer,
                data,
                resize=resize,
                seeds=range(splits),
                checkpoint=output / ".checkpoint",
                device=device,
                progress=advance,
            )
        output.mkdir(parents=True, exist_ok=True)
        exam.save_channel_weights(output / "channel_weights.safetensors", found)
        write_rows(output / "relevance.csv", [row for one in found for row in one.rows()])
        write_json(output / "manifest.json", {one.layer: one.manifest() for one in found})
    for one in found:
        typer.echo(one.summary())


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as CSV."""
    import pyarrow
    import pyarrow.csv

    pyarrow.csv.write_csv(pyarrow.Table.from_pylist(list(rows)), path)
