"""How an engine works, none of which is what it computes."""

import os
from dataclasses import dataclass

from snellen.runs._sinks import RunError

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
    whole_pixels
        Larger images are scored tile by tile, if all metrics can be; None: never.
    tile
        Pixels along the side of a tile; by default that of `Metric.tiled`.

    Raises
    ------
    RunError
        A number is less than 1, or a size negative.
    """

    batch_size: int | None = None
    threads: int | None = None
    ahead_bytes: int = _AHEAD_BYTES
    cache_bytes: int = _CACHE_BYTES
    whole_pixels: int | None = _WHOLE_PIXELS
    tile: int | None = None

    def __post_init__(self) -> None:
        for name in ("batch_size", "threads", "tile"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RunError(f"{name}: expected 1 or more, got {value}.")
        for name in ("ahead_bytes", "cache_bytes", "whole_pixels"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise RunError(f"{name}: expected 0 or more, got {value}.")

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


def tiling(tile: int | str) -> tuple[int | None, int | None]:
    """Read how large images are scored: ``"auto"``, ``"off"``, or pixels along a tile's side.

    Returns
    -------
    tuple
        `EngineOptions.whole_pixels` and `EngineOptions.tile`.

    Raises
    ------
    RunError
        It is none of these.

    Examples
    --------
    >>> tiling("auto"), tiling("off"), tiling(512)
    ((16777216, None), (None, None), (262144, 512))
    """
    if tile in ("auto", "off"):
        return _WHOLE_PIXELS if tile == "auto" else None, None
    if not str(tile).isdecimal() or int(tile) < 1:
        raise RunError(f"tile: expected 'auto', 'off', or pixels along a side; got {tile!r}.")
    return int(tile) ** 2, int(tile)


def processors() -> int:
    """Return the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
