"""A frozen network with named layers: the only place where a network is run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from snellen.backbones._graph import LayerGraph
from snellen.backbones._hooked import HookedNetwork
from snellen.backbones._layers import (
    INPUT_LAYER,
    LayerInfo,
    as_map,
    is_channels_last_map,
    main_layers,
)
from snellen.backbones._receptive import Field, receptive_fields
from snellen.errors import BackboneError


@dataclass(frozen=True)
class WeightsInfo:
    """Where the weights of a backbone came from.

    Attributes
    ----------
    source
        ``"closed form"``, ``"random"``, ``"imagenet"``, ``"file"``, or ``"module"`` (the user's).
    sha256
        Hash of the file, or of the tensors where there is no file.
    detail
        File name, seed, address: whatever it takes to get the same weights again.
    """

    source: str
    sha256: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def manifest(self) -> dict[str, Any]:
        """Return plain values for a manifest."""
        return {"source": self.source, "sha256": self.sha256, **self.detail}


class Backbone(nn.Module):
    """A frozen network, its own preprocessing, and its layers under the field's names.

    Made by `create_backbone`, which see.

    Parameters
    ----------
    network
        Takes an image batch (N, 3, H, W), normalised by `mean` and `std`. It is frozen and put
        in evaluation mode.
    name
        What the backbone is called in manifests.
    weights
        Where its weights came from.
    mean, std
        Normalisation of image values in [0, 1], per channel.
    field_names
        Mapping from qualified names of modules to names that the field uses.
    listed
        Paths of the layers to list; found from the network's structure by default.
    head
        Prefixes of the paths of classifier modules.
    probe_size
        Height and width of the square image of the trial run that finds channels and shapes.
    fixed_size
        The only image size (height, width) that the network takes, if there is one.

    Attributes
    ----------
    layers : tuple of LayerInfo
        The trunk of the network in order of depth: the points that everything passes through.
    variant : dict of str to str
        What was changed in the network against its name, such as its pooling.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        name: str,
        weights: WeightsInfo,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        field_names: dict[str, str] | None = None,
        listed: Sequence[str] = (),
        head: Sequence[str] = (),
        probe_size: int = 128,
        fixed_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.weights = weights
        self.fixed_size = fixed_size
        self.variant: dict[str, str] = {}
        self.mean, self.std = tuple(mean), tuple(std)
        self._constants: dict[torch.device, tuple[Tensor, Tensor]] = {}
        network.eval().requires_grad_(False)
        size = fixed_size or (probe_size, probe_size)
        probe = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
        self._field_names = field_names or {}
        self._head = tuple(head)
        self._runner = _make_runner(network, probe)
        self._describe(probe, listed)
        self.to(memory_format=torch.channels_last)

    def _describe(self, probe: Tensor, listed: Sequence[str]) -> None:
        """Run the network once to learn the shape of every layer."""
        runner = self._runner
        fields: dict[str, Field] = {}
        if isinstance(runner, LayerGraph):
            fields = receptive_fields(runner.graph, runner.network)
        with torch.inference_mode():
            shapes = {n: v.shape for n, v in runner.stream(probe, set(runner.node_of_path.values()))
                      if isinstance(v, Tensor)}
        modules = dict(runner.network.named_modules())
        self._known: dict[str, LayerInfo] = {}
        self._node_of_layer: dict[str, str] = {}
        self._transposed: set[str] = set()
        for path, node in runner.node_of_path.items():
            shape = shapes.get(node, torch.Size())
            if len(shape) in (2, 3, 4) and shape[0] == 1:
                info = self._info(path, modules[path], shape, fields.get(node), probe)
                self._known[info.name] = info
                self._node_of_layer[info.name] = self._node_of_layer[path] = node
                if is_channels_last_map(shape):
                    self._transposed.add(node)
        nodes = {runner.node_of_path[p] for p in listed} or set(runner.trunk())
        self.layers = main_layers(
            self._known.values(), self._node_of_layer, nodes, modules, set(self._field_names)
        )

    def _info(
        self, path: str, module: nn.Module, shape: torch.Size, seen: Field | None, probe: Tensor
    ) -> LayerInfo:
        transposed = is_channels_last_map(shape)
        channels = shape[-1] if transposed or len(shape) == 3 else shape[1]
        stride = _stride(shape, 1 if transposed else 2, seen, probe.shape[2])
        return LayerInfo(
            name=self._field_names.get(path, path),
            channels=int(channels),
            stride=stride,
            receptive_field=seen.size if seen and stride else None,
            kind=type(module).__name__,
            path=path,
        )

    def layer(self, name: str) -> LayerInfo:
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
        near = get_close_matches(name, [INPUT_LAYER, *self._known], n=4, cutoff=0.5)
        listed = ", ".join(info.name for info in self.layers)
        raise BackboneError(
            f"{self.name} has no layer {name!r}. "
            + (f"Did you mean {', '.join(near)}? " if near else "")
            + f"Its main layers, in order of depth: {INPUT_LAYER}, {listed}."
        )

    def is_head(self, name: str) -> bool:
        """Tell whether a layer belongs to the classifier."""
        return self.layer(name).path.startswith(self._head) if self._head else False

    def normalise(self, batch: Tensor) -> Tensor:
        """Bring an image batch (N, 3, H, W) in [0, 1] to the network's own values and type."""
        if self.mean != (0.0, 0.0, 0.0) or self.std != (1.0, 1.0, 1.0):
            mean, std = self._constants_on(batch.device)
            batch = (batch - mean) / std
        return batch.to(dtype=self.precision, memory_format=torch.channels_last)

    def _constants_on(self, device: torch.device) -> tuple[Tensor, Tensor]:
        # Not buffers: casting the network to bfloat16 must not round its normalisation. Not made
        # in inference mode: autograd refuses to save such tensors.
        if device not in self._constants:
            with torch.inference_mode(False):
                mean, std = (torch.tensor(v, device=device) for v in (self.mean, self.std))
                self._constants[device] = mean.view(1, 3, 1, 1), std.view(1, 3, 1, 1)
        return self._constants[device]

    @property
    def precision(self) -> torch.dtype:
        """Floating-point type in which the network computes."""
        tensors = [*self._runner.network.parameters(), *self._runner.network.buffers()]
        return next((t.dtype for t in tensors if t.is_floating_point()), torch.float32)

    def stream(self, batch: Tensor, layers: Iterable[str]) -> Iterator[tuple[str, Tensor]]:
        """Yield (layer, features) one layer at a time, in order of depth.

        Nothing deeper than the deepest layer asked for is computed, and no layer is kept after
        it was yielded: advance two of these together to take a pair through layer by layer.

        Parameters
        ----------
        batch
            Image batch (N, 3, H, W), float, RGB, in [0, 1].
        layers
            Names of layers; ``"input"`` is the image batch itself.

        Yields
        ------
        tuple of str and Tensor
            Name as asked for, and features (N, C, h, w).

        Raises
        ------
        BackboneError
            A layer does not exist, or the network does not take images of this size.
        """
        names = list(dict.fromkeys(layers))
        asked: dict[str, list[str]] = {}
        for name in names:
            if name == INPUT_LAYER:
                yield name, batch
            else:
                info = self.layer(name)
                asked.setdefault(self._node_of_layer[info.name], []).append(name)
        if asked:
            self._check_size(batch)
            yield from self._stream_nodes(batch, asked)

    def _stream_nodes(
        self, batch: Tensor, asked: dict[str, list[str]]
    ) -> Iterator[tuple[str, Tensor]]:
        height, width = batch.shape[-2:]
        try:
            for node, value in self._runner.stream(self.normalise(batch), asked):
                value = value.permute(0, 3, 1, 2) if node in self._transposed else value
                stride = self.layer(asked[node][0]).stride
                features = as_map(value, height, width, stride)
                for name in asked[node]:
                    yield name, features
        except RuntimeError as error:
            if "put" not in str(error) and "size" not in str(error):
                raise
            raise BackboneError(
                f"{self.name} cannot take images of {width}x{height} pixels: {error} "
                "Use larger images, shallower layers, or a protocol that resizes."
            ) from error

    def _check_size(self, batch: Tensor) -> None:
        size = tuple(batch.shape[-2:])
        if self.fixed_size is not None and size != self.fixed_size:
            raise BackboneError(
                f"{self.name} takes images of {self.fixed_size[1]}x{self.fixed_size[0]} pixels "
                f"only; got {size[1]}x{size[0]}. Resize them, e.g. with "
                f"resize=\"{self.fixed_size[1]}x{self.fixed_size[0]}\" in create_metric."
            )

    def forward(self, batch: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Return the features of an image batch at several layers at once.

        Parameters
        ----------
        batch
            Image batch (N, 3, H, W), float, RGB, in [0, 1].
        layers
            Names of layers; all listed ones by default.

        Returns
        -------
        dict of str to Tensor
            Features (N, C, h, w) by layer, in order of depth.
        """
        return dict(self.stream(batch, layers or [info.name for info in self.layers]))

    def keep(self, layers: Iterable[str]) -> None:
        """Give up every part of the network that the given layers do not need, and its memory."""
        names = {INPUT_LAYER, *layers}
        nodes = {self._node_of_layer[self.layer(n).name] for n in names if n != INPUT_LAYER}
        self._runner.drop_unused(nodes)
        alive = set(self._runner.node_of_path.values())
        self._known = {n: i for n, i in self._known.items() if self._node_of_layer[n] in alive}
        self.layers = tuple(info for info in self.layers if info.name in self._known)

    def select(self, layers: Sequence[str]) -> None:
        """List the given layers instead of the trunk, and keep only what they need."""
        chosen = {self.layer(name).name: self.layer(name) for name in layers}
        self.keep(chosen)
        self.layers = tuple(chosen.values())

    def train(self, mode: bool = True) -> "Backbone":
        """Stay in evaluation mode: a backbone is frozen."""
        return super().train(False)

    @cached_property
    def weights_sha256(self) -> str:
        """Hash of the weights: of their file if there is one, of the tensors otherwise."""
        from snellen.backbones._checkpoint import state_sha256

        return self.weights.sha256 or state_sha256(self._runner.network.state_dict())

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same features again, as plain values."""
        return {
            "name": self.name,
            **self.variant,
            "weights": {**self.weights.manifest(), "sha256": self.weights_sha256},
            "mean": list(self.mean),
            "std": list(self.std),
            "precision": str(self.precision).removeprefix("torch."),
        }


def _make_runner(network: nn.Module, probe: Tensor) -> LayerGraph | HookedNetwork:
    """Trace the network where that is possible and gives what the network gives."""
    try:
        graph = LayerGraph(network)
        output = next(n for n in graph.graph.nodes if n.op == "output").args[0]
        if isinstance(output, torch.fx.Node):
            with torch.inference_mode():
                ((_, value),) = graph.stream(probe, [output.name])
                if isinstance(value, Tensor) and torch.equal(value, network(probe)):
                    return graph
    except Exception:  # noqa: BLE001, S110 - tracing may fail in any way; hooks always work
        pass
    return HookedNetwork(network, probe)


def _stride(shape: torch.Size, axis: int, seen: Field | None, side: int) -> int | None:
    """Distance in pixels between features of a layer; None for a vector."""
    if len(shape) == 2:
        return None
    if len(shape) == 3:
        return _patch_size(shape[1], side)
    if shape[axis] == 1 and side > 32:
        return None
    if seen and seen.size is not None:
        return seen.jump
    return round(side / shape[axis])


def _patch_size(tokens: int, side: int) -> int | None:
    """Patch size of a token layer seen on a square probe: the largest grid that fits."""
    grid = int(tokens**0.5)
    return next((side // g for g in range(grid, 0, -1) if side % g == 0), None)
