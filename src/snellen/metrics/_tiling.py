"""Where to cut an image so that its tiles have, between them, the features of the whole.

A network sees a tile with a halo as wide as its features look. The tile is cut at multiples of
the deepest layer's stride, so that its features lie on the whole image's grid; where it ends at
the border of the image the network pads it, there and only there, as it pads the image. Of every
layer the tile then owns the features of its core, to which no made-up border reaches.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from snellen.backbones import Reach
from snellen.images import Window


@dataclass(frozen=True)
class Span:
    """A tile along one axis, in pixels that the network sees.

    Attributes
    ----------
    start, stop
        What the network has to see.
    begin, end
        What the tile owns; `end` is None at the end of the image.
    """

    start: int
    stop: int
    begin: int
    end: int | None

    def of_layer(self, jump: int) -> slice:
        """Return which features of a layer, computed from `start` to `stop`, the tile owns."""
        first = (self.begin - self.start) // jump
        return slice(first, None if self.end is None else (self.end - self.start) // jump)


@dataclass(frozen=True)
class Tile:
    """A part of an image, and what the network has to see of its surroundings."""

    rows: Span
    columns: Span

    def window(self, factor: int = 1) -> Window:
        """Return what has to be seen, in pixels of an image `factor` times as large."""
        ends = (self.rows.start, self.rows.stop, self.columns.start, self.columns.stop)
        top, bottom, left, right = (factor * end for end in ends)
        return top, bottom, left, right

    def owned(self, features: Tensor, jump: int) -> Tensor:
        """Cut features (N, C, h, w) of the window to those that belong to the tile."""
        return features[:, :, self.rows.of_layer(jump), self.columns.of_layer(jump)]


def tiles(height: int, width: int, side: int, reaches: Sequence[Reach]) -> Iterator[Tile]:
    """Cut an image into tiles.

    Parameters
    ----------
    height, width
        Size of the image that the network sees.
    side
        Most pixels along a side that a tile owns, the halo not counted; a tile owns at least one
        feature of the deepest layer.
    reaches
        What the layers see.

    Yields
    ------
    Tile
        From left to right, then from top to bottom.

    Examples
    --------
    >>> [tile.window() for tile in tiles(8, 20, 12, [Reach(-2, 3, 2)])]
    [(0, 8, 0, 12), (0, 8, 8, 20)]
    """
    columns = spans(width, side, reaches)
    for rows in spans(height, side, reaches):
        for column in columns:
            yield Tile(rows, column)


def spans(length: int, side: int, reaches: Sequence[Reach]) -> list[Span]:
    """Cut one axis into parts of about equal length."""
    grid = math.lcm(*(reach.jump for reach in reaches))
    before = max(-reach.first for reach in reaches)
    after = max(reach.last - reach.jump + 1 for reach in reaches)
    parts = -(-length // max(side // grid * grid, grid))
    step = -(-length // (parts * grid)) * grid
    found = []
    for begin in range(0, length, step):
        end = begin + step
        start = max(0, (begin - before) // grid * grid)
        last = end >= length
        stop = length if last else min(length, end + max(after, 0))
        found.append(Span(start, stop, begin, None if last else end))
    return found
