"""What a caller asks of a metric besides its name, and what it changes in the definition."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

from torch import Tensor

from snellen.backbones import Backbone
from snellen.errors import MetricError
from snellen.metrics._row import Combine, MetricRow

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Request:
    """Options of `create_metric`, which see; the defaults stand for what was not asked."""

    weights: PathLike | None = None
    head_weights: PathLike | None = None
    backbone: Backbone | str | None = None
    layers: tuple[str, ...] | None = None
    readout: str | None = None
    readout_options: Mapping[str, Any] | None = None
    combine: Combine | None = None
    channel_weights: Mapping[str, Tensor] | None = None
    values: int | None = None
    projection: PathLike | None = None
    levels: Sequence[int] | None = None
    degradation_seed: int = 0
    resize: str | None = None
    precision: str = "float32"
    seed: int = 0
    own_options: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.combine not in (None, *get_args(Combine)):
            raise MetricError(
                f"combine must be one of {', '.join(get_args(Combine))}; got {self.combine!r}."
            )

    def asked(self) -> list[str]:
        """Return the names of the options that were asked for."""
        return [one.name for one in fields(self) if getattr(self, one.name) != one.default]

    def resized(self, row: MetricRow) -> MetricRow:
        """Change the protocol of a row, if asked."""
        return row if self.resize is None else replace(row, resize=self.resize)

    def redefined(self, row: MetricRow) -> MetricRow:
        """Change what a row compares: layers, readout, its options, how layers combine.

        Learned weights belong to the original layers and readout, and go with them; so does what
        is known of the range of scores.
        """
        asked = {"layers": self.layers, "readout": self.readout, "combine": self.combine}
        changes: dict[str, Any] = {k: v for k, v in asked.items() if v is not None}
        if {"layers", "readout"} & set(changes):
            changes["head"] = None
        if self.readout is not None or self.readout_options is not None:
            changes["options"] = dict(self.readout_options or {})
        if changes:
            changes["range"] = (0.0, None)
        return replace(self.resized(row), **changes)


def chosen_layers(layer: str | None, layers: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the layers asked for by either option, or None."""
    if layer is not None and layers is not None:
        raise MetricError("give `layer` or `layers`, not both.")
    if isinstance(layers, str):
        raise MetricError(f"layers must be several names; for one, use layer={layers!r}.")
    if layers is not None and not layers:
        raise MetricError("layers is empty; give at least one name.")
    if layer is not None:
        return (layer,)
    return None if layers is None else tuple(layers)
