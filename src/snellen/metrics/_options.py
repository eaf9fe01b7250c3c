"""What a caller asks of a metric besides its name."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from snellen.backbones import Backbone
from snellen.images import ImagePolicy
from snellen.metrics._metric import Reduction
from snellen.metrics._row import Combine

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Terms:
    """What every metric is made with, whatever its kind."""

    policy: ImagePolicy
    align: str
    reduction: Reduction


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
    options: Mapping[str, Any] | None = None
    resize: str | None = None
    precision: str = "float32"
    seed: int = 0

    def asked(self, *names: str) -> list[str]:
        """Return those of some options that were asked for."""
        defaults = {field.name: field.default for field in fields(self)}
        return [name for name in names if getattr(self, name) != defaults[name]]
