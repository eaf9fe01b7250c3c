"""A frozen network with named layers: the only place where a network is run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snellen.backbones._checkpoint import state_sha256
from snellen.backbones._hooked import HookedNetwork
from snellen.backbones._layer_table import LayerTable
from snellen.backbones._layers import INPUT_LAYER, LayerInfo, as_map
from snellen.backbones._receptive import Reach
from snellen.backbones._trial import make_runner, probe_image
from snellen.errors import BackboneError, SnellenError


@dataclass(frozen=True)
class WeightsInfo:
    """Where the weights of a backbone came from.

    Attributes
    ----------
    source
        ``"closed form"``, ``"embedded"``, ``"random"``, ``"imagenet"``, ``"file"``, or
        ``"module"`` (the user's).
    sha256
        Hash of the file, or of the tensors where there is no file.
    detail
        File name, seed, address: whatever it takes to get the same weights again.
    path
        The file on this machine, if there is one. It stands in no manifest.
    """

    source: str
    sha256: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    path: Path | None = field(default=None, compare=False)

    def manifest(self) -> dict[str, Any]:
        """Return plain values for a manifest."""
        return {"source": self.source, "sha256": self.sha256, **self.detail}


class Backbone(nn.Module):
    """A frozen network, its own preprocessing, and its layers under the field's names.

    Made by `create_backbone`, which see.

    Parameters
    ----------
    network
        Takes an image batch (N, 3, H, W), normalised by `mean` and `std`. It is frozen, put in
        evaluation mode and laid out channels-last.
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
    variant : dict of str to str
        What was changed in the network against its name, such as its pooling.
    weights_sha256 : str
        Hash of the weights: of their file if there is one, of the tensors otherwise, as they were
        when the backbone was made.

    Raises
    ------
    BackboneError
        The network does not take the trial image, or none of its modules returns features.
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
        self._constants: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor]] = {}
        network.eval().requires_grad_(False)
        self.weights_sha256 = weights.sha256 or state_sha256(network.state_dict())
        self._head = tuple(head)
        self._probe_size = fixed_size or (probe_size, probe_size)
        self._runner = make_runner(network, probe_image(self._probe_size), name)
        self._table = LayerTable(
            self._runner, name, field_names or {}, listed, side=self._probe_size[0]
        )
        self.to(memory_format=torch.channels_last)

    @property
    def layers(self) -> tuple[LayerInfo, ...]:
        """The listed layers in order of depth.

        By default they are the trunk of the network: the points that everything passes through.
        """
        return self._table.listed

    @property
    def thread_safe(self) -> bool:
        """Whether images may go through in several threads at once.

        So it is for networks that could be traced: others run code that may keep something.
        """
        return not isinstance(self._runner, HookedNetwork)

    def layer(self, name: str) -> LayerInfo:
        """Describe one layer, listed or not, by the field's name or by its path.

        Raises
        ------
        BackboneError
            There is no such layer; the message names the nearest ones.
        """
        return self._table.find(name)

    def reach(self, name: str) -> Reach:
        """Tell which pixels the features of a layer see, for scoring an image tile by tile.

        Raises
        ------
        BackboneError
            There is no such layer, or its features see the whole image.

        Examples
        --------
        >>> from snellen.backbones import create_backbone
        >>> create_backbone("vgg16", "random").reach("relu1_2")
        Reach(first=-2, last=2, jump=1)
        """
        if self.fixed_size is not None:
            raise BackboneError(f"{self.name} takes images of one size only.")
        return self._table.reach(name)

    def is_head(self, name: str) -> bool:
        """Tell whether a layer belongs to the classifier."""
        return f"{self.layer(name).path}.".startswith(self._head)

    def normalise(self, batch: Tensor) -> Tensor:
        """Bring an image batch (N, 3, H, W) in [0, 1] to the network's own values and type."""
        if self.mean != (0.0, 0.0, 0.0) or self.std != (1.0, 1.0, 1.0):
            mean, std = self._constants_for(batch)
            batch = (batch - mean) / std
        return batch.to(dtype=self.precision, memory_format=torch.channels_last)

    def _constants_for(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        # Not buffers: casting the network to bfloat16 must not round its normalisation. Not made
        # in inference mode: autograd refuses to save such tensors.
        exact = torch.promote_types(self.precision, torch.float32)
        key = batch.device, torch.promote_types(batch.dtype, exact)
        if key not in self._constants:
            device, dtype = key
            with torch.inference_mode(False):
                mean, std = (
                    torch.tensor(values, device=device, dtype=dtype).view(1, 3, 1, 1)
                    for values in (self.mean, self.std)
                )
                self._constants[key] = mean, std
        return self._constants[key]

    @property
    def precision(self) -> torch.dtype:
        """Floating-point type in which the network computes."""
        network = self._runner.network
        values = chain(network.parameters(), network.buffers())
        return next((t.dtype for t in values if t.is_floating_point()), torch.float32)

    def stream(
        self, batch: Tensor, layers: Iterable[str], *, lend: bool = False
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield (layer, features) one layer at a time, in order of depth.

        Nothing deeper than the deepest layer asked for is computed, and no layer is kept after
        it was yielded: advance two of these together to take a pair through layer by layer.

        Parameters
        ----------
        batch
            Image batch (N, 3, H, W), float, RGB, in [0, 1].
        layers
            Names of layers; ``"input"`` is the image batch itself.
        lend
            Let the network overwrite the features of a layer as soon as the next layer is asked
            for, as it does on its own: activations then write in place, which takes less time.

        Yields
        ------
        tuple of str and Tensor
            Name as asked for, and features (N, C, h, w); they stay valid if not lent.

        Raises
        ------
        BackboneError
            A layer does not exist, or the network does not take images of this size.
        """
        self._check_batch(batch)
        asked: dict[str, list[str]] = {}
        for name in dict.fromkeys(layers):
            if name == INPUT_LAYER:
                yield name, batch
            else:
                asked.setdefault(self._table.node(name), []).append(name)
        if asked:
            self._check_size(batch)
            yield from self._stream_nodes(batch, asked, lend)

    def _stream_nodes(
        self, batch: Tensor, asked: dict[str, list[str]], lend: bool
    ) -> Iterator[tuple[str, Tensor]]:
        height, width = batch.shape[-2:]
        try:
            for node, value in self._runner.stream(self.normalise(batch), asked, lend=lend):
                features = value.permute(0, 3, 1, 2) if self._table.is_transposed(node) else value
                features = as_map(features, height, width, self.layer(asked[node][0]).stride)
                for name in asked[node]:
                    yield name, features
                del value, features  # or they would live until the next layer is there
        except (RuntimeError, AssertionError, ValueError, IndexError) as error:
            if isinstance(error, SnellenError | torch.OutOfMemoryError):
                raise
            if (height, width) == self._probe_size or not self._takes_probe(batch, asked):
                raise
            raise BackboneError(
                f"{self.name} cannot take images of {width}x{height} pixels: {error} "
                "Use larger images, shallower layers, or a protocol that resizes."
            ) from error

    def _takes_probe(self, batch: Tensor, nodes: Iterable[str]) -> bool:
        """Tell whether the network runs where only the size of the images differs."""
        probe = probe_image(self._probe_size).to(batch)
        try:
            with torch.no_grad():
                list(self._runner.stream(self.normalise(probe), nodes))
        except Exception:
            return False
        return True

    def _check_batch(self, batch: Tensor) -> None:
        if batch.ndim != 4 or batch.shape[1] != 3 or not batch.is_floating_point():
            raise BackboneError(
                f"{self.name} takes an image batch (N, 3, H, W) of floats; got shape "
                f"{tuple(batch.shape)} of {batch.dtype}."
            )

    def _check_size(self, batch: Tensor) -> None:
        size = tuple(batch.shape[-2:])
        if self.fixed_size is not None and size != self.fixed_size:
            raise BackboneError(
                f"{self.name} takes images of {self.fixed_size[1]}x{self.fixed_size[0]} pixels "
                f"only; got {size[1]}x{size[0]}. Resize them, e.g. with "
                f'resize="{self.fixed_size[1]}x{self.fixed_size[0]}" in create_metric.'
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
        chosen = [info.name for info in self.layers] if layers is None else layers
        return dict(self.stream(batch, chosen))

    def keep(self, layers: Iterable[str]) -> None:
        """Give up every part of the network that the given layers do not need, and its memory."""
        self._runner.drop_unused({self._table.node(n) for n in layers if n != INPUT_LAYER})
        self._table.keep(self._runner.node_of_path.values())

    def select(self, layers: Sequence[str]) -> None:
        """List the given layers instead of the trunk, and keep only what they need."""
        chosen = {self.layer(name).name: self.layer(name) for name in layers}
        self.keep(chosen)
        self._table.listed = tuple(chosen.values())

    def train(self, mode: bool = True) -> "Backbone":
        """Stay in evaluation mode: a backbone is frozen."""
        return super().train(False)

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
