"""Which networks and layers an exam is about."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from snellen.backbones import Backbone, create_backbone
from snellen.errors import BackboneError


def named_networks(
    backbones: Sequence[str | Backbone] | str | Backbone | Mapping[str, Backbone],
    weights: str | Path | None,
    controls: str,
    seeds: Sequence[int],
) -> dict[str, Backbone]:
    """Return networks by label, each with its controls of random weights.

    Raises
    ------
    BackboneError
        Two networks have one name, or a control was asked of a network without a name.
    """
    if isinstance(backbones, Mapping):
        return dict(backbones)
    several = [backbones] if isinstance(backbones, str | Backbone) else list(backbones)
    found: dict[str, Backbone] = {}
    for one in several:
        backbone = create_backbone(one, weights) if isinstance(one, str) else one
        if backbone.name in found:
            raise BackboneError(
                f"Two networks are called {backbone.name!r}; give a mapping from labels."
            )
        found[backbone.name] = backbone
        if controls == "random" and backbone.weights.source != "closed form":
            if not isinstance(one, str):
                raise BackboneError(
                    f"{backbone.name}: controls='random' needs the network's name to make it "
                    "anew; give a mapping that holds the control itself."
                )
            for seed in seeds:
                found[f"{one} random {seed}"] = create_backbone(one, "random", seed=seed)
    return found


def chosen_layers(backbone: Backbone, layers: str | Sequence[str] | None) -> list[str]:
    """Return names of layers, all listed ones by default; each has to exist."""
    if layers is None:
        return [info.name for info in backbone.layers]
    names = [layers] if isinstance(layers, str) else list(dict.fromkeys(layers))
    for name in names:
        backbone.layer(name)
    return names


def in_order(backbone: Backbone, layers: Sequence[str]) -> list[str]:
    """Sort layers by depth: in the order in which the network yields them."""
    with torch.no_grad():
        probe = torch.zeros(1, 3, *(backbone.fixed_size or (128, 128)))
        probe = probe.to(next(iter(backbone.parameters()), probe).device)
        return [name for name, _ in backbone.stream(probe, layers)]


def layer_facts(backbone: Backbone, layer: str, depth: int, count: int) -> dict[str, Any]:
    """Return what tables say of a layer, the `depth`-th of `count`."""
    info = backbone.layer(layer)
    return {
        "layer": layer,
        "depth": depth,
        "relative_depth": depth / max(1, count - 1),
        "stride": info.stride,
        "receptive_field": info.receptive_field,
        "channels": info.channels,
    }
