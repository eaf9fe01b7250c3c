"""One pass over a source: what an engine makes of it goes to a sink, or to whoever asks."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snellen.metrics import MetricSet
from snellen.runs._dedupe import Deduplicator, hashed
from snellen.runs._engine import EngineOptions, Task
from snellen.runs._engines import Engine
from snellen.runs._journal import Row
from snellen.runs._rows import Layout
from snellen.runs._sinks import RunError, Sink, read_table
from snellen.runs._sources import Item, Source


@dataclass(frozen=True)
class ScoredCollection:
    """What a run left in its sink.

    Attributes
    ----------
    path
        The file, or the folder of Parquet parts.
    form
        ``"csv"``, ``"json"``, ``"jsonl"`` or ``"parquet"``.
    rows
        Number of inputs, each of which has one row.
    failed
        How many of the rows carry an error.
    kept
        How many rows were there already, from a run that was cut off.
    seconds
        How long this run took.
    """

    path: Path
    form: str
    rows: int
    failed: int
    kept: int
    seconds: float

    def table(self) -> Any:
        """Read the rows, those of all shards in a folder, as a `pyarrow.Table`."""
        return read_table(self.path, self.form)


class ScoredRows(Iterator[Row]):
    """Rows of a collection, made as they are asked for.

    Attributes
    ----------
    metrics
        What scores.
    count
        How many rows there will be; None where counting would mean reading it all.
    """

    def __init__(self, rows: Iterator[Row], metrics: MetricSet, count: int | None) -> None:
        self._rows, self.metrics, self.count = rows, metrics, count

    def __next__(self) -> Row:
        return next(self._rows)


class Run:
    """One pass over a source."""

    def __init__(
        self,
        source: Source,
        layout: Layout,
        engine: Engine,
        options: EngineOptions,
        dedupe: bool,
        on_row: Callable[[Row | None], object] | None,
    ) -> None:
        self._source, self._layout, self._engine, self._options = source, layout, engine, options
        self._on_row = on_row or (lambda row: None)
        self._same = Deduplicator() if dedupe else None
        self._pending: dict[int, tuple[Item, str]] = {}
        self._unscored: deque[tuple[int, str, Row]] = deque()
        self._kept = 0

    def rows(self, sink: Sink | None) -> Iterator[tuple[int, Row]]:
        """Yield (position, row) for every input that a sink has not already, as they are made."""
        for done in self._engine(self._tasks(sink)):
            yield from self._without_scoring(sink)
            item, identity = self._pending.pop(done.position)
            row = self._layout.scored(item, done)
            if sink is not None:
                sink.write(done.position, identity, row)
            yield done.position, row
        yield from self._without_scoring(sink)
        if self._pending:
            raise RunError(f"the engine lost {len(self._pending)} inputs; start the run again.")

    def _without_scoring(self, sink: Sink | None) -> Iterator[tuple[int, Row]]:
        while self._unscored:
            position, identity, row = self._unscored.popleft()
            if sink is not None:
                sink.write(position, identity, row)
            yield position, row

    def _tasks(self, sink: Sink | None) -> Iterator[Task]:
        """Yield what is left to be scored."""
        for position, item, identity, sha256 in self._new(sink):
            first = self._same.seen(item, sha256) if self._same and sha256 else None
            if first is not None and sha256 is not None:
                row = self._layout.duplicate(item, first, sha256)
                self._unscored.append((position, identity, row))
            else:
                self._pending[position] = (item, identity)
                yield position, item

    def _new(self, sink: Sink | None) -> Iterator[tuple[int, Item, str, str | None]]:
        """Yield inputs whose rows are not there yet, hashed if equal ones are looked for."""
        missing = self._missing(sink)
        if self._same is None:
            return ((position, item, identity, None) for position, item, identity in missing)
        return hashed(missing, self._options.decoders())

    def _missing(self, sink: Sink | None) -> Iterator[tuple[int, Item, str]]:
        for position, item in enumerate(self._source):
            identity = "" if sink is None else item.identity()
            kept = None if sink is None else sink.claim(position, identity)
            if kept is None:
                yield position, item, identity
                continue
            self._kept += 1
            self._on_row(None)
            if self._same is not None and kept:
                self._same.seen(item, kept)

    def into(self, sink: Sink) -> ScoredCollection:
        """Bring every input's row into a sink."""
        start = time.perf_counter()
        new = failed = 0
        try:
            for _, row in self.rows(sink):
                new += 1
                failed += row["error"] is not None
                self._on_row(row)
            seconds = time.perf_counter() - start
            found = {"rows": self._kept + new, "failed": failed, "seconds": round(seconds, 3)}
            sink.finish(found)
        finally:
            sink.close()
        rows = self._kept + new
        return ScoredCollection(sink.path, sink.form, rows, failed, self._kept, seconds)
