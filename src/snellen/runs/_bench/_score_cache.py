"""Scores that were computed before, found again by content and by all that they depend on.

A stale cache gives wrong numbers without a word. A score is therefore kept under the bytes of both
files and the metric's whole manifest (definition, protocol, policy of decoding, alignment, weights'
hash, precision, versions of libraries) together with a hash of the code that computes scores
(`snellen.records.identity`). The device alone is left out. The network of a user has no such key:
its scores are not kept.
"""

import hashlib
import json
import logging
import os
import re
import time
from pathlib import Path
from typing import Any

from snellen.backbones import cache_directory
from snellen.errors import CacheError, reason_text
from snellen.metrics import Metric
from snellen.records import digest_of, identity

_SCHEMA = 1
# A file written this shortly ago may change again without a change of its time stamps.
_SETTLED_SECONDS = 2.0

_logger = logging.getLogger(__name__)

Contents = tuple[str, str]
"""SHA-256 of the distorted and of the reference file; the latter empty where none is needed."""


class ScoreCache:
    """Scores on disk, one file of JSON lines for each manifest; every score is written at once.

    Parameters
    ----------
    folder
        Where they lie; by default ``scores`` in ``$SNELLEN_CACHE``, else in
        ``$XDG_CACHE_HOME/snellen``, else in ``~/.cache/snellen``. It may be deleted at any time,
        and several processes may use it at once.

    Raises
    ------
    CacheError
        The folder cannot be made or written to.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = cache_directory().parent / "scores" if folder is None else Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            writable = os.access(self.folder, os.W_OK)
        except OSError as error:
            raise CacheError(f"{self.folder}: {reason_text(error)}; {_ADVICE}") from error
        if not writable:
            raise CacheError(f"{self.folder}: scores cannot be written there; {_ADVICE}")
        self._digests = _Digests(self.folder / "digests.jsonl")

    def contents(
        self, distorted: str | os.PathLike[str], reference: str | os.PathLike[str] | None
    ) -> Contents:
        """Return the SHA-256 of two files; a file is read again only after it changed.

        That of no reference is empty.

        Raises
        ------
        OSError
            A file cannot be read.
        """
        ours = self._digests.of(Path(distorted))
        return ours, "" if reference is None else self._digests.of(Path(reference))

    def shard(self, metric: Metric) -> "Shard | None":
        """Return the scores of a metric; None for one whose scores are not kept.

        Parameters
        ----------
        metric
            As it is now: what is changed in it afterwards does not change where its scores go.
        """
        key = score_identity(metric)
        weights = key["manifest"].get("backbone", {}).get("weights", {})
        if weights.get("source") == "module":
            return None
        name = re.sub(r"[^a-z0-9_-]+", "_", metric.name.lower())
        return Shard(self.folder / f"{name}-{digest_of(key)}.jsonl", key)


class Shard:
    """The scores of one metric; made by `ScoreCache.shard`."""

    def __init__(self, path: Path, key: dict[str, Any]) -> None:
        self.path = path
        self._header = json.dumps({"schema": _SCHEMA, **key}, default=str)
        self._scores = {(d, r): float(score) for d, r, score in _records(path, 3)}

    def get(self, contents: Contents) -> float | None:
        """Return the score of a pair, or None if it has to be computed."""
        return self._scores.get(contents)

    def put(self, contents: Contents, score: float) -> None:
        """Keep a score."""
        self._scores[contents] = score
        lines = [json.dumps([*contents, score])]
        if not self.path.exists():
            lines.insert(0, self._header)
        _append(self.path, lines)


_ADVICE = "let SNELLEN_CACHE name another folder, or run with --no-cache."


def score_identity(metric: Metric) -> dict[str, Any]:
    """Return all that a metric's scores depend on, besides the images and the device.

    Examples
    --------
    >>> from snellen.metrics import create_metric
    >>> sorted(score_identity(create_metric("psnr")))
    ['code', 'manifest', 'versions']
    """
    return identity({name: fact for name, fact in metric.manifest().items() if name != "device"})


class _Digests:
    """SHA-256 of files, remembered while path, size and times of change stay the same."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[tuple[Any, ...], str] | None = None

    def of(self, file: Path) -> str:
        if self._known is None:
            self._known = {tuple(key): digest for *key, digest in _records(self._path, 5)}
        file = file.resolve()
        status = file.stat()
        key = (str(file), status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if (known := self._known.get(key)) is not None:
            return known
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        newest = max(status.st_mtime_ns, status.st_ctime_ns)
        if abs(time.time() - newest / 1e9) > _SETTLED_SECONDS:
            self._known[key] = digest
            _append(self._path, [json.dumps([*key, digest])])
        return digest


def _records(path: Path, length: int) -> list[list[Any]]:
    """Read the lists of a file; the header, and a line cut off by a crash, are passed over."""
    if not path.exists():
        return []
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        _append(path, [""])
    found = []
    for line in data.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, list) and len(record) == length:
            found.append(record)
    return found


def _append(path: Path, lines: list[str]) -> None:
    """Write lines in one piece, so that other processes may append to the same file."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, "".join(f"{line}\n" for line in lines).encode())
        finally:
            os.close(handle)
    except OSError as error:
        # Hours of scores are worth more than their cache.
        _logger.warning("%s: the score could not be kept: %s", path, reason_text(error))
