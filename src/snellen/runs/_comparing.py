"""Distorted images against their references: scoring, with the columns of a comparison."""

from collections.abc import Mapping
from typing import Any

from snellen.errors import RunError
from snellen.records import PathLike
from snellen.runs._layout import file_layout
from snellen.runs._metrics_by_name import Metrics, metrics_for
from snellen.runs._run import Run
from snellen.runs._scoring import (
    score_columns,
    score_engine,
    score_manifest,
    select_source,
    shard_name,
    split_options,
)
from snellen.runs._sources import Source, Sources


def compare(
    distorted: Sources | Source,
    reference: PathLike | None = None,
    metrics: Metrics = None,
    *,
    engine: str = "local",
    limit: int | None = None,
    shard: str | None = None,
    device: str = "cpu",
    precision: str = "float32",
    engine_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Run:
    """Compare distorted images with their references; every pair becomes one row.

    Parameters
    ----------
    distorted
        Images, as for `score`: a file, a folder, a pattern, a table that names references, ...
    reference
        One reference for all, or a folder in which images find theirs by name; None where the
        source names them itself.
    metrics
        Names of metrics, or metrics that are made; by default ``"dfb"``.
    engine, limit, shard, device, precision, engine_options, **options
        As for `score`. One image at a time is scored by default (``batch_size=1``).

    Returns
    -------
    Run
        Rows with the columns ``distorted``, ``reference``, the columns that a table carries,
        ``width``, ``height``, one column for each metric, ``seconds``, ``error``.

    Raises
    ------
    SourceError
        An image or folder does not exist, or holds no image.
    MetricError
        A metric does not exist, or has no such option.
    RunError
        There are no references; an engine or a setting does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (32, 32), "red").save(f"{folder}/a.png")
    ...     [row] = compare(f"{folder}/a.png", f"{folder}/a.png", "mdsi")
    >>> row["mdsi"], row["error"]
    (0.0, None)
    """
    found = select_source(distorted, reference, limit, shard)
    if not found.has_references:
        raise RunError(
            "REFERENCE is missing: name a reference image, or a folder of them, or give a table "
            "with a column 'reference'."
        )
    settings, more = split_options(options, batch_size=1)
    made, recipe = metrics_for(
        metrics, has_references=True, device=device, precision=precision, options=more
    )
    return Run(
        found,
        file_layout(found, score_columns(made, {}), image="distorted"),
        score_engine(engine, made, recipe, settings, engine_options or {}),
        score_manifest("compare", made, settings),
        metrics=made,
        options=settings,
        shard=shard_name(shard),
    )
