"""Rows to one file: CSV, JSON, JSON lines or Parquet, in the order of the source."""

from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from snellen.errors import RunError
from snellen.records import (
    Columns,
    Row,
    RowLog,
    check_same,
    lock,
    plain,
    refuse_special,
    remove_leftovers,
    replace_file,
    table_bytes,
    unlock,
    write_table,
)
from snellen.runs._sinks._finished_file import FinishedFile
from snellen.runs._sinks._sink import Finished


class FileSink:
    """A file that appears whole when the run is finished; until then a log beside it grows.

    The log, ``.NAME.part``, holds rows in the order in which they were made. Of every row only
    its place is kept in memory: where it begins in the log, or, for a row of a file that was
    finished before, -1 minus its number there.

    Parameters
    ----------
    path
        The file of results.
    form
        ``"csv"``, ``"json"``, ``"jsonl"`` or ``"parquet"``.
    columns
        Columns of the table.
    manifest
        What it takes to get the same numbers again.
    restart
        Whether to throw away what an earlier run left.
    failures
        A CSV file for the rows that carry an error, which the table then lacks.
    about
        What else to say beside the manifest.

    Raises
    ------
    RunError
        The file or its log is of a run with another manifest, or of something else, or another
        process writes it.
    """

    def __init__(
        self,
        path: Path,
        form: str,
        columns: Columns,
        manifest: Any,
        *,
        restart: bool = False,
        failures: Path | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        refuse_special(path)
        self.path, self.form, self._manifest = path, form, manifest
        self._failures, self._about = failures, about or {}
        self._columns = dict(columns)
        if failures is not None:
            self._columns.pop("error")
        self._finished: Finished[int] = Finished()
        self._positions, self._places = array("q"), array("q")
        self._identities: list[str] = []
        self._earlier: FinishedFile | None = None
        self._new = False
        self._lock = lock(path.with_name(f".{path.name}.lock"))
        try:
            remove_leftovers(path)
            self._open(path.with_name(f".{path.name}.part"), restart)
        except BaseException:
            unlock(self._lock)
            raise

    def _open(self, log: Path, restart: bool) -> None:
        if restart:
            log.unlink(missing_ok=True)
        begun = log.exists() and log.stat().st_size > 0
        if not restart and self.path.exists():
            self._earlier = self._read_earlier(begun)
        self._log = RowLog(log, {"manifest": plain(self._manifest)})
        try:
            check_same(self._log.header().get("manifest"), self._manifest, str(self.path))
            for place, identity, row in self._log.rows():
                self._finished.add(identity, row, place)
            for number, (identity, row) in enumerate(self._earlier or ()):
                self._finished.add(identity, row, -1 - number)
        except BaseException:
            self._log.close()
            raise

    def _read_earlier(self, begun: bool) -> FinishedFile | None:
        """Find the rows of a finished file; where a restart was begun, another's do not matter."""
        try:
            found = FinishedFile(self.path, self.form, self._columns)
            check_same(found.manifest, self._manifest, str(self.path))
        except RunError:
            if begun:
                return None
            raise
        return found

    def claim(self, position: int, identity: str) -> str | None:
        """Keep the row that an earlier run left for an input; return its sha256, or None."""
        found = self._finished.claim(identity)
        if found is None:
            return None
        self._note(position, identity, found[0])
        return found[1]

    def write(self, position: int, identity: str, row: Row) -> None:
        """Take a new row."""
        self._new = True
        self._note(position, identity, self._log.append(identity, row))

    def _note(self, position: int, identity: str, place: int) -> None:
        self._positions.append(position)
        self._places.append(place)
        self._identities.append(identity)

    def finish(self, summary: Row) -> None:
        """Write the file, in the order of the source, and delete the log."""
        order = np.argsort(np.array(self._positions, dtype=np.int64), kind="stable").tolist()
        if not self._is_unchanged(order):
            self._adopt_earlier()
            self._write(order, summary)
        elif self._failures is not None:
            _report(self._failures, [])
        self._log.remove()

    def _is_unchanged(self, order: list[int]) -> bool:
        """Tell whether the finished file holds these very rows already."""
        if self._earlier is None or self._new or len(order) != len(self._earlier):
            return False
        return [self._places[i] for i in order] == [-1 - i for i in range(len(order))]

    def _adopt_earlier(self) -> None:
        """Copy the rows that are kept of an earlier file into the log, which can be read anywhere.

        A killed process loses nothing by it: the earlier file stays until the new one is whole.
        """
        kept = {place: i for i, place in enumerate(self._places) if place < 0}
        for number, (identity, row) in enumerate(self._earlier or () if kept else ()):
            i = kept.get(-1 - number)
            if i is not None:
                self._places[i] = self._log.append(identity, row)

    def _write(self, order: list[int], summary: Row) -> None:
        rows: Iterator[Row] = (self._log.row(self._places[i]) for i in order)
        identities = [self._identities[i] for i in order]
        if self._failures is not None:
            failed: list[Row] = []
            rows, identities = self._split(rows, identities, failed)
        about = {"run": {**summary, "inputs": "".join(identities)}, **self._about}
        write_table(
            self.path, rows, self._manifest, form=self.form, columns=self._columns, about=about
        )
        if self._failures is not None:
            _report(self._failures, failed)

    def _split(
        self, rows: Iterator[Row], identities: list[str], failed: list[Row]
    ) -> tuple[Iterator[Row], list[str]]:
        """Take the rows that failed out of the table."""
        good: list[Row] = []
        kept: list[str] = []
        for row, identity in zip(rows, identities, strict=True):
            if row.get("error") is None:
                good.append({k: v for k, v in row.items() if k in self._columns})
                kept.append(identity)
            else:
                failed.append(row)
        return iter(good), kept

    def close(self) -> None:
        """Let go of the log and of the lock."""
        self._log.close()
        unlock(self._lock)


def _report(path: Path, failed: list[Row]) -> None:
    if failed:
        replace_file(path, table_bytes(failed, "csv"))
    else:
        path.unlink(missing_ok=True)
