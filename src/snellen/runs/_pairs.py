"""Score pairs of image files one after the other, decoding ahead, references only once."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from snellen.errors import SnellenError
from snellen.images import Pair, as_image_batch
from snellen.metrics import MetricSet, PreparedReference
from snellen.runs._journal import Journal, Row


@dataclass(frozen=True)
class PairScore:
    """What came of one pair: scores, or the reason why there are none.

    Attributes
    ----------
    distorted, reference
        The files; `reference` is None where none was found.
    width, height
        Size of the distorted image in pixels; None if it could not be read.
    scores
        Score by metric; None where the metric could not score this pair.
    error
        What went wrong; None if nothing did.
    seconds
        Time from the decoded pair to the scores.
    """

    distorted: Path
    reference: Path | None
    width: int | None = None
    height: int | None = None
    scores: dict[str, float | None] = field(default_factory=dict)
    error: str | None = None
    seconds: float | None = None

    def row(self, metrics: Sequence[str]) -> dict[str, Any]:
        """Return plain values, one column for each of the metrics."""
        return {
            "distorted": str(self.distorted),
            "reference": None if self.reference is None else str(self.reference),
            "width": self.width,
            "height": self.height,
            **{name: self.scores.get(name) for name in metrics},
            "seconds": self.seconds,
            "error": self.error,
        }


def score_pairs(
    pairs: Sequence[Pair], metrics: MetricSet, *, cache_bytes: int = 1 << 30
) -> Iterator[PairScore]:
    """Score pairs of image files in order; a pair that fails is a result like any other.

    The next image is decoded while the network works on the last. A reference that comes again
    is decoded once, and its features are kept as long as they fit into `cache_bytes`.

    Parameters
    ----------
    pairs
        Files to compare.
    metrics
        What to score them by.
    cache_bytes
        Memory for references that will come again.

    Yields
    ------
    PairScore
        One for every pair, as soon as it is there.
    """
    references = _References(pairs, metrics, cache_bytes)
    policy = next(iter(metrics)).policy
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="snellen-decode") as pool:

        def decode(pair: Pair) -> "Future[Tensor]":
            return pool.submit(as_image_batch, pair.distorted, policy, name="distorted")

        ahead = decode(pairs[0]) if pairs else None
        for i, pair in enumerate(pairs):
            current, ahead = ahead, decode(pairs[i + 1]) if i + 1 < len(pairs) else None
            assert current is not None
            yield _score(pair, current, references, metrics)


def comparison_rows(
    pairs: Sequence[Pair], metrics: MetricSet, journal: Journal | None = None
) -> Iterator[Row]:
    """Score pairs, and yield one row for each; rows that a journal already holds are not redone.

    Parameters
    ----------
    pairs
        Files to compare.
    metrics
        What to score them by.
    journal
        Where finished rows go at once. Rows with errors are tried again when a run is resumed.

    Yields
    ------
    dict
        Columns distorted, reference, width, height, one for each metric, seconds, error.
    """
    names = [metric.name for metric in metrics]
    finished = {k: r for k, r in journal.finished.items() if not r["error"]} if journal else {}
    fresh = score_pairs([p for p in pairs if _key(p) not in finished], metrics)
    for pair in pairs:
        row = finished.get(_key(pair))
        if row is None:
            row = next(fresh).row(names)
            if journal:
                journal.append(row)
        yield row


def _key(pair: Pair) -> tuple[str, str]:
    return str(pair.distorted), str(pair.reference)


def _score(
    pair: Pair, decoded: "Future[Tensor]", references: "_References", metrics: MetricSet
) -> PairScore:
    try:
        image = decoded.result()
        reference = references.get(pair.reference)
    except Exception as error:  # whatever it is, the run goes on
        references.done(pair.reference)
        return PairScore(pair.distorted, pair.reference, error=describe(error))
    start = time.perf_counter()
    scores, errors = _all_scores(image, reference, metrics)
    references.done(pair.reference)
    return PairScore(
        pair.distorted,
        pair.reference,
        width=int(image.shape[3]),
        height=int(image.shape[2]),
        scores=scores,
        error="; ".join(dict.fromkeys(errors)) or None,
        seconds=round(time.perf_counter() - start, 6),
    )


def _all_scores(
    image: Tensor, reference: PreparedReference, metrics: MetricSet
) -> tuple[dict[str, float | None], list[str]]:
    """Score by all metrics at once; if that fails, by each, to lose only the failing one."""
    try:
        return {name: float(score) for name, score in metrics(image, reference).items()}, []
    except Exception as error:
        if len(metrics) == 1:
            return {}, [describe(error)]
    scores: dict[str, float | None] = {}
    errors = []
    for metric in metrics:
        try:
            scores[metric.name] = float(metric(image, reference))
        except Exception as error:
            errors.append(describe(error))
    return scores, errors


def describe(error: Exception) -> str:
    """Say in one line what went wrong; errors that Snellen did not foresee name their class."""
    text = " ".join(str(error).split())
    return text if isinstance(error, SnellenError) else f"{type(error).__name__}: {text}"


class _References:
    """References that are still needed, decoded and, where they fit, with their features."""

    def __init__(self, pairs: Sequence[Pair], metrics: MetricSet, budget: int) -> None:
        self._left = Counter(pair.reference for pair in pairs)
        self._metrics = metrics
        self._budget = budget
        self._held: dict[Path, PreparedReference] = {}
        self._bytes: dict[Path, int] = {}

    def get(self, path: Path) -> PreparedReference:
        """Return the reference, from memory if it came before."""
        if path in self._held:
            return self._held[path]
        metric = next(iter(self._metrics))
        batch = as_image_batch(path, metric.policy, name="reference").to(metric.device)
        if self._left[path] < 2:
            return PreparedReference(batch)
        size = batch.nbytes + self._metrics.feature_bytes(*batch.shape[2:])
        if sum(self._bytes.values()) + size > self._budget:
            return PreparedReference(batch)
        self._bytes[path] = size
        self._held[path] = self._metrics.prepare(batch)
        return self._held[path]

    def done(self, path: Path) -> None:
        """Count a use, and let go of the reference after its last."""
        self._left[path] -= 1
        if self._left[path] == 0:
            self._held.pop(path, None)
            self._bytes.pop(path, None)
