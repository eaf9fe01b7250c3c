"""Classical metrics tile by tile: those that a few sums or a small image are enough for."""

from collections.abc import Callable

import torch
from torch import Tensor

from snellen.metrics._tile_pass import TilePass
from snellen.metrics._tiling import Tile

Blocks = Callable[[int, int], int]
Function = Callable[[Tensor, Tensor], Tensor]


class SquaresPass(TilePass):
    """Mean squared difference of the pixels, for PSNR.

    Parameters
    ----------
    name
        Name of the metric.
    function
        Scores two image batches.
    blocks
        Side of the protocol's blocks, by height and width of the image.
    """

    def __init__(self, name: str, function: Function, blocks: Blocks) -> None:
        self._name, self._function, self._blocks = name, function, blocks
        self._total, self._count = 0.0, 0

    def factor(self, height: int, width: int) -> int:
        """Return the side of the blocks of the protocol."""
        return self._blocks(height, width)

    def add(self, tile: Tile, x: Tensor, y: Tensor) -> None:
        """Count a tile."""
        self._total += float((x - y).square_().sum(dtype=torch.float64))
        self._count += x.numel()

    def scores(self) -> dict[str, Tensor]:
        """Return the score of one pixel with the same mean."""
        pixel = torch.full((1, 3, 1, 1), self._total / self._count, dtype=torch.float64).sqrt()
        return {self._name: self._function(pixel, torch.zeros_like(pixel)).float()}


class SmallImagePass(TilePass):
    """A small image of means over blocks, on which the rest of the work is done at once.

    Parameters
    ----------
    name
        Name of the metric.
    function
        Scores two image batches.
    blocks
        Side of the protocol's blocks, by height and width of the image.
    """

    def __init__(self, name: str, function: Function, blocks: Blocks) -> None:
        self._name, self._function, self._blocks = name, function, blocks
        self._rows: list[tuple[list[Tensor], list[Tensor]]] = []

    def factor(self, height: int, width: int) -> int:
        """Return the side of the blocks of the protocol and of the metric together."""
        own = self._blocks(height, width)
        return own * max(1, round(min(height // own, width // own) / 256))

    def add(self, tile: Tile, x: Tensor, y: Tensor) -> None:
        """Keep a tile of the small images."""
        if tile.columns.begin == 0:
            self._rows.append(([], []))
        for kept, t in zip(self._rows[-1], (x, y), strict=True):
            kept.append(t)

    def scores(self) -> dict[str, Tensor]:
        """Return the score of the small images."""
        x, y = (torch.cat([torch.cat(row[i], 3) for row in self._rows], 2) for i in (0, 1))
        return {self._name: self._function(x, y)}


TILE_PASSES: dict[str, Callable[[str, Function, Blocks], TilePass]] = {
    "psnr": SquaresPass,
    # These first take the mean over f x f pixels, f = round(short side / 256).
    "piq.ssim": SmallImagePass,
    "piq.fsim": SmallImagePass,
}
"""How functions go over tiles, by the readout that rows name; others need the whole image."""
