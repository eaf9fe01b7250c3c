"""Which layers of the embedded networks losses look at where none is named."""

from snellen.backbones import EMBEDDED, Backbone

DEFAULT = EMBEDDED[0]
"""The network of losses that are given none."""

_STAGES = {
    "fovea": ("stage1", "stage2", "stage3", "stage4"),
    "gabor": ("complex1", "complex2", "complex3", "complex4"),
}


def stages(backbone: Backbone) -> tuple[str, ...]:
    """Return the last layer of each scale of an embedded network; of others, none."""
    return _STAGES.get(backbone.name, ())
