"""Images under known distortions, as files, and a table of what was done to each."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from torch import Tensor

from snellen.distortions import distort as distort_batch
from snellen.distortions import library_versions
from snellen.errors import error_text
from snellen.images import read_image, read_png_note, write_png
from snellen.records import PathLike, Row, code_digest, digest_of
from snellen.runs._distortion_plan import PAIRS, DistortionPlan, find_sources, make_plan, steps_of
from snellen.runs._engine import Outcome, Task
from snellen.runs._layout import Layout
from snellen.runs._run import Run
from snellen.runs._sources import Item, Location, Source

TABLE, FAILURES = "pairs.csv", "errors.csv"
"""Files beside the distorted images: what was made, and what could not be."""


def distort(
    source: PathLike,
    output: PathLike,
    types: Sequence[str] = (),
    levels: Sequence[int] = (),
    *,
    everything: bool = False,
    pipelines: int = 0,
    seed: int = 0,
) -> Run:
    """Distort images into files; each distorted image is one row.

    Nothing is made before the run is iterated over, or brought into its table:
    ``distort(...).into(f"{output}/pairs.csv")``. Images that are there already, made of the same
    image with the same settings and libraries, are not made again; rows of earlier runs stay in
    the table as long as their images and references are there.

    Parameters
    ----------
    source
        Image, or folder of images.
    output
        Folder of the distorted images: ``STEM_TYPE_LEVEL.png``, in the sub-folders of the source.
    types
        Types (``"jpeg"``), or whole specifications (``"jpeg:3"``, ``"blur:3+jpeg:2"``).
    levels
        Levels of the types that are given without one, 1 to 5; all of them by default.
    everything
        Whether to take every type of the catalogue.
    pipelines
        Random compound pipelines for each image.
    seed
        Each file's own seed derives from it.

    Returns
    -------
    Run
        Rows with the columns ``image``, ``reference`` (both relative to `output`), ``type``,
        ``level``, ``seed``, ``spec``: with the last two `snellen.distort` gives the same pixels
        again; and ``error``. In a table, rows with an error go to ``errors.csv`` beside it.

    Raises
    ------
    DistortionError
        There is no such type or level, or nothing to do; the output is the folder of the images.
    ImageError
        There is no such file or folder, or it holds no image.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (32, 32), "red").save(f"{folder}/a.png")
    ...     [row] = distort(f"{folder}/a.png", f"{folder}/out", ["jpeg"], [3])
    >>> row["image"], row["spec"], row["error"]
    ('a_jpeg_3.png', 'jpeg:3', None)
    """
    plan = make_plan(types, levels, everything=everything, pipelines=pipelines, seed=seed)
    return distortion_run(plan, Path(source), Path(output))


def distortion_run(plan: DistortionPlan, source: Path, output: Path) -> Run:
    """Make the run of a plan."""
    wanted: dict[str, Row] = {}
    items: dict[str, Item] = {}
    for name, path in find_sources(source, output).items():
        for row in plan.rows(name, path, output):
            wanted[row["image"]] = row
            items[row["image"]] = _item(path, row)
    for row in _earlier_rows(output):
        if row["image"] not in wanted:
            items[row["image"]] = _item(output / row["reference"], row)
    specs = [item.columns["spec"] for item in items.values()]
    listed = list(items.values())
    work = _DistortWork(output)
    return Run(
        Source(lambda: listed, count=len(listed)),
        Layout(PAIRS, {"error": "string"}, lambda item: dict(item.columns)),
        work,
        {"command": "distort", "versions": library_versions()},
        is_kept=work.carries_input,
        failures=output / FAILURES,
        about={"distortions": steps_of(specs)},
    )


def _item(path: Path, row: Row) -> Item:
    return Item(Location(str(path.resolve())), columns=row)  # of one name, however it was named


def _earlier_rows(output: Path) -> Iterator[Row]:
    """Yield the rows of earlier runs whose images and references are still there."""
    try:
        with (output / TABLE).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error):
        return  # the sink will say whether it may be replaced
    for row in rows:
        if list(row) != list(PAIRS) or not row["seed"].isdecimal():
            return
        typed = {**row, "level": int(row["level"] or 0) or None, "seed": int(row["seed"])}
        if (output / row["image"]).is_file() and (output / row["reference"]).is_file():
            yield typed


class _DistortWork:
    """Makes distorted images; a file says in itself what it was made of."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._read: tuple[Location, Tensor | Exception] | None = None

    def carries_input(self, item: Item) -> bool:
        """Tell whether the image is there, made of this very input with the same libraries."""
        return read_png_note(self._target(item)) == self._note(item)

    def __call__(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Make what is missing; whatever goes wrong is an outcome, and the run goes on."""
        for position, item in tasks:
            error = None
            try:
                if not self.carries_input(item):
                    self._make(item)
            except Exception as caught:
                error = error_text(caught)
            yield Outcome(position, error=error)

    def _make(self, item: Item) -> None:
        row = item.columns
        distorted = distort_batch(self._image(item.image), row["spec"], seed=row["seed"])
        write_png(self._target(item), distorted[0], self._note(item))

    def _image(self, location: Location) -> Tensor:
        """Read an image once for all that is made of it, which comes one after the other."""
        if self._read is None or self._read[0] != location:
            try:
                self._read = location, read_image(location.url)[None]
            except Exception as error:
                self._read = location, error
        found = self._read[1]
        if isinstance(found, Exception):
            raise found
        return found

    def _target(self, item: Item) -> Path:
        return self._output / str(item.columns["image"])

    def _note(self, item: Item) -> str:
        made_by = [library_versions(), code_digest(("distortions", "images"))]
        return f"{item.identity()}-{digest_of(made_by)[:16]}"
