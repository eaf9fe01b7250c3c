"""How an engine works, none of which is what it computes."""

import os
from dataclasses import dataclass

from snellen.errors import RunError

_AHEAD_BYTES = 1 << 29
_CACHE_BYTES = 1 << 30
_MOST_THREADS = 16
# Pixels in a batch. On processors a batch gains where images are small, and loses where large.
_BATCH_PIXELS = {"cpu": 1 << 18, "cuda": 1 << 23}
_LARGEST_BATCH = 64
_WHOLE_PIXELS = 1 << 24


@dataclass(frozen=True)
class EngineOptions:
    """How many images at once, and how much memory.

    Attributes
    ----------
    batch_size
        Most images in a batch; by default as many as the device gains from.
    threads
        Threads that read and decode; by default one for each processor, at most 16.
    ahead_bytes
        Memory for images that are decoded and not yet scored.
    cache_bytes
        Memory for references that come again, and for their features.
    tile
        Pixels along the side of the tiles in which larger images are scored; ``"auto"``: images
        over 16 megapixels, if all metrics can be; ``"off"``: none.

    Raises
    ------
    RunError
        A number is less than 1, a size negative, or there is no such way to tile.

    Examples
    --------
    >>> EngineOptions().whole_pixels, EngineOptions(tile="512").whole_pixels
    (16777216, 262144)
    """

    batch_size: int | None = None
    threads: int | None = None
    ahead_bytes: int = _AHEAD_BYTES
    cache_bytes: int = _CACHE_BYTES
    tile: int | str = "auto"

    def __post_init__(self) -> None:
        for name in ("batch_size", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RunError(f"{name}: expected 1 or more, got {value}.")
        for name in ("ahead_bytes", "cache_bytes"):
            value = getattr(self, name)
            if value < 0:
                raise RunError(f"{name}: expected 0 or more, got {value}.")
        if self.tile not in ("auto", "off") and not (
            str(self.tile).isdecimal() and int(self.tile) > 0
        ):
            raise RunError(
                f"tile: expected 'auto', 'off', or pixels along a side; got {self.tile!r}."
            )

    @property
    def tile_side(self) -> int | None:
        """Pixels along the side of a tile; None: that of `Metric.tiled`."""
        return None if self.tile in ("auto", "off") else int(self.tile)

    @property
    def whole_pixels(self) -> int | None:
        """Larger images are scored tile by tile; None: no image is."""
        if self.tile == "off":
            return None
        return _WHOLE_PIXELS if self.tile_side is None else self.tile_side**2

    def batch_for(self, pixels: int, device: str) -> int:
        """Return how many images of so many pixels make a batch.

        Examples
        --------
        >>> EngineOptions().batch_for(512 * 512, "cpu"), EngineOptions(8).batch_for(64, "cpu")
        (1, 8)
        """
        if self.batch_size is not None:
            return self.batch_size
        most = _BATCH_PIXELS.get(device, _BATCH_PIXELS["cuda"])
        return max(1, min(_LARGEST_BATCH, most // max(1, pixels)))

    def decoders(self) -> int:
        """Return the number of threads that decode."""
        return self.threads or min(_MOST_THREADS, processors())


def processors() -> int:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
