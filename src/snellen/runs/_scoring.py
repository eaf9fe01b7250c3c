"""A collection of images to a table of scores: source, engine, sink."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from snellen.errors import RunError
from snellen.metrics import MetricSet
from snellen.records import Columns, PathLike
from snellen.runs._engine import EngineOptions
from snellen.runs._engines import Engine, engine_for
from snellen.runs._layout import SEEN, file_layout
from snellen.runs._metrics_by_name import Metrics, Recipe, metrics_for
from snellen.runs._run import Run
from snellen.runs._score_work import ScoreWork, ScoreWorkMaker
from snellen.runs._sources import Source, Sources, open_source, parse_shard


def score(
    source: Sources | Source,
    metrics: Metrics = None,
    *,
    reference: PathLike | None = None,
    engine: str = "local",
    limit: int | None = None,
    shard: str | None = None,
    dedupe: bool = False,
    attributes: bool = False,
    device: str = "auto",
    precision: str = "float32",
    engine_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Run:
    """Score a collection of images of any size; every input becomes one row.

    Iterating gives rows, in the order of the source; `Run.into` brings them to disk as they are
    made.

    Parameters
    ----------
    source
        A folder, a pattern, images, a CSV or Parquet table, a list of names in a ``.txt`` file,
        tar files in WebDataset layout, or addresses of any of these; or several.
    metrics
        Names of metrics, or metrics that are made, one or several; by default ``"dfb"`` where
        there are references, and ``"ddr"`` where there are none.
    reference
        One reference for all images, or a folder in which they find theirs by name.
    engine
        What computes: ``"local"``, or ``"ray"`` (a cluster, or processes on this machine).
    limit
        Only so many inputs, the first of the source.
    shard
        Which part of the source, such as ``"1/16"``: every sixteenth input, from the first on.
    dedupe
        Whether to score images of equal content only once. The others get a row that names the
        first in ``duplicate_of``. Every file is read twice.
    attributes
        Whether to add all attributes of the catalogue, such as brightness or noise.
    device
        Where to compute; ``"auto"`` is a GPU where there is one.
    precision
        ``"float32"``, ``"bfloat16"``, or ``"auto"``: bfloat16 on a GPU that computes in it.
    engine_options
        Options of the engine alone; for ``"ray"``: ``address``, ``workers``, ``cpus``, ``gpus``,
        ``block``, ``runtime_env``.
    **options
        Attributes of `EngineOptions` (``batch_size``, ``threads``, ``tile``), and options of
        `create_metrics`.

    Returns
    -------
    Run
        Rows with the columns ``image``, ``reference`` where there are any, the columns that a
        table carries, ``width``, ``height``, one column for each metric, ``seconds``, ``sha256``
        of the file, ``error``.

    Raises
    ------
    SourceError
        The source does not exist or holds no image.
    MetricError
        A metric does not exist, or has no such option.
    RunError
        A metric needs references and there are none; an engine or a setting does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (32, 32), "red").save(f"{folder}/a.png")
    ...     [row] = score(folder, "psnr", reference=f"{folder}/a.png")
    >>> row["width"], row["psnr"] > 60, row["error"]
    (32, True, None)
    """
    found = select_source(source, reference, limit, shard)
    settings, more = split_options(options)
    made, recipe = metrics_for(
        metrics, has_references=found.has_references, attributes=attributes, device=device,
        precision=precision, options=more,
    )  # fmt: skip
    last = {"duplicate_of": "string"} if dedupe else {}
    measured = score_columns(made, {"sha256": "string", **last})
    return Run(
        found,
        file_layout(found, measured, reference="reference" if found.has_references else None),
        score_engine(engine, made, recipe, settings, engine_options or {}),
        score_manifest("score", made, settings) | {"dedupe": dedupe},
        metrics=made,
        options=settings,
        dedupe=dedupe,
        shard=shard_name(shard),
    )


def select_source(
    source: Sources | Source, reference: PathLike | None, limit: int | None, shard: str | None
) -> Source:
    """Open a source if it is not, and take the part of it that is asked for."""
    if isinstance(source, Source) and reference is not None:
        raise RunError("reference: name it where the source is opened: open_source(..., reference)")
    found = source if isinstance(source, Source) else open_source(source, reference)
    return found.select(limit, parse_shard(shard) if shard is not None else None)


def shard_name(shard: str | None) -> str:
    """Return the part of a source by which files of a sink are named; empty for all of it."""
    return shard if shard is not None and not shard.endswith("/1") else ""


def split_options(
    options: Mapping[str, Any], **defaults: Any
) -> tuple[EngineOptions, dict[str, Any]]:
    """Tell options of the engine from those of metrics."""
    names = {field.name for field in fields(EngineOptions)}
    own = {**defaults, **{k: v for k, v in options.items() if k in names}}
    return EngineOptions(**own), {k: v for k, v in options.items() if k not in names}


def score_columns(metrics: MetricSet, more: Columns) -> Columns:
    """Name the columns that scoring fills."""
    scores = {metric.name: "double" for metric in metrics}
    return {**SEEN, **scores, "seconds": "double", **more, "error": "string"}


def score_engine(
    name: str,
    metrics: MetricSet,
    recipe: Recipe | None,
    options: EngineOptions,
    more: Mapping[str, Any],
) -> Engine:
    """Make an engine that scores by metrics."""
    return engine_for(
        name, ScoreWork(metrics, options), ScoreWorkMaker(recipe or metrics), options, more
    )


def score_manifest(command: str, metrics: MetricSet, options: EngineOptions) -> dict[str, Any]:
    """Say what scores depend on."""
    return {"command": command, "metrics": metrics.manifest(), "tile": options.tile}
