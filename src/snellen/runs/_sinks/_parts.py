"""Rows to a folder of Parquet files, each of them written whole."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snellen.errors import RunError
from snellen.records import (
    Columns,
    Row,
    RowLog,
    check_same,
    lock,
    manifest_header,
    plain,
    remove_leftovers,
    replace_file,
    unlock,
    write_table,
)
from snellen.runs._sinks._sink import Finished

IDENTITY = "input"
"""Column with the hash of a row's input, by which a run finds its rows again."""

_PART_ROWS = 10_000
Place = tuple[int, int]


class PartsSink:
    """A Parquet dataset: ``part-00000.parquet``, ..., and ``_manifest.json`` beside them.

    Rows go to a log, ``.part-NNNNN.jsonl``, until there are enough of them for a part. Several
    shards of one source may write to one folder: their files have names of their own.

    Parameters
    ----------
    folder
        The folder; made if it is not there.
    columns
        Columns of the table.
    manifest
        What it takes to get the same numbers again.
    shard
        Which part of the source this is, such as ``"1/16"``; empty for all of it.
    restart
        Whether to throw away what an earlier run left.
    part_rows
        Rows in a part; 10,000 by default.

    Raises
    ------
    RunError
        The folder holds results of another manifest, or another process writes them.
    """

    def __init__(
        self,
        folder: Path,
        columns: Columns,
        manifest: Any,
        shard: str = "",
        restart: bool = False,
        part_rows: int | None = None,
    ) -> None:
        self.form = "parquet"
        self.path, self._columns = folder, {**columns, IDENTITY: "string"}
        self._manifest, self._part_rows = manifest, part_rows or _PART_ROWS
        part, _, parts = shard.partition("/")
        self._prefix = f"shard-{int(part):05d}-of-{int(parts):05d}-" if shard else ""
        self._lock = lock(folder / f".{self._prefix}lock")
        self._finished: Finished[Place] = Finished()
        self._claimed: dict[int, set[int]] = {}
        self._waiting: list[tuple[int, Row]] = []
        try:
            if restart:
                self._clear()
            self._check_manifest()
            self._recover()
            self._read_parts()
            self._next = max(self._parts(), default=-1) + 1
            self._log = self._new_log()
        except BaseException:
            unlock(self._lock)
            raise

    def _path(self, number: int) -> Path:
        return self.path / f"{self._prefix}part-{number:05d}.parquet"

    def _log_path(self, number: int) -> Path:
        return self.path / f".{self._prefix}part-{number:05d}.jsonl"

    @property
    def _manifest_path(self) -> Path:
        return self.path / f"_{self._prefix}manifest.json"

    def _parts(self) -> list[int]:
        return self._numbers("", "parquet")

    def _numbers(self, start: str, suffix: str) -> list[int]:
        pattern = re.compile(rf"{re.escape(start + self._prefix)}part-(\d+)\.{suffix}")
        matches = (pattern.fullmatch(file.name) for file in self.path.iterdir())
        return sorted(int(found[1]) for found in matches if found)

    def _clear(self) -> None:
        self._manifest_path.unlink(missing_ok=True)
        for number in self._parts():
            self._path(number).unlink()
        for number in self._numbers(".", "jsonl"):
            self._log_path(number).unlink()

    def _check_manifest(self) -> None:
        if self._manifest_path.exists():
            check_same(self._begun(), self._manifest, str(self.path))
        elif self._parts():
            raise RunError(
                f"{self.path}: holds Parquet parts without {self._manifest_path.name}, and nobody "
                "knows how they were made; name another folder."
            )
        remove_leftovers(self._manifest_path)
        self._write_manifest({"finished": False})

    def _begun(self) -> Any:
        """Return the manifest of the parts that are there."""
        try:
            return json.loads(self._manifest_path.read_text(encoding="utf-8"))["manifest"]
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(self._manifest_path, error) from error

    def _write_manifest(self, summary: Row) -> None:
        document = {**manifest_header(plain(self._manifest)), "run": summary}
        replace_file(self._manifest_path, json.dumps(document, indent=2) + "\n")

    def _write_part(self, number: int, rows: Sequence[Row]) -> None:
        write_table(self._path(number), rows, self._manifest, form="parquet", columns=self._columns)

    def _recover(self) -> None:
        """Make parts of the rows that a killed run left in its log."""
        for number in self._numbers(".", "jsonl"):
            remove_leftovers(self._path(number))
            log = RowLog(self._log_path(number), {})
            if not self._path(number).exists():
                rows = [{**row, IDENTITY: identity} for _, identity, row in log.rows()]
                if rows:
                    self._write_part(number, rows)
            log.remove()

    def _read_parts(self) -> None:
        names = [n for n in (IDENTITY, "sha256", "error", "duplicate_of") if n in self._columns]
        for number in self._parts():
            remove_leftovers(self._path(number))
            for index, row in enumerate(_read_rows(self._path(number), names)):
                self._finished.add(row[IDENTITY], row, (number, index))
            self._claimed[number] = set()

    def _new_log(self) -> RowLog:
        return RowLog(self._log_path(self._next), {"part": self._next})

    def claim(self, position: int, identity: str) -> str | None:
        """Keep the row that an earlier run left for an input; return its sha256, or None."""
        found = self._finished.claim(identity)
        if found is None:
            return None
        (part, index), sha256 = found
        self._claimed[part].add(index)
        return sha256

    def write(self, position: int, identity: str, row: Row) -> None:
        """Take a new row; with enough of them, write a part."""
        self._log.append(identity, row)
        self._waiting.append((position, {**row, IDENTITY: identity}))
        if len(self._waiting) >= self._part_rows:
            self._flush()
            self._log = self._new_log()

    def _flush(self) -> None:
        rows = [row for _, row in sorted(self._waiting, key=_position)]
        if rows:
            self._write_part(self._next, rows)
            self._next += 1
            self._waiting = []
        self._log.remove()  # only now that its rows are in a part

    def finish(self, summary: Row) -> None:
        """Write the last part, and drop rows of inputs that changed or are no longer there."""
        self._flush()
        for number, claimed in self._claimed.items():
            self._keep_only(number, claimed)
        self._write_manifest({"finished": True, **summary})

    def _keep_only(self, number: int, claimed: set[int]) -> None:
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(self._path(number), partitioning=None)
        if not claimed:
            self._path(number).unlink()
        elif len(claimed) < table.num_rows:
            rows = table.take(sorted(claimed)).to_pylist()
            self._write_part(number, rows)

    def close(self) -> None:
        """Let go of the log and of the lock."""
        self._log.close()
        unlock(self._lock)


def _read_rows(path: Path, columns: Sequence[str]) -> list[Row]:
    import pyarrow.parquet

    try:
        rows: list[Row] = pyarrow.parquet.ParquetFile(path).read(columns=columns).to_pylist()
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(path, error) from error
    return rows


def _damaged(path: Path, error: Exception) -> RunError:
    return RunError(
        f"{path}: is damaged and cannot be read again: {error}; start afresh with --restart "
        "(restart=True)."
    )


def _position(entry: tuple[int, Row]) -> int:
    return entry[0]


def read_parts(folder: Path) -> Any:
    """Read the rows of a folder of parts, those of all shards, as a `pyarrow.Table`."""
    import pyarrow.parquet

    files = sorted(folder.glob("*part-*.parquet"))
    parts = [pyarrow.parquet.read_table(file).drop_columns([IDENTITY]) for file in files]
    return pyarrow.concat_tables(parts) if parts else pyarrow.table({})
