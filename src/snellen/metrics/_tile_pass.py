"""Scores of a pair of images of which only tiles are seen."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.backbones import Reach
from snellen.errors import ImageError, MetricError
from snellen.images import ImagePolicy, Pixels, as_pixels, match_sizes
from snellen.metrics._tiling import Tile, tiles

TILE_SIDE = 768
"""Pixels along the side of a tile, unless somebody asks for another size."""


class TilePass(ABC):
    """A pass over the tiles of a pair of images, and what metrics have counted of it.

    Attributes
    ----------
    reaches
        What the layers see that the tiles are made for.
    """

    reaches: Sequence[Reach] = (Reach(),)

    @abstractmethod
    def factor(self, height: int, width: int) -> int:
        """Return the side of the blocks whose mean is taken before anything else is done."""

    @abstractmethod
    def add(self, tile: Tile, x: Tensor, y: Tensor) -> None:
        """Count a tile, given its window of both images, after the mean over blocks."""

    @abstractmethod
    def scores(self) -> dict[str, Tensor]:
        """Return the scores, (1,), of everything that was counted, by metric."""


def paired(
    distorted: object, reference: object, policy: ImagePolicy, align: str
) -> tuple[Pixels, Pixels]:
    """Decode a pair of images without making batches of them, and cut them to one size.

    Raises
    ------
    ImageError
        An image cannot be read, or the sizes differ and `align` does not say "crop".
    """
    x = as_pixels(distorted, policy, name="distorted")  # type: ignore[arg-type]
    y = as_pixels(reference, policy, name="reference")  # type: ignore[arg-type]
    same = (x.height, x.width) == (y.height, y.width)
    if align == "resize" and not same:
        raise ImageError(
            f"distorted is {x.width}x{x.height}, reference is {y.width}x{y.height}: images that "
            'align="resize" has to resample cannot be scored tile by tile'
        )
    shape, other = (torch.empty(1).expand(1, 3, t.height, t.width) for t in (x, y))
    height, width = match_sizes(shape, other, align)[0].shape[2:]
    return x.centre(height, width), y.centre(height, width)


def take_tiles(
    tile_pass: TilePass, x: Pixels, y: Pixels, side: int, device: torch.device
) -> dict[str, Tensor]:
    """Take every tile of a pair of images, and return its scores.

    Raises
    ------
    MetricError
        The side is not a positive whole number.
    """
    if not isinstance(side, int) or isinstance(side, bool) or side < 1:
        raise MetricError(f"side: expected a positive whole number of pixels, got {side!r}.")
    factor = tile_pass.factor(x.height, x.width)
    height, width = x.height // factor, x.width // factor
    with torch.inference_mode():
        for tile in tiles(height, width, max(1, side // factor), tile_pass.reaches):
            window = tile.window(factor)
            a, b = (image.window(window).to(device) for image in (x, y))
            if factor > 1:
                a, b = (F.avg_pool2d(t, factor) for t in (a, b))
            tile_pass.add(tile, a, b)
            del a, b
        scores = tile_pass.scores()
    return {name: score.clone() for name, score in scores.items()}
