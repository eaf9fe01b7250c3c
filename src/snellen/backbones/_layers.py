"""What is known of a layer: its name, its channels, its stride and what it sees."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from snellen.backbones._receptive import Field
from snellen.errors import BackboneError

INPUT_LAYER = "input"
"""Name under which every backbone offers the image batch itself as a layer."""


@dataclass(frozen=True)
class LayerInfo:
    """One named output of a backbone.

    Attributes
    ----------
    name
        The field's name of the layer (``relu2_2``, ``fire3``, ``layer1``, ``blocks.5``).
    channels
        Number of feature channels.
    stride
        Distance in pixels between neighbouring features; None for a vector that describes the
        whole image.
    receptive_field
        Side in pixels of the square of the image that one feature depends on; None where it is
        the whole image (attention, global pooling) or cannot be told from the network's code.
    kind
        Class of the module that produces it.
    path
        Qualified name of that module inside the network.
    """

    name: str
    channels: int
    stride: int | None
    receptive_field: int | None
    kind: str
    path: str


def as_map(features: Tensor, height: int, width: int, stride: int | None) -> Tensor:
    """Lay out whatever a layer returns as a feature map (N, C, h, w).

    Parameters
    ----------
    features
        (N, C, h, w); tokens (N, L, C), where leading class or register tokens are dropped and
        the rest is laid out on the patch grid; or a vector (N, C), which becomes (N, C, 1, 1).
    height, width
        Size of the images that went into the network, in pixels.
    stride
        Patch size of a network that works on tokens.

    Returns
    -------
    Tensor
        (N, C, h, w); a view of `features` wherever possible.

    Raises
    ------
    BackboneError
        The tokens do not fill the patch grid, or the output has another number of dimensions.
    """
    if features.ndim == 4:
        return features
    if features.ndim == 2:
        return features[:, :, None, None]
    if features.ndim != 3:
        raise BackboneError(
            f"A layer returned a tensor of shape {tuple(features.shape)}; expected (N, C, h, w), "
            "tokens (N, L, C) or a vector (N, C). Choose another layer."
        )
    rows, columns = _token_grid(features.shape[1], height, width, stride)
    patches = features[:, features.shape[1] - rows * columns :]
    return patches.reshape(len(patches), rows, columns, -1).permute(0, 3, 1, 2)


def _token_grid(tokens: int, height: int, width: int, stride: int | None) -> tuple[int, int]:
    if stride:
        rows, columns = -(-height // stride), -(-width // stride)
        if 0 < rows * columns <= tokens:
            return rows, columns
    raise BackboneError(
        f"A layer returned {tokens} tokens for an image of {width}x{height} pixels, which do not "
        f"fill a grid of patches of {stride} pixels. Resize the images to a multiple of the patch."
    )


def is_channels_last_map(shape: torch.Size) -> bool:
    """Tell whether a 4-D output of a square probe image is (N, h, w, C), as Swin's are."""
    return len(shape) == 4 and shape[1] == shape[2] != shape[3]


def layer_stride(shape: torch.Size, seen: Field | None, side: int) -> int | None:
    """Distance in pixels between the features of a layer, from a square probe image.

    Parameters
    ----------
    shape
        Shape of the layer for one probe image.
    seen
        Receptive field and jump, where the network's operations tell them.
    side
        Side of the probe image in pixels.

    Returns
    -------
    int or None
        None for a vector that describes the whole image.
    """
    if len(shape) == 2:
        return None
    if len(shape) == 3:
        return _patch_size(shape[1], side)
    positions = shape[1 if is_channels_last_map(shape) else 2]
    if positions == 1 and side > 32:
        return None
    if seen and seen.jump is not None:
        return seen.jump
    return round(side / positions)


def _patch_size(tokens: int, side: int) -> int | None:
    """Patch size of a token layer seen on a square probe: the largest grid that fits."""
    return next((side // g for g in range(math.isqrt(tokens), 0, -1) if side % g == 0), None)


_PASSIVE = {"Dropout", "Identity", "Flatten", "Permute", "PatchDropout"}


def main_layers(
    layers: Iterable[LayerInfo],
    node_of_layer: Mapping[str, str],
    trunk: set[str],
    modules: Mapping[str, nn.Module],
    field_named: set[str],
) -> tuple[LayerInfo, ...]:
    """Choose the layers to list: one name for each point of the trunk, none inside a block.

    Parameters
    ----------
    layers
        Every layer of the network, in order of depth.
    node_of_layer
        The point of the network, by the layer's name: several modules may end at one.
    trunk
        The points to list.
    modules
        Modules of the network, by path.
    field_named
        Paths of layers that the field has a name for: these win.

    Returns
    -------
    tuple of LayerInfo
        In order of depth.
    """
    best: dict[str, LayerInfo] = {}
    counts = Counter(type(module) for module in modules.values())
    infos = [
        info
        for info in layers
        if node_of_layer[info.name] in trunk
        and info.kind not in _PASSIVE
        and not _is_inside_block(info.path, modules, counts)
    ]
    for info in infos:
        if info.path not in field_named and (
            _spans_scales(info, infos) or _holds_all_blocks(modules[info.path], counts)
        ):
            continue
        node = node_of_layer[info.name]
        rank = (info.path not in field_named, info.path.count("."))
        held = best.get(node)
        if held is None or rank < (held.path not in field_named, held.path.count(".")):
            best[node] = info
    depth = {node_of_layer[info.name]: i for i, info in reversed(list(enumerate(infos)))}
    return tuple(best[node] for node in sorted(best, key=depth.__getitem__))


def _is_inside_block(
    path: str, modules: Mapping[str, nn.Module], counts: Counter[type[nn.Module]]
) -> bool:
    """Tell whether an ancestor is a building block: of a class that occurs more than once."""
    parts = path.split(".")
    ancestors = (modules[".".join(parts[:i])] for i in range(1, len(parts)))
    plain = (nn.Sequential, nn.ModuleList)
    return any(type(a) not in plain and counts[type(a)] > 1 for a in ancestors)


def _spans_scales(info: LayerInfo, infos: Iterable[LayerInfo]) -> bool:
    """Tell whether a module is the whole network's container rather than one stage of it."""
    inside = {other.stride for other in infos if other.path.startswith(f"{info.path}.")}
    return len(inside) > 1


def _holds_all_blocks(module: nn.Module, counts: Counter[type[nn.Module]]) -> bool:
    """Tell whether a sequence is all there is, like a transformer's `blocks`, not one stage."""
    inside = Counter(type(child) for child in module.children() if any(child.children()))
    return type(module) is nn.Sequential and any(
        number > 1 and number == counts[kind] for kind, number in inside.items()
    )
