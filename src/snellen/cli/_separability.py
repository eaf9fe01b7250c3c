"""``snellen exam separability``: which layers tell types of distortion apart."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli._console import counting
from snellen.cli._datasets import open_dataset
from snellen.cli._errors import usage_errors
from snellen.cli._exam_files import write_json, write_rows, write_tables
from snellen.cli._exam_options import (
    BackbonesArgument,
    CropOption,
    DirectionOption,
    FolderOption,
    RandomControlOption,
    ResamplesOption,
)
from snellen.cli._options import DeviceOption, LayerOption, ResizeOption, WeightsOption
from snellen.errors import DatasetError

if TYPE_CHECKING:
    from snellen.datasets import Dataset
    from snellen.exam import SeparabilityExam, SyntheticSet


def separability(
    backbone: BackbonesArgument,
    output: FolderOption,
    dataset: Annotated[
        str | None,
        typer.Option(help="NAME=FOLDER of a release, or NAME=FILE.csv of your own, with types."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of pristine images to distort, instead.")
    ] = None,
    distortion: Annotated[
        list[str] | None,
        typer.Option(help="Type to put on --images; may be repeated. Default: KADID-10k's."),
    ] = None,
    crop: CropOption = 256,
    weights: WeightsOption = None,
    resize: ResizeOption = "native",
    pooling: Annotated[
        list[str] | None, typer.Option(help="mean, std or mean-std; may be repeated.")
    ] = None,
    normalize: Annotated[
        list[str] | None, typer.Option(help="none, z-score or l2; may be repeated.")
    ] = None,
    components: Annotated[
        list[int] | None, typer.Option(help="Number of principal components; may be repeated.")
    ] = None,
    neighbors: Annotated[
        list[int] | None, typer.Option(help="Number of neighbors that vote; may be repeated.")
    ] = None,
    layer: LayerOption = None,
    random_control: RandomControlOption = False,
    resamples: ResamplesOption = 1000,
    higher_better: DirectionOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Measure how well every layer tells types and levels of distortion apart.

    Writes separability.csv, separability.parquet, manifest.json, separability.png, and for every
    network pairs, confusion, a projection and their figures. A run that is cut off goes on where
    it was when it is started again.
    """
    with usage_errors():
        from snellen import exam
        from snellen.agreement import Resampling

        given = {
            "poolings": pooling,
            "normalize": normalize,
            "components": components,
            "neighbors": neighbors,
        }
        data = _open(dataset, images, distortion, crop, higher_better)
        with counting("describing", len(backbone) * (1 + random_control) * len(data)) as advance:
            found = exam.separability(
                backbone,
                data,
                weights=weights,
                layers=layer,
                resize=str(resize),
                controls="random" if random_control else "none",
                resampling=Resampling(resamples=resamples),
                checkpoint=output / ".checkpoint",
                device=device,
                progress=advance,
                **{name: value for name, value in given.items() if value},  # type: ignore[arg-type]
            )
        _write(found, output)
    for network in found.networks:
        for difference in (False, True):
            typer.echo(_sentence(found.best(network, difference=difference)))


def _open(
    dataset: str | None,
    images: Path | None,
    distortions: list[str] | None,
    crop: int,
    higher_better: bool | None,
) -> "Dataset | SyntheticSet":
    from snellen.exam import synthetic_set

    if (dataset is None) == (images is None):
        raise DatasetError("Give either --dataset NAME=PATH or --images FOLDER.")
    if dataset is not None:
        if distortions:
            raise DatasetError("--distortion is for --images; a dataset has types of its own.")
        return open_dataset(dataset, higher_better)
    folder = Path(str(images))
    return synthetic_set(folder, distortions, crop=crop or None, name=folder.name or "images")


def _sentence(row: dict[str, Any]) -> str:
    how = "with the reference" if row["difference"] else "without reference"
    return (
        f"{row['network']}, {how}: type accuracy {row['accuracy']:.3f} "
        f"[{row['accuracy_low']:.3f}, {row['accuracy_high']:.3f}] (chance {row['chance']:.3f}) at "
        f"{row['layer']}, {row['pooling']}, {row['normalize']}, {row['dimensions']} components"
    )


def _write(found: "SeparabilityExam", folder: Path) -> None:
    from snellen.plots import plot_pairs, plot_projection, plot_separability, save_figure

    write_tables(folder, {"separability": found.to_table()})
    write_json(folder / "manifest.json", found.manifest())
    title = f"{found.data.name}, {found.resize} size, n = {len(found.data)}"
    best = found.best()
    same = {name: best[name] for name in ("pooling", "normalize", "components", "neighbors")}
    rows = [row for row in found.rows if same.items() <= row.items()]
    how = ", ".join(f"{name} {value}" for name, value in same.items())
    figure = plot_separability(rows, title=f"{title}\n{how}")
    save_figure(figure, folder / "separability.png")
    for network in found.networks:
        own = found.best(network)
        # Silhouettes fall with the number of dimensions, and layers differ in theirs.
        few = min({row["components"] for row in found.rows}, key=lambda k: abs(k - 8))
        pairs, projection = found.pairs(own | {"components": few}), found.projection(own)
        name = network.replace("/", "-").replace(" ", "-")
        write_rows(folder / f"pairs-{name}.csv", pairs)
        write_rows(folder / f"confusion-{name}.csv", found.confusion(own).rows())
        write_rows(folder / f"projection-{name}.csv", projection.rows())
        save_figure(
            plot_pairs(pairs, title=f"{network}, {title}\n{few} components"),
            folder / f"pairs-{name}.png",
        )
        save_figure(plot_projection(projection), folder / f"projection-{name}.png")
