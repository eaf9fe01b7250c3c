"""A collection of images to a table of scores: source, engine, sink."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, overload

from snellen.runs._engine import EngineOptions, in_order, tiling
from snellen.runs._engines import engine_for
from snellen.runs._journal import Row
from snellen.runs._recipe import Metrics, metrics_for
from snellen.runs._rows import Layout
from snellen.runs._run import Run, ScoredCollection, ScoredRows
from snellen.runs._sinks import RunError, open_sink
from snellen.runs._sources import Source, Sources, open_source, parse_shard

PathLike: TypeAlias = str | os.PathLike[str]


@overload
def score(
    source: Sources | Source,
    metrics: Metrics = None,
    *,
    sink: None = None,
    reference: PathLike | None = None,
    engine: str = "local",
    limit: int | None = None,
    shard: str | None = None,
    dedupe: bool = False,
    attributes: bool = False,
    device: str = "auto",
    precision: str = "float32",
    batch_size: int | None = None,
    threads: int | None = None,
    tile: int | str = "auto",
    engine_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> ScoredRows: ...


@overload
def score(
    source: Sources | Source,
    metrics: Metrics = None,
    *,
    sink: PathLike,
    reference: PathLike | None = None,
    engine: str = "local",
    form: str | None = None,
    limit: int | None = None,
    shard: str | None = None,
    dedupe: bool = False,
    attributes: bool = False,
    device: str = "auto",
    precision: str = "float32",
    batch_size: int | None = None,
    threads: int | None = None,
    tile: int | str = "auto",
    engine_options: Mapping[str, Any] | None = None,
    restart: bool = False,
    on_row: Callable[[Row | None], object] | None = None,
    **options: Any,
) -> ScoredCollection: ...


def score(
    source: Sources | Source,
    metrics: Metrics = None,
    *,
    sink: PathLike | None = None,
    reference: PathLike | None = None,
    engine: str = "local",
    form: str | None = None,
    limit: int | None = None,
    shard: str | None = None,
    dedupe: bool = False,
    attributes: bool = False,
    device: str = "auto",
    precision: str = "float32",
    batch_size: int | None = None,
    threads: int | None = None,
    tile: int | str = "auto",
    engine_options: Mapping[str, Any] | None = None,
    restart: bool = False,
    on_row: Callable[[Row | None], object] | None = None,
    **options: Any,
) -> ScoredRows | ScoredCollection:
    """Score a collection of images of any size; every input becomes one row.

    Without a sink, rows come as an iterator, in the order of the source. With a sink they go to
    disk as they are made: a run that was killed, at whatever moment, goes on where it was when it
    is called again, and ends with exactly one row for each input.

    Parameters
    ----------
    source
        A folder, a pattern, images, a CSV or Parquet table, a list of names in a ``.txt`` file,
        tar files in WebDataset layout, or addresses of any of these; or several.
    metrics
        Names of metrics, or metrics that are made, one or several; by default ``"dfb"`` where
        there are references, and ``"ddr"`` where there are none.
    sink
        A file (``.csv``, ``.json``, ``.jsonl``, ``.parquet``), or a folder of Parquet parts.
    reference
        One reference for all images, or a folder in which they find theirs by name.
    engine
        What computes: ``"local"``, or ``"ray"`` (a cluster, or processes on this machine).
    form
        Form of the file, where its suffix does not tell.
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
    batch_size
        Most images in a batch; by default as many as the device gains from.
    threads
        Threads that read and decode; by default one for each processor.
    tile
        Pixels along the side of the tiles in which larger images are scored; ``"auto"``: images
        over 16 megapixels, if all metrics can be; ``"off"``: none.
    engine_options
        Options of the engine alone; for ``"ray"``: ``address``, ``workers``, ``cpus``, ``gpus``,
        ``block``, ``runtime_env``.
    restart
        Whether to throw away what an earlier run left in the sink.
    on_row
        Called with each new row, and with None for each row that was there already.
    **options
        Options of `create_metrics`.

    Returns
    -------
    ScoredRows or ScoredCollection
        Rows: ``image``, ``reference`` where there are any, the columns that a table carries,
        ``width``, ``height``, one column for each metric, ``seconds``, ``sha256`` of the file,
        ``error``. Or, with a sink, where they are and how many.

    Raises
    ------
    SourceError
        The source does not exist or holds no image.
    MetricError
        A metric does not exist, or has no such option.
    RunError
        A metric needs references and there are none; the sink cannot be written, holds a run of
        other settings, or is in use; an engine or a setting does not exist.

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
    if sink is None and (form is not None or restart or on_row is not None):
        raise RunError("form, restart and on_row are about a sink, and none is given.")
    if isinstance(source, Source) and reference is not None:
        raise RunError("reference: name it where the source is opened: open_source(..., reference)")
    found = source if isinstance(source, Source) else open_source(source, reference)
    found = found.select(limit, parse_shard(shard) if shard is not None else None)
    made, recipe = metrics_for(
        metrics, has_references=found.has_references, attributes=attributes, device=device,
        precision=precision, options=options,
    )  # fmt: skip
    whole_pixels, side = tiling(tile)
    settings = EngineOptions(batch_size, threads, whole_pixels=whole_pixels, tile=side)
    chosen = engine_for(engine, made, recipe, settings, engine_options or {})
    layout = Layout(found, [metric.name for metric in made], dedupe)
    run = Run(found, layout, chosen, settings, dedupe, on_row)
    if sink is None:
        return ScoredRows(in_order(run.rows(None)), made, found.count)
    manifest = {
        "metrics": made.manifest(),
        "source": dict(found.description),
        "dedupe": dedupe,
        "tile": tile,
    }
    opened = open_sink(
        Path(sink), layout.columns, manifest, form=form, restart=restart,
        shard=shard if shard is not None and not shard.endswith("/1") else "",
    )  # fmt: skip
    return run.into(opened)
