"""Which layers stand for a network when nobody says."""

import re
from collections.abc import Sequence

from snellen.backbones import Backbone, LayerInfo
from snellen.errors import MetricError


def resolve_layers(names: Sequence[str], backbone: Backbone) -> tuple[str, ...]:
    """Replace ``"@stages"`` and ``"@stages:n"`` by names of layers, and check all names.

    Parameters
    ----------
    names
        Names of layers, among them at most one ``"@stages"``.
    backbone
        The network.

    Returns
    -------
    tuple of str
        Names that the backbone knows, in the order given.

    Raises
    ------
    BackboneError
        A layer does not exist.
    MetricError
        A layer is named twice.
    """
    resolved: list[str] = []
    for name in names:
        stages = re.fullmatch(r"@stages(?::([1-9]\d*))?", name)
        if stages:
            resolved.extend(stage_layers(backbone)[: int(stages[1]) if stages[1] else None])
        else:
            resolved.append(backbone.layer(name).name)
    if len(set(resolved)) < len(resolved):
        raise MetricError(f"layers: a layer is named twice in {', '.join(resolved)}.")
    return tuple(resolved)


def stage_layers(backbone: Backbone) -> list[str]:
    """Return the last layer at every scale of the network.

    Pools, layers before their non-linearity, single pixels and the classifier do not count. For
    VGG these are the five layers of LPIPS; a network that keeps one scale throughout, such as a
    vision transformer, gives layers at the quarters of its depth.
    """
    maps = [
        info
        for info in backbone.layers
        if info.stride
        and info.receptive_field != 1
        and not re.search("Pool|^Conv2d$|^(Batch|Layer|Group|Instance)Norm", info.kind)
        and not backbone.is_head(info.name)
    ]
    last: dict[int | None, LayerInfo] = {info.stride: info for info in maps}
    if len(last) >= 3:
        return [info.name for info in last.values()]
    blocks = [info for info in maps if info.stride == maps[-1].stride]
    quarters = sorted({max(0, len(blocks) * i // 4 - 1) for i in range(1, 5)})
    return [blocks[i].name for i in quarters]
