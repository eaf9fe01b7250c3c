"""``snellen bench``: metrics against databases with human scores."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli._datasets import parse_dataset
from snellen.cli._errors import usage_errors
from snellen.cli._option_groups import BatchOptions, grouped
from snellen.cli._options import (
    DeviceOption,
    HeadWeightsOption,
    LayerOption,
    MetricOption,
    Precision,
    PrecisionOption,
    ResizeOption,
    device_errors,
)
from snellen.errors import DatasetError, MetricError

if TYPE_CHECKING:
    from snellen.datasets import Dataset
    from snellen.metrics import MetricSet
    from snellen.runs import BenchResult, ScoreCache

_DATASET_HELP = (
    "NAME=FOLDER of an official release, or NAME=FILE.csv with image,reference,score; may be "
    "repeated."
)


@grouped
def bench(
    dataset: Annotated[list[str], typer.Option("-d", "--dataset", help=_DATASET_HELP)],
    batches: BatchOptions,
    metric: MetricOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Report: .csv, .json, .parquet, .md or .tex."),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(help="Scores of every image: .csv, .json, .jsonl or .parquet."),
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(help="Folder for scatter plots with the fitted curve.")
    ] = None,
    per_type: Annotated[
        bool, typer.Option("--per-type", help="Show each distortion type too.")
    ] = False,
    higher_better: Annotated[
        list[str] | None,
        typer.Option(help="CSV database whose high scores mean good images (MOS); repeatable."),
    ] = None,
    lower_better: Annotated[
        list[str] | None,
        typer.Option(help="CSV database whose low scores mean good images (DMOS); repeatable."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=0, help="Bootstrap resamples of contents; 0: no intervals.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    limit: Annotated[
        int | None, typer.Option(min=2, help="Only so many images of each database, evenly spread.")
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            help="Weights of the backbone: imagenet, random, or a file; BACKBONE=FILE where there "
            "are several backbones, may be repeated."
        ),
    ] = None,
    head_weights: HeadWeightsOption = None,
    layer: LayerOption = None,
    resize: ResizeOption = None,
    precision: PrecisionOption = Precision.FLOAT32,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither use nor keep scores of earlier runs.")
    ] = False,
    device: DeviceOption = "cpu",
) -> None:
    """Measure how far metrics agree with people.

    The table goes to standard output, everything else to standard error. Scores are kept, so that a
    run that is cut off goes on where it was, and one more metric costs only its own scores. Exit
    status: 0 all scored, 1 some images failed (they are left out of the agreement and counted), 2
    wrong usage.
    """
    with usage_errors():
        _check_files(output, scores)
        from snellen.agreement import Resampling
        from snellen.runs import ScoreCache

        databases = _databases(dataset, higher_better or [], lower_better or [], limit)
        options = {
            "head_weights": head_weights, "resize": resize, "layers": layer,
            "precision": precision.value, "device": device,
        }  # fmt: skip
        metrics = _metrics(metric or ["dfb"], weights or [], options)
        cache = None if no_cache else ScoreCache()
        resampling = Resampling(resamples=resamples, seed=seed)
        result = _run(metrics, databases, cache, resampling, batches)
        _show(result, per_type)
        _write(result, output, scores, plots, per_type)
    if result.failed:
        typer.echo(
            f"snellen: {result.failed} of {len(result.scores)} images failed and were left out; "
            f"{_first_error(result)}",
            err=True,
        )
        raise typer.Exit(1)


def _check_files(output: Path | None, scores: Path | None) -> None:
    """Find out before hours of work whether the results can be written."""
    from snellen.records import format_of
    from snellen.runs import report_format

    if output is not None:
        report_format(output)
    if scores is not None:
        format_of(scores)


def _databases(
    given: Sequence[str], higher: Sequence[str], lower: Sequence[str], limit: int | None
) -> dict[str, "Dataset"]:
    from snellen.datasets import load_dataset

    split = [parse_dataset(text) for text in given]
    names = [name for name, _ in split]
    for text, (name, path) in zip(given, split, strict=True):
        if names.count(name) > 1:
            raise DatasetError(f"--dataset {name} was given twice.")
        if not Path(path).exists():
            raise DatasetError(f"--dataset {text}: {path}: no such file or folder.")
    direction = _directions(names, higher, lower)
    try:
        loaded = {n: load_dataset(n, p, higher_better=direction.get(n)) for n, p in split}
    except DatasetError as error:
        raise DatasetError(_in_words_of_the_command(str(error))) from error
    return {name: _limited(one, limit) for name, one in loaded.items()}


def _directions(names: list[str], higher: Sequence[str], lower: Sequence[str]) -> dict[str, bool]:
    for name in (*higher, *lower):
        if name not in names or (name in higher and name in lower):
            problem = "both --higher-better and --lower-better" if name in names else "no --dataset"
            raise DatasetError(f"{name}: {problem}; databases are {', '.join(names)}.")
    return dict.fromkeys(higher, True) | dict.fromkeys(lower, False)


def _in_words_of_the_command(message: str) -> str:
    return message.replace(
        "pass higher_better=,", "pass --higher-better NAME or --lower-better NAME,"
    )


def _limited(dataset: "Dataset", limit: int | None) -> "Dataset":
    if limit is None or limit >= len(dataset):
        return dataset
    return dataset.subset([i * len(dataset) // limit for i in range(limit)])


def _metrics(
    names: Sequence[str], weights: Sequence[str], options: Mapping[str, Any]
) -> "MetricSet":
    """Make the metrics, those of each backbone with its own weights."""
    from snellen.metrics import create_metrics

    given = {name: value for name, value in options.items() if value not in (None, [])}
    named = [name for text in names for name in text.split(",") if name]
    with device_errors(options["device"]):
        return create_metrics(named, weights=_weights(weights), **given)


def _weights(given: Sequence[str]) -> str | dict[str, str] | None:
    """Read --weights: one value for all backbones, or BACKBONE=FILE for each."""
    if not given:
        return None
    split = [text.partition("=") for text in given]
    if len(given) == 1 and (not split[0][1] or Path(given[0]).exists()):
        return given[0]
    found = {name: file for name, equals, file in split if equals}
    if len(found) < len(given):
        raise MetricError(
            f"--weights {' --weights '.join(given)}: give weights once for all backbones, or "
            "BACKBONE=FILE once for each."
        )
    return found


def _run(
    metrics: "MetricSet",
    databases: Mapping[str, "Dataset"],
    cache: "ScoreCache | None",
    resampling: Any,
    batches: BatchOptions,
) -> "BenchResult":
    from snellen.cli._console import progress
    from snellen.runs import EngineOptions
    from snellen.runs import bench as run_bench

    total = sum(len(database) for database in databases.values())
    with progress() as bar:
        task = bar.add_task("scoring", total=total)
        return run_bench(
            metrics,
            databases,
            cache=cache,
            resampling=resampling,
            on_row=lambda row: bar.advance(task),
            options=EngineOptions(**{"batch_size": 1, **batches.given()}),
        )


def _show(result: "BenchResult", per_type: bool) -> None:
    from snellen.cli._console import print_table
    from snellen.runs import report_tables

    for title, rows in report_tables(result, types=per_type, intervals=False).items():
        shown = [name for name in rows[0] if any(row[name] for row in rows)]
        typer.echo(f"\n{title}")
        print_table([{name: row[name] for name in shown} for row in rows])


def _write(
    result: "BenchResult",
    output: Path | None,
    scores: Path | None,
    plots: Path | None,
    per_type: bool,
) -> None:
    from snellen.records import write_table
    from snellen.runs import write_report

    if output is not None:
        write_report(result, output, types=per_type)
    if scores is not None:
        write_table(scores, result.scores, result.manifest)
    if plots is not None:
        for metric, dataset in result.agreements:
            _plot(result, metric, dataset, plots)


def _plot(result: "BenchResult", metric: str, dataset: str, folder: Path) -> None:
    from snellen.plots import axis_label, plot_scatter, save_figure

    found = result.agreements[metric, dataset]
    rows = [r for r in result.scores if r["dataset"] == dataset and r[metric] is not None]
    kinds = [row["type"] for row in rows]
    srcc = "" if math.isnan(found.srcc.value) else f", SRCC {found.srcc.value:.3f}"
    figure = plot_scatter(
        [row[metric] for row in rows],
        [row["human_score"] for row in rows],
        types=kinds if any(kinds) else None,
        fit=found.fit,
        score_label=axis_label(metric, bool(result.metrics[metric].lower_better)),
        human_label=axis_label("human score", not result.datasets[dataset].higher_better),
        title=f"{metric} on {dataset}: {found.size} images{srcc}",
    )
    save_figure(figure, folder / (re.sub(r"[^\w.-]+", "_", f"{dataset}_{metric}") + ".png"))


def _first_error(result: "BenchResult") -> str:
    row = next(row for row in result.scores if row["error"])
    return f"the first is {row['image']}: {row['error']}"
