"""A metric is a row: protocol + backbone + layers + readout (+ weights)."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["full-reference", "reduced-reference", "no-reference", "attribute"]
Combine = Literal["sum", "mean", "join"]


@dataclass(frozen=True)
class MetricRow:
    """Everything that defines a metric, as data.

    Attributes
    ----------
    name
        Name in the catalogue. A family ends in ``-*``: any backbone's name may stand there.
    title
        What it is, in a few words.
    kind
        Full-reference, reduced-reference, no-reference, or attribute: a property of an image that
        is neither good nor bad.
    lower_better
        Whether smaller scores mean better quality; None for attributes.
    range
        Smallest and largest score; None where there is no bound.
    citation
        Where it was published.
    backbone
        Name of the network; None for classical metrics.
    layers
        Names of layers; ``"@stages"`` stands for the last layer at every scale of the network,
        ``"@stages:4"`` for the first four of them.
    readout
        Name of the readout (for classical metrics, of the function in piq); ``"descriptor"`` for
        reduced-reference ones.
    options
        Options of the readout, or of the descriptor.
    combine
        How layers make one score: sum or mean of their distances, or ``"join"``: the distance of
        the concatenated features.
    resize
        Rule of the protocol.
    pooling
        Pooling of the backbone.
    normalise
        Whether images are normalised by the backbone's mean and standard deviation.
    head
        Name of the learned weights of the readout, or of the fitted projection that ships.
    degradations
        What is done to the image, where a metric is the response to it: specifications for
        `snellen.distortions.create_distortion`.
    degradation_seed
        Seed of what they draw at random, the same for every image.
    note
        Which variant of the metric this is, where several go by the name.
    """

    name: str
    title: str
    citation: str
    readout: str
    backbone: str | None = None
    layers: tuple[str, ...] = ("@stages",)
    options: dict[str, Any] = field(default_factory=dict)
    combine: Combine = "mean"
    kind: Kind = "full-reference"
    lower_better: bool | None = True
    range: tuple[float | None, float | None] = (0.0, None)
    resize: str = "native"
    pooling: str = "max"
    normalise: bool = True
    head: str | None = None
    degradations: tuple[str, ...] = ()
    degradation_seed: int = 0
    note: str = ""

    @property
    def own_options(self) -> tuple[str, ...]:
        """Options that `create_metric` passes to this metric alone, whatever they are."""
        blind = self.kind in ("no-reference", "attribute") and not self.degradations
        return tuple(self.options) if blind else ()

    def manifest(self) -> dict[str, Any]:
        """Return the row as plain values."""
        return asdict(self)
