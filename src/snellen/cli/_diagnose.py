"""``snellen diagnose``: what is wrong with images."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._options import DeviceOption, device_errors
from snellen.cli._output import (
    FormatOption,
    OutputFormat,
    OutputOption,
    exit_if_failed,
    output_form,
    with_bar,
    without,
    write_rows,
)
from snellen.errors import ImageError, SnellenError

if TYPE_CHECKING:
    from snellen.backbones import Backbone
    from snellen.diagnosis import Diagnoser
    from snellen.runs import Journal, Row

    Job = tuple[Path, Path | None, str | None]

_KEY = ("image", "reference")


def diagnose(
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.")],
    reference: Annotated[
        Path | None,
        typer.Option(
            "-r", "--ref", "--reference", help="Pristine image, or folder; paired by file name."
        ),
    ] = None,
    diagnoser: Annotated[
        str, typer.Option(help="Name, or a file that Diagnoser.save wrote.")
    ] = "gabor",
    backbone: Annotated[
        str | None, typer.Option(help="Network of such a file. Default: the one that it names.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weights of --backbone: imagenet, or a file.")
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option(help='Unfamiliarity, 0 to 1, above which an image is "none of these".'),
    ] = None,
    format_: FormatOption = None,
    output: OutputOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Name the distortions of images, how strong they are, and how sure that is.

    Without a reference the image itself has to tell; with one, faint and tonal distortions
    are found too. Exit status: 0 all diagnosed, 1 some rows failed (they carry their error), 2
    wrong usage. A run that is cut off while it writes to a file goes on where it was.
    """
    with usage_errors():
        form = output_form(format_, output)
        from snellen.diagnosis import create_diagnoser
        from snellen.runs import keep_freed_memory

        keep_freed_memory()
        jobs = _jobs(images, reference)
        with device_errors(device):
            network = _network(backbone, weights)
            made = create_diagnoser(diagnoser, backbone=network, limit=limit, device=device)

    def rows(journal: "Journal | None") -> "Iterator[Row]":
        return with_bar(_rows(jobs, made, journal), len(jobs), "diagnosing")

    if form is OutputFormat.TABLE:
        table = list(rows(None))
        _print(table)
    else:
        table = write_rows(rows, _KEY, form, output, made)
    exit_if_failed(table)


def _network(name: str | None, weights: str | None) -> "Backbone | None":
    if name is None:
        if weights is not None:
            raise SnellenError("--weights are those of --backbone: name it too.")
        return None
    from snellen.backbones import create_backbone

    return create_backbone(name) if weights is None else create_backbone(name, weights=weights)


def _jobs(images: Sequence[Path], reference: Path | None) -> "list[Job]":
    """List every image with its reference, or with the reason why it has none."""
    from snellen.images import pair_images

    jobs: list[Job] = []
    for path in images:
        if reference is None:
            jobs += [(image, None, None) for image in _files(path)]
            continue
        pairing = pair_images(path, reference)
        jobs += [(pair.distorted, pair.reference, None) for pair in pairing.pairs]
        jobs += [
            (item.path, None, item.reason)
            for item in pairing.unpaired
            if item.path == path or path in item.path.parents
        ]
    return sorted(dict.fromkeys(jobs), key=lambda job: str(job[0]))


def _files(path: Path) -> list[Path]:
    from snellen.images import find_images

    if not path.exists():
        raise ImageError(f"{path}: no such file or folder")
    found = find_images(path) if path.is_dir() else [path]
    if not found:
        raise ImageError(f"{path}: holds no image")
    return found


def _rows(
    jobs: "Sequence[Job]", diagnoser: "Diagnoser", journal: "Journal | None"
) -> "Iterator[Row]":
    """Diagnose one image after the other; rows that a journal holds are not made again."""
    finished = {k: r for k, r in journal.finished.items() if not r["error"]} if journal else {}
    for image, reference, reason in jobs:
        key = (str(image), None if reference is None else str(reference))
        row = finished.get(key)
        if row is None:
            row = _row(image, reference, reason, diagnoser)
            if journal is not None:
                journal.append(row)
        yield row


def _row(image: Path, reference: Path | None, reason: str | None, diagnoser: "Diagnoser") -> "Row":
    from snellen.images import as_image_batch

    row: Row = {"image": str(image), "reference": None if reference is None else str(reference)}
    row |= dict.fromkeys(("width", "height", *_columns(), "seconds"))
    row["error"] = reason
    if reason is not None:
        return row
    try:
        batch = as_image_batch(image, diagnoser.policy)
        row |= {"width": int(batch.shape[3]), "height": int(batch.shape[2])}
        start = time.perf_counter()
        (diagnosis,) = diagnoser(batch, reference)
        row |= diagnosis.to_row()
        row["seconds"] = round(time.perf_counter() - start, 6)
    except Exception as error:  # whatever it is, the run goes on
        text = " ".join(str(error).split())
        foreseen = isinstance(error, SnellenError)
        row["error"] = text if foreseen else f"{type(error).__name__}: {text}"
    return row


def _columns() -> list[str]:
    """Name the columns that a diagnosis fills."""
    from snellen.diagnosis import Candidate, Diagnosis

    nothing = Candidate("", 0, 1)
    example: Diagnosis = Diagnosis("", 0, (), (nothing, nothing), 0, 0)
    return list(example.to_row())


def _print(rows: "Sequence[Row]") -> None:
    """Show a line for each image: the verdict, how sure it is, and what else it may be."""
    from snellen.cli._console import print_table

    short = [
        {
            "image": row["image"],
            "verdict": row["verdict"],
            "confidence": row["confidence"],
            "likeliest": _likeliest(row, 1),
            "next": _likeliest(row, 2),
            "clean": row["clean"],
            "error": row["error"],
        }
        for row in rows
    ]
    print_table(without(short))


def _likeliest(row: "Row", place: int) -> Any:
    if row[f"type{place}"] is None:
        return None
    name, probability = row[f"type{place}"], row[f"probability{place}"]
    return f"{name}, level {row[f'severity{place}']:.1f} ({probability:.2f})"
