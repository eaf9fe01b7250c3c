"""Score pairs of image files in order, decoding ahead, references only once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snellen.images import Pair
from snellen.metrics import MetricSet
from snellen.runs._engine import EngineOptions, in_order, score_items, tiling
from snellen.runs._journal import Journal, Row
from snellen.runs._sources import Item, Location


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
    pairs: Sequence[Pair],
    metrics: MetricSet,
    *,
    cache_bytes: int = 1 << 30,
    tile: int | str = "auto",
) -> Iterator[PairScore]:
    """Score pairs of image files in order; a pair that fails is a result like any other.

    Images are decoded ahead while the network works. A reference that comes again is decoded
    once, and its features are kept as long as they fit into `cache_bytes`.

    Parameters
    ----------
    pairs
        Files to compare.
    metrics
        What to score them by.
    cache_bytes
        Memory for references that will come again.
    tile
        Pixels along the side of the tiles in which larger images are scored; ``"auto"``: images
        over 16 megapixels, if all metrics can be; ``"off"``: none.

    Yields
    ------
    PairScore
        One for every pair, as soon as it is there.

    Raises
    ------
    RunError
        There is no such way to tile.
    """
    whole_pixels, side = tiling(tile)
    options = EngineOptions(1, cache_bytes=cache_bytes, whole_pixels=whole_pixels, tile=side)
    return _scores([(pair.distorted, pair.reference) for pair in pairs], metrics, options)


def score_alone(images: Sequence[Path], metrics: MetricSet) -> Iterator[PairScore]:
    """Score image files in order by metrics that need no reference.

    Parameters
    ----------
    images
        Files to score.
    metrics
        Metrics none of which needs a reference.

    Yields
    ------
    PairScore
        One for every file, as soon as it is there.
    """
    options = EngineOptions(1, cache_bytes=0)
    return _scores([(image, None) for image in images], metrics, options)


def _scores(
    files: Sequence[tuple[Path, Path | None]], metrics: MetricSet, options: EngineOptions
) -> Iterator[PairScore]:
    items = (
        Item(Location(str(image)), None if reference is None else Location(str(reference)))
        for image, reference in files
    )
    outcomes = score_items(enumerate(items), metrics, options)
    for pair, done in zip(files, in_order((o.position, o) for o in outcomes), strict=True):
        yield PairScore(
            *pair,
            width=done.width,
            height=done.height,
            scores=done.scores,
            error=done.error,
            seconds=done.seconds,
        )


def comparison_rows(
    pairs: Sequence[Pair],
    metrics: MetricSet,
    journal: Journal | None = None,
    *,
    tile: int | str = "auto",
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
    tile
        How large images are scored, as for `score_pairs`.

    Yields
    ------
    dict
        Columns distorted, reference, width, height, one for each metric, seconds, error.
    """
    names = [metric.name for metric in metrics]
    finished = {k: r for k, r in journal.finished.items() if not r["error"]} if journal else {}
    fresh = score_pairs([p for p in pairs if _key(p) not in finished], metrics, tile=tile)
    for pair in pairs:
        row = finished.get(_key(pair))
        if row is None:
            row = next(fresh).row(names)
            if journal:
                journal.append(row)
        yield row


def _key(pair: Pair) -> tuple[str, str]:
    return str(pair.distorted), str(pair.reference)
