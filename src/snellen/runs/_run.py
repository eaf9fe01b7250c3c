"""One pass over a source: what an engine makes of it goes to a sink, or to whoever asks."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snellen.errors import RunError
from snellen.metrics import MetricSet
from snellen.records import PathLike, Row, code_digest
from snellen.runs._dedupe import Deduplicator, hashed
from snellen.runs._engine import EngineOptions, Task, in_order
from snellen.runs._engines import Engine
from snellen.runs._layout import Layout
from snellen.runs._sinks import Sink, open_sink, read_sink
from snellen.runs._sources import Item, Source


@dataclass(frozen=True)
class RunResult:
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
        How many rows were there already, from an earlier run.
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
        return read_sink(self.path, self.form)


class Run:
    """Every input of a source through an engine, one row each; nothing begins before it is asked.

    Iterate over it for the rows, in the order of the source; or bring them to disk with `into`.

    Attributes
    ----------
    source
        The inputs.
    columns
        Names of the columns in order, with the names of their Arrow types.
    manifest
        What it takes to get the same rows again.
    metrics
        What scores; None where the run does something else.
    count
        How many rows there will be; None where counting would mean reading it all.
    """

    def __init__(
        self,
        source: Source,
        layout: Layout,
        engine: Engine,
        manifest: Mapping[str, Any],
        *,
        metrics: MetricSet | None = None,
        options: EngineOptions | None = None,
        dedupe: bool = False,
        shard: str = "",
        is_kept: Callable[[Item], bool] = lambda item: True,
        failures: Path | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.source, self.metrics = source, metrics
        self.columns, self.count = layout.columns, source.count
        self.manifest = {**manifest, "source": dict(source.description), "code": code_digest()}
        self._layout, self._engine = layout, engine
        self._decoders = (options or EngineOptions()).decoders()
        self._dedupe, self._shard, self._is_kept = dedupe, shard, is_kept
        self._failures, self._about = failures, about or {}

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows, in the order of the source, as they are made."""
        return in_order(self._pass(None).rows())

    def _pass(self, sink: Sink | None) -> "_Pass":
        same = Deduplicator() if self._dedupe else None
        return _Pass(
            self.source, self._layout, self._engine, sink, same, self._decoders, self._is_kept
        )

    def into(
        self,
        path: PathLike,
        *,
        form: str | None = None,
        restart: bool = False,
        on_row: Callable[[Row | None], object] | None = None,
    ) -> RunResult:
        """Bring every input's row to disk, as they are made.

        A run that was killed, at whatever moment, goes on where it was when it is called again,
        and ends with exactly one row for each input. A finished output is kept: rows of inputs
        that did not change are not made again.

        Parameters
        ----------
        path
            A file (``.csv``, ``.json``, ``.jsonl``, ``.parquet``), or a folder of Parquet parts.
        form
            Form of the file, where its suffix does not tell.
        restart
            Whether to throw away what an earlier run left there.
        on_row
            Called with each new row, and with None for each row that was there already.

        Raises
        ------
        RunError
            The output cannot be written, is one of the inputs, holds results of other settings or
            of something else, or is being written by another process.
        TableError
            The form is not known.
        """
        target = Path(path)
        self._refuse_input(target)
        sink = open_sink(
            target, self.columns, self.manifest, form=form, restart=restart, shard=self._shard,
            failures=self._failures, about=self._about,
        )  # fmt: skip
        return _bring(self._pass(sink), sink, on_row or (lambda row: None))

    def _refuse_input(self, target: Path) -> None:
        described = self.source.description
        inputs = [*described.get("inputs", ()), described.get("reference")]
        for name in inputs:
            if name and target.is_file() and Path(name).exists() and target.samefile(name):
                raise RunError(f"{target}: is one of the inputs; name another output.")


def _bring(one: "_Pass", sink: Sink, on_row: Callable[[Row | None], object]) -> RunResult:
    start = time.perf_counter()
    new = failed = 0
    one.on_kept = lambda: on_row(None)
    try:
        for _, row in one.rows():
            new += 1
            failed += row["error"] is not None
            on_row(row)
        seconds = time.perf_counter() - start
        summary = {"rows": one.kept + new, "failed": failed, "seconds": round(seconds, 3)}
        sink.finish(summary)
    finally:
        sink.close()
    return RunResult(sink.path, sink.form, one.kept + new, failed, one.kept, seconds)


@dataclass
class _Pass:
    """One pass over a source; `kept` counts the rows that the sink had already."""

    source: Source
    layout: Layout
    engine: Engine
    sink: Sink | None
    same: Deduplicator | None
    decoders: int
    is_kept: Callable[[Item], bool]
    kept: int = 0

    def __post_init__(self) -> None:
        self.on_kept: Callable[[], object] = lambda: None
        self._pending: dict[int, tuple[Item, str]] = {}
        self._unscored: deque[tuple[int, str, Row]] = deque()

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield (position, row) for every input that the sink lacks, as they are made."""
        for done in self.engine(self._tasks()):
            yield from self._without_scoring()
            item, identity = self._pending.pop(done.position)
            yield (
                done.position,
                self._kept_row(done.position, identity, self.layout.row(item, done)),
            )
        yield from self._without_scoring()
        if self._pending:
            raise RunError(f"the engine lost {len(self._pending)} inputs; start the run again.")

    def _kept_row(self, position: int, identity: str, row: Row) -> Row:
        if self.sink is not None:
            self.sink.write(position, identity, row)
        return row

    def _without_scoring(self) -> Iterator[tuple[int, Row]]:
        while self._unscored:
            position, identity, row = self._unscored.popleft()
            yield position, self._kept_row(position, identity, row)

    def _tasks(self) -> Iterator[Task]:
        """Yield what is left to be done."""
        for position, item, identity, sha256 in self._new():
            first = self.same.seen(item, sha256) if self.same and sha256 else None
            if first is not None and sha256 is not None:
                row = self.layout.duplicate(item, first, sha256)
                self._unscored.append((position, identity, row))
            else:
                self._pending[position] = (item, identity)
                yield position, item

    def _new(self) -> Iterator[tuple[int, Item, str, str | None]]:
        """Yield inputs whose rows are not there yet, hashed if equal ones are looked for."""
        if self.same is None:
            return ((position, item, mark, None) for position, item, mark in self._missing())
        return hashed(self._missing(), self.decoders)

    def _missing(self) -> Iterator[tuple[int, Item, str]]:
        for position, item in enumerate(self.source):
            identity = "" if self.sink is None else item.identity()
            known = self.sink is not None and self.is_kept(item)
            kept = self.sink.claim(position, identity) if self.sink and known else None
            if kept is None:
                yield position, item, identity
                continue
            self.kept += 1
            self.on_kept()
            if self.same is not None and kept:
                self.same.seen(item, kept)
