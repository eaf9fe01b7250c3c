"""``snellen train``: a restoration network under a configured loss."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._options import DeviceOption
from snellen.errors import TrainingError

if TYPE_CHECKING:
    from snellen.restoration import TrainingPlan


class Task(StrEnum):
    """What the network restores."""

    SR = "sr"
    DEBLUR = "deblur"


def train(
    task: Annotated[Task, typer.Argument(help="Super-resolution, or deblurring.")],
    config: Annotated[Path, typer.Argument(help="YAML; see examples/training.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder. Default: runs/NAME of CONFIG.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that is in the folder.")
    ] = False,
    device: DeviceOption = "cpu",
) -> None:
    """Train a restoration network, and score it on its test sets.

    Writes network.safetensors, log.csv, scores.csv, checkpoints, images, and what TensorBoard
    reads. A run that was killed and resumed ends with the same weights as one that never was.
    """
    with usage_errors():
        from snellen.restoration import load_plan
        from snellen.restoration import train as run

        plan = load_plan(config)
        _check_task(task, plan, config)
        folder = output or Path("runs") / config.stem
        with steps_bar(plan.steps) as advance:
            path = run(
                plan,
                folder,
                resume=resume,
                device=device,
                progress=lambda step: advance("training", step),
            )
        _score(plan, path, folder / "scores.csv", device)
    typer.echo(str(path))


def _check_task(task: Task, plan: "TrainingPlan", config: Path) -> None:
    if task is Task.DEBLUR and plan.scale != 1:
        raise TrainingError(f"{config}: deblurring keeps the size; found scale {plan.scale}.")
    if task is Task.SR and plan.scale == 1 and plan.train.degrade is not None:
        raise TrainingError(
            f"{config}: super-resolution of images degraded here needs a scale above 1 and a "
            "recipe that ends in bicubic xSCALE."
        )


def _score(plan: "TrainingPlan", network: Path, path: Path, device: str) -> None:
    from snellen.cli._console import print_table
    from snellen.cli._output import without
    from snellen.metrics import create_metric
    from snellen.records import write_table
    from snellen.restoration import evaluate, load_restorer

    metrics = {label: create_metric(**one, device=device) for label, one in plan.metrics.items()}
    restorer = load_restorer(network, device)
    rows = list(evaluate(restorer, plan.test, metrics, scale=plan.scale, border=plan.border))
    write_table(path, rows, {label: one.manifest() for label, one in metrics.items()})
    print_table(without(rows))


@contextmanager
def steps_bar(total: int) -> Iterator[Callable[[str, int], None]]:
    """Show the steps of a run, or of one run after another, on standard error."""
    from snellen.cli._console import progress

    with progress() as bar:
        task = bar.add_task("starting", total=total)
        yield lambda name, step: bar.update(task, description=name, completed=step)
