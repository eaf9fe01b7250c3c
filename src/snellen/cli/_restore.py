"""``snellen restore``: a trained network applied to images."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._options import DeviceOption
from snellen.errors import ImageError, SnellenError

if TYPE_CHECKING:
    from snellen.records import Row
    from snellen.restoration import Restorer


def restore(
    checkpoint: Annotated[Path, typer.Argument(help="network.safetensors of `snellen train`.")],
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of restored PNG files.")],
    device: DeviceOption = "cpu",
    tile: Annotated[
        int | None,
        typer.Option(
            min=16,
            help="Restore parts with sides of this many pixels, for large images. Not exactly the "
            "same pixels where a network sees further than --overlap.",
        ),
    ] = None,
    overlap: Annotated[
        int, typer.Option(min=0, help="Pixels around a tile that the network sees as well.")
    ] = 32,
) -> None:
    """Restore images with a trained network; files keep their names and folders, as PNG.

    Exit status: 0 all restored, 1 some failed (each is named on standard error), 2 wrong usage.
    """
    with usage_errors():
        from snellen.cli._output import with_bar
        from snellen.restoration import load_restorer

        targets = _targets(images, output)
        network = load_restorer(checkpoint, device)
        rows = list(with_bar(_rows(network, targets, tile, overlap), len(targets), "restoring"))
    failed = [row for row in rows if row["error"] is not None]
    for row in failed:
        typer.echo(f"snellen: {row['image']}: {row['error']}", err=True)
    typer.echo(f"{len(rows) - len(failed)} of {len(rows)} images restored in {output}")
    if failed:
        raise typer.Exit(1)


def _targets(images: Sequence[Path], output: Path) -> dict[Path, Path]:
    """Say where every image goes; no two to one place, and none over its source."""
    from snellen.images import find_images

    targets: dict[Path, Path] = {}
    for given in images:
        found = find_images(given) if given.is_dir() else [given]
        base = given if given.is_dir() else given.parent
        for path in found:
            target = (output / path.relative_to(base)).with_suffix(".png")
            if target in targets.values() or target.resolve() == path.resolve():
                raise ImageError(f"{path}: would be written over {target}; give another --output.")
            targets[path] = target
    if not targets:
        raise ImageError("no image was found.")
    return targets


def _rows(
    network: "Restorer", targets: dict[Path, Path], tile: int | None, overlap: int
) -> "Iterator[Row]":
    from snellen.images import write_png

    for path, target in targets.items():
        error = None
        try:
            write_png(target, network(path, tile=tile, overlap=overlap)[0])
        except SnellenError as problem:
            error = str(problem)
        yield {"image": str(path), "restored": str(target), "error": error}
