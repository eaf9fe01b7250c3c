"""The network and layers that losses look at where none is named."""

from snellen.backbones import EMBEDDED, Backbone
from snellen.metrics import stage_layers

DEFAULT = EMBEDDED[0]
"""The network of losses that are given none."""


def stages(backbone: Backbone) -> tuple[str, ...]:
    """Return the last layer of each scale of an embedded network; of others, none."""
    return tuple(stage_layers(backbone)) if backbone.name in EMBEDDED else ()
