"""``snellen compare-losses``: the same training under several losses."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._options import DeviceOption
from snellen.cli._train import steps_bar

if TYPE_CHECKING:
    from snellen.restoration import LossComparison


def compare_losses(
    config: Annotated[Path, typer.Argument(help="YAML; see examples/training.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder. Default: runs/NAME of CONFIG.")
    ] = None,
    device: DeviceOption = "cpu",
) -> None:
    """Train one network under several losses with several seeds, and compare the results.

    Writes images.csv (a row per image and run), runs.csv, summary.csv, summary.md and a figure of
    each perception metric against the first distortion metric. Started again, it goes on where
    it was: finished runs are not done again.
    """
    with usage_errors():
        from snellen.records import replace_file, write_table
        from snellen.restoration import compare_losses as run
        from snellen.restoration import load_comparison

        comparison = load_comparison(config)
        folder = output or Path("runs") / config.stem
        with steps_bar(comparison.plan.steps) as advance:
            found = run(comparison, folder, device=device, progress=advance)
        manifest = comparison.plan.manifest()
        for name in ("images", "runs", "summary"):
            write_table(folder / f"{name}.csv", getattr(found, name), manifest)
        text = _markdown(found)
        replace_file(folder / "summary.md", text)
        _draw(found, folder, config.stem)
    typer.echo(text)


def _markdown(found: "LossComparison") -> str:
    """Write the summary as a table: mean and deviation over seeds, and the change."""
    labels = list(found.lower_better)
    arrows = [f"{label} {'↓' if found.lower_better[label] else '↑'}" for label in labels]
    lines = ["| set | loss | seeds | " + " | ".join(arrows) + " |"]
    lines.append("|---" * (3 + len(labels)) + "|")
    for row in sorted(found.summary, key=lambda row: str(row["set"])):
        cells = [_cell(row, label) for label in labels]
        seeds = "-" if row["loss"] == "input" else str(row["seeds"])
        lines.append(f"| {row['set']} | {row['loss']} | {seeds} | " + " | ".join(cells) + " |")
    first = next(iter(found.plan.losses))
    lines += [
        "",
        "Mean over images, then mean ± standard deviation over seeds; in brackets the difference "
        f"to {first} with the same seed. `input` is the degraded image as it is, enlarged by "
        "bicubic interpolation.",
    ]
    return "\n".join(lines) + "\n"


def _cell(row: Mapping[str, Any], label: str) -> str:
    if row[label] is None:
        return "-"
    text = f"{row[label]:.4g}"
    if row[f"{label} sd"] is not None:
        text += f" ± {row[f'{label} sd']:.2g}"
    if row[f"{label} difference"] is not None:
        spread = row[f"{label} difference sd"]
        text += f" ({row[f'{label} difference']:+.2g}" + (f" ± {spread:.2g})" if spread else ")")
    return text


def _draw(found: "LossComparison", folder: Path, title: str) -> None:
    from snellen.plots import plot_perception_distortion, save_figure

    distortion, *others = list(found.lower_better)
    for label in others:
        figure = plot_perception_distortion(
            found.runs, distortion, label, found.lower_better, title=title
        )
        save_figure(figure, folder / f"{distortion}-{_file_name(label)}.png")


def _file_name(label: str) -> str:
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in label)
