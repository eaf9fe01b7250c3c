"""Functions of two image batches that are ours; all others are those of piq.

Each takes image batches (N, 3, H, W) in [0, 1] of one size, the options of its row by name, and
gives scores (N,).
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

Function = Callable[..., Tensor]

PIQ = "piq."
"""What rows write before the name of a function of piq."""


def psnr(x: Tensor, y: Tensor) -> Tensor:
    """Return what `piq.psnr` does, without its import, which takes longer than many a run."""
    return -10 * ((x - y).square().mean((1, 2, 3)) + 1e-8).log10()


FUNCTIONS: dict[str, Function] = {"psnr": psnr}
"""Our functions, by the readout that rows name."""


def find_function(readout: str) -> Function:
    """Return the function that a row names: one of ours, or of piq."""
    return FUNCTIONS[readout] if readout in FUNCTIONS else _of_piq(readout.removeprefix(PIQ))


def _of_piq(name: str) -> Function:
    import piq

    function: Callable[..., Any] = getattr(piq, name)

    def call(x: Tensor, y: Tensor, **options: Any) -> Tensor:
        count = max(len(x), len(y))
        x, y = (t.expand(count, -1, -1, -1) for t in (x, y))
        scores: Tensor = function(x, y, data_range=1.0, reduction="none", **options)
        return scores

    return call
