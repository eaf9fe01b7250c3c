"""The work of ``snellen distort``: what is there already, what to make, and the table of it."""

import csv
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from snellen.cli._distort_request import Request
from snellen.distortions import create_distortion, derived_seed, distort, library_versions
from snellen.errors import DistortionError, SnellenError
from snellen.images import read_image
from snellen.runs import FORMATS, Journal, Row, write_table

_COLUMNS = ["image", "reference", "type", "level", "seed", "spec"]
_RANDOM = "random@"


@dataclass
class Result:
    """Rows of images that are there, and of those that failed."""

    rows: list[Row] = field(default_factory=list)
    errors: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class _Earlier:
    """What the table of an earlier run says; `versions` are those of all runs that went into it."""

    rows: dict[str, Row]
    versions: list[Any]


def run_jobs(
    sources: Mapping[str, Path],
    request: Request,
    output: Path,
    on_done: Callable[[int], None] = lambda count: None,
) -> Result:
    """Make all images that are not there yet; write pairs.csv and, if need be, errors.csv.

    Parameters
    ----------
    sources
        Files by the name that their outputs start with.
    request
        What to make of each.
    output
        Folder of the results. Rows of earlier runs stay in its table as long as their images do.
    on_done
        Called with the number of images that were made, or were there, or failed.

    Returns
    -------
    result
        All rows of the table, and the errors of this run.
    """
    table, versions = output / "pairs.csv", library_versions()
    earlier = _read_earlier(table)
    plan = {path: _planned(name, path, request, output) for name, path in sources.items()}
    wanted = {row["image"]: row for rows in plan.values() for row in rows}
    kept = {name: row for name, row in earlier.rows.items() if wanted.get(name, row) == row}
    if kept != earlier.rows:  # what is about to be replaced must not look finished
        _write(table, list(kept.values()), earlier.versions)
    result = Result()
    with Journal(table, {"versions": versions}, ("image",)) as journal:
        finished = {row["image"]: row for row in journal.finished.values()}
        known = (kept if earlier.versions == [versions] else {}) | finished
        for path, rows in plan.items():
            _one_source(path, rows, output, known, journal, result)
            on_done(len(rows))
    others = [row for name, row in kept.items() if name not in wanted]
    result.rows += [row for row in others if (output / row["image"]).is_file()]
    before = earlier.versions if others else []
    _write(table, result.rows, [*(old for old in before if old != versions), versions])
    _report(output / "errors.csv", result.errors)
    journal.remove()
    return result


def _planned(name: str, source: Path, request: Request, output: Path) -> list[Row]:
    """Return the rows of one image, as they will stand in the table."""
    seed = derived_seed(request.seed, name)
    specs = {spec: spec.replace(":", "_") for spec in request.specs}
    for number in range(1, request.pipelines + 1):
        specs[f"{_RANDOM}{derived_seed(seed, f'random {number}')}"] = f"random_{number}"
    return [
        {
            "image": f"{name}_{ending}.png",
            "reference": _relative(source, output),
            "type": "random" if spec.startswith(_RANDOM) else _types(spec),
            "level": int(spec[-1]) if spec.count(":") == 1 and not set(spec) & set("@+") else None,
            "seed": seed,
            "spec": spec,
        }
        for spec, ending in specs.items()
    ]


def _types(spec: str) -> str:
    return "+".join(step.partition(":")[0].partition("@")[0] for step in spec.split("+"))


def _relative(source: Path, output: Path) -> str:
    """Name a file from the folder of the table, so that both can move together."""
    try:
        return Path(os.path.relpath(source.resolve(), output.resolve())).as_posix()
    except ValueError:  # on another drive
        return source.resolve().as_posix()


def _one_source(
    source: Path,
    rows: Sequence[Row],
    output: Path,
    known: Mapping[str, Row],
    journal: Journal,
    result: Result,
) -> None:
    """Make what is missing of one image; whatever goes wrong is a row, and the run goes on."""
    image: Tensor | None = None
    for row in rows:
        path = output / row["image"]
        if known.get(row["image"]) == row and _is_fresh(path, source):
            result.rows.append(row)
            continue
        try:
            image = read_image(source)[None] if image is None else image
        except Exception as error:
            result.errors.append(_failure(source, "", error))
            return
        try:
            distorted = distort(image, row["spec"], seed=row["seed"])
            path.unlink(missing_ok=True)
            journal.append(row)  # before the file is there: a row without a file is made again
            _save(path, distorted)
        except Exception as error:
            result.errors.append(_failure(source, row["spec"], error))
            continue
        result.rows.append(row)


def _is_fresh(path: Path, source: Path) -> bool:
    try:
        return path.stat().st_mtime_ns >= source.stat().st_mtime_ns
    except OSError:
        return False


def _save(path: Path, batch: Tensor) -> None:
    """Write an 8-bit PNG, whole or not at all."""
    pixels = (batch[0] * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    Image.fromarray(pixels).save(temporary, "PNG")
    os.replace(temporary, path)  # noqa: PTH105 - the atomic one


def _failure(source: Path, spec: str, error: Exception) -> Row:
    text = " ".join(str(error).split())
    said = text if isinstance(error, SnellenError) else f"{type(error).__name__}: {text}"
    return {"reference": str(source), "spec": spec, "error": said}


def _read_earlier(table: Path) -> _Earlier:
    if not table.exists():
        return _Earlier({}, [])
    with table.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != _COLUMNS:
            raise DistortionError(
                f"{table} is not a table of this command: expected the columns "
                f"{','.join(_COLUMNS)}; choose another --output."
            )
        rows = [_typed(row) for row in reader]
    try:
        document = json.loads(_manifest_path(table).read_text(encoding="utf-8"))
        versions = list(document["manifest"]["versions"])
    except (OSError, ValueError, KeyError, TypeError):
        versions = []
    return _Earlier({row["image"]: row for row in rows}, versions)


def _typed(row: Mapping[str, str]) -> Row:
    level = int(row["level"]) if row["level"] else None
    return {**row, "level": level, "seed": int(row["seed"])}


def _manifest_path(table: Path) -> Path:
    return table.with_name(f"{table.name}.manifest.json")


def _write(table: Path, rows: Sequence[Row], versions: list[Any]) -> None:
    if not rows:
        table.unlink(missing_ok=True)
        _manifest_path(table).unlink(missing_ok=True)
        return
    specs = dict.fromkeys(row["spec"] for row in rows if not row["spec"].startswith(_RANDOM))
    steps = {spec: create_distortion(spec).manifest()["steps"] for spec in specs}
    write_table(table, rows, "csv", {"versions": versions, "distortions": steps})


def _report(path: Path, errors: Sequence[Row]) -> None:
    if errors:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FORMATS["csv"](errors))
    else:
        path.unlink(missing_ok=True)
