"""The layers of one network: which there are, under which names, and where they are computed."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import torch
from torch import nn

from snellen.backbones._graph import LayerGraph
from snellen.backbones._hooked import HookedNetwork
from snellen.backbones._layers import (
    INPUT_LAYER,
    LayerInfo,
    is_channels_last_map,
    layer_stride,
    main_layers,
)
from snellen.backbones._receptive import Field, Reach, receptive_fields
from snellen.errors import BackboneError


class LayerTable:
    """Every layer of a network by the field's name or by its path.

    Parameters
    ----------
    runner
        The network, after its trial run.
    name
        What to call the network in errors.
    field_names
        Names that the field uses, by path.
    listed
        Paths of the layers to list; the trunk of the network if empty.
    side
        Side of the probe image in pixels.

    Attributes
    ----------
    listed : tuple of LayerInfo
        In order of depth, or as they were selected.

    Raises
    ------
    BackboneError
        No module inside of the network returns features.
    """

    def __init__(
        self,
        runner: LayerGraph | HookedNetwork,
        name: str,
        field_names: Mapping[str, str],
        listed: Sequence[str],
        side: int,
    ) -> None:
        self._network = name
        self._known: dict[str, LayerInfo] = {}
        self._nodes: dict[str, str] = {}
        self._dropped: frozenset[str] = frozenset()
        self._transposed: set[str] = set()
        self._reaches: dict[str, Reach] = {}
        modules = dict(runner.network.named_modules())
        fields = _fields(runner)
        for path, node in runner.node_of_path.items():
            shape = runner.shapes.get(node, torch.Size())
            if len(shape) in (2, 3, 4) and shape[0] == 1 and path:
                seen = fields.get(node)
                info = _describe(
                    field_names.get(path, path), path, modules[path], shape, seen, side
                )
                self._known[info.name] = info
                self._nodes[info.name] = node
                if is_channels_last_map(shape):
                    self._transposed.add(node)
                elif seen and seen.reach and len(shape) == 4:
                    self._reaches[node] = seen.reach
        self._check_any()
        nodes = {runner.node_of_path[p] for p in listed} or set(runner.trunk())
        self.listed = main_layers(
            self._known.values(), self._nodes, nodes, modules, set(field_names)
        )

    def _check_any(self) -> None:
        if not self._known:
            raise BackboneError(
                f"{self._network} has no layers: none of the modules inside of it returns a "
                "feature map (N, C, h, w), tokens (N, L, C) or a vector (N, C). Put what it does "
                "into modules, e.g. of nn.Sequential."
            )

    def find(self, name: str) -> LayerInfo:
        """Describe one layer, listed or not, by the field's name or by its path.

        Raises
        ------
        BackboneError
            There is no such layer; the message names the nearest ones.
        """
        if name == INPUT_LAYER:
            return LayerInfo(INPUT_LAYER, 3, 1, 1, "Image", "")
        if name in self._known:
            return self._known[name]
        for info in self._known.values():
            if info.path == name:
                return info
        if name in self._dropped:
            raise BackboneError(
                f"{self._network}: layer {name!r} was given up to save memory, by `layers=`, "
                "`select` or `keep`. Make the backbone anew to get at it."
            )
        near = get_close_matches(name, [INPUT_LAYER, *self._known], n=4, cutoff=0.5)
        raise BackboneError(
            f"{self._network} has no layer {name!r}. "
            + (f"Did you mean {', '.join(near)}? " if near else "")
            + "Its main layers, in order of depth: "
            + ", ".join([INPUT_LAYER, *(info.name for info in self.listed)])
            + "."
        )

    def node(self, name: str) -> str:
        """Return the name of the value that holds a layer."""
        return self._nodes[self.find(name).name]

    def reach(self, name: str) -> Reach:
        """Tell which pixels the features of a layer see.

        Raises
        ------
        BackboneError
            It is the whole image, or cannot be told.
        """
        info = self.find(name)
        if info.name == INPUT_LAYER:
            return Reach()
        reach = self._reaches.get(self._nodes[info.name])
        if reach is None:
            raise BackboneError(
                f"{self._network}: a feature of layer {name!r} does not see a fixed neighbourhood "
                "of its position (attention, global statistics, padding that depends on the size "
                "of the image), or that cannot be told from the network's code."
            )
        return reach

    def is_transposed(self, node: str) -> bool:
        """Tell whether a value is laid out (N, h, w, C), as Swin's are."""
        return node in self._transposed

    def keep(self, nodes: Iterable[str]) -> None:
        """Forget the layers that are not among the values that are left."""
        alive = set(nodes)
        kept = {n: info for n, info in self._known.items() if self._nodes[n] in alive}
        gone = [info for name, info in self._known.items() if name not in kept]
        self._dropped |= {name for info in gone for name in (info.name, info.path)}
        self._known = kept
        self.listed = tuple(info for info in self.listed if info.name in kept)


def _fields(runner: LayerGraph | HookedNetwork) -> dict[str, Field]:
    if isinstance(runner, LayerGraph):
        return receptive_fields(runner.operations, runner.network)
    return {}


def _describe(
    name: str, path: str, module: nn.Module, shape: torch.Size, seen: Field | None, side: int
) -> LayerInfo:
    channels = shape[-1] if is_channels_last_map(shape) or len(shape) == 3 else shape[1]
    stride = layer_stride(shape, seen, side)
    return LayerInfo(
        name=name,
        channels=int(channels),
        stride=stride,
        receptive_field=seen.size if seen and stride else None,
        kind=type(module).__name__,
        path=path,
    )
