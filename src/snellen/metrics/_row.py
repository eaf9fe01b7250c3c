"""A metric is a row: protocol + backbone + layers + readout (+ weights)."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["full-reference", "reduced-reference", "no-reference", "attribute"]
FamilyName = Literal[
    "deep", "classical", "reduced-reference", "response", "response-quality", "text",
    "natural-scene", "attribute",
]  # fmt: skip
Combine = Literal["sum", "mean", "join"]


@dataclass(frozen=True)
class MetricRow:
    """Everything that defines a metric, as data.

    Attributes
    ----------
    name
        Name in the catalogue. Some end in ``-*``: any backbone's name may stand there.
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
    family
        How it is computed, and with it which options it takes: ``"deep"`` (distance of features),
        ``"classical"``, ``"reduced-reference"``, ``"response"`` (to degradations),
        ``"response-quality"`` (fitted to such responses), ``"text"`` (prompts),
        ``"natural-scene"`` (statistics) or ``"attribute"``.
    backbone
        Name of the network; None for metrics without one.
    layers
        Names of layers; ``"@stages"`` stands for the last layer at every scale of the network,
        ``"@stages:4"`` for the first four of them.
    readout
        What makes the score, by its name in the family: a readout of features; a function of
        ours, or of piq, as ``"piq.ssim"``; a reading of embeddings; a model of natural scenes.
    options
        Options of the readout, or of the descriptor.
    combine
        How layers make one score: sum or mean of their distances, or ``"join"``: the distance of
        the concatenated features.
    resize
        Rule of the protocol.
    pooling
        Pooling of the backbone.
    normalize
        Whether images are normalised by the backbone's mean and standard deviation.
    head
        Name of what was fitted: weights of channels, a projection, parameters of a model.
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
    family: FamilyName
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
    normalize: bool = True
    head: str | None = None
    degradations: tuple[str, ...] = ()
    degradation_seed: int = 0
    note: str = ""

    def manifest(self) -> dict[str, Any]:
        """Return the row as plain values."""
        return asdict(self)
