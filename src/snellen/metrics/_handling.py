"""How a metric handles what it is given, whatever it measures."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from snellen.errors import MetricError
from snellen.images import ALIGNMENTS, ImagePolicy

Reduction = Literal["none", "mean", "sum"]


@dataclass(frozen=True)
class Handling:
    """Decoding, alignment and reduction: the same choice for every kind of metric.

    Parameters
    ----------
    policy
        How image files are decoded.
    align
        What happens to images of different sizes; see `snellen.images.match_sizes`.
    reduction
        ``"none"``: one score per image; ``"mean"`` or ``"sum"`` over the batch.

    Raises
    ------
    MetricError
        There is no such alignment or reduction.
    """

    policy: ImagePolicy = field(default_factory=ImagePolicy)
    align: str = "error"
    reduction: Reduction = "none"

    def __post_init__(self) -> None:
        for option, value, known in (
            ("align", self.align, ALIGNMENTS),
            ("reduction", self.reduction, get_args(Reduction)),
        ):
            if value not in known:
                raise MetricError(f"{option} must be one of {', '.join(known)}; got {value!r}.")
