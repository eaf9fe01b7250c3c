r"""The contextual loss: features of one image find their like anywhere in the other.

With the cosine distances :math:`d_{ij}` of centred features :math:`x_i` of the restored image and
:math:`y_j` of the target (Mechrez et al. [1]_):

.. math::

    \tilde d_{ij} = \frac{d_{ij}}{\min_k d_{ik} + \epsilon}, \quad
    w_{ij} = \exp\frac{1 - \tilde d_{ij}}{h}, \quad
    \mathrm{CX}_{ij} = \frac{w_{ij}}{\sum_k w_{ik}}, \quad
    L = -\log \frac{1}{M} \sum_j \max_i \mathrm{CX}_{ij}

References
----------
.. [1] Mechrez, Talmi, Zelnik-Manor: The Contextual Loss for Image Transformation with Non-Aligned
   Data. ECCV 2018; and Mechrez et al.: Maintaining Natural Image Statistics with the Contextual
   Loss. ACCV 2018.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from snellen.backbones import Backbone, create_backbone
from snellen.errors import LossError
from snellen.losses._best_matches import best_matches
from snellen.losses._embedded import DEFAULT, stages
from snellen.losses._feature import ChannelWeights, weights_of_channels
from snellen.losses._loss import Loss, Reduction, held, widened
from snellen.losses._target_memory import TargetMemory

Sampling = Literal["regular", "random"]


class ContextualLoss(Loss):
    """Contextual loss in bounded memory.

    Similarities are computed for a block of positions at a time, forward and backward, so that no
    matrix of all positions times all positions exists; the value does not depend on the block.

    Parameters
    ----------
    backbone
        Name of a network, or one made by `snellen.create_backbone`.
    layers
        One layer or several, over which the loss is averaged. By default those of the file of
        channel weights if one is given, else the second stage of the embedded network.
    weights
        Weights of the backbone, if it is given by name.
    bandwidth
        h: how soft the choice of the best match is.
    positions
        Most positions of a layer that are compared; all by default.
    sampling
        Which ones where there are more: ``"regular"``, evenly spread, or ``"random"``, drawn anew
        in every training step (the number of draws is part of the module's state).
    channel_weights
        Non-negative weights of the channels (C,) by layer, or a file of them. They enter as the
        square root on both features: products of features have the weights.
    block_bytes
        Most memory of one matrix of similarities; about five such exist at a time.
    weight, reduction
        See `Loss`.

    Raises
    ------
    LossError
        An option is out of its range.
    BackboneError, WeightsError
        There is no such network, layer or file.

    Examples
    --------
    >>> loss = ContextualLoss("gabor", "complex1", positions=256)
    >>> x = torch.rand(1, 3, 64, 64)
    >>> bool(loss(x, x) < loss(x.flip(1), x))
    True
    """

    draws: Tensor

    def __init__(
        self,
        backbone: str | Backbone = DEFAULT,
        layers: str | Sequence[str] | None = None,
        *,
        weights: str | None = None,
        bandwidth: float = 0.5,
        positions: int | None = None,
        sampling: Sampling = "regular",
        channel_weights: ChannelWeights | None = None,
        block_bytes: int = 1 << 24,
        weight: float = 1.0,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(weight=weight, reduction=reduction)
        _check_options(bandwidth, positions, sampling, block_bytes)
        self.bandwidth, self.positions, self.sampling = bandwidth, positions, sampling
        self.block_bytes = block_bytes
        by_layer = dict(weights_of_channels(channel_weights) or {})
        self.backbone, self.layers = _network(backbone, weights, layers, list(by_layer))
        _check_weights(by_layer, self.backbone, self.layers)
        for i, layer in enumerate(self.layers):
            self.register_buffer(f"channel_weights_{i}", by_layer.get(layer), persistent=False)
        self.register_buffer("draws", torch.zeros((), dtype=torch.long))
        self.memory: TargetMemory[dict[str, Tensor]] = TargetMemory()

    def _per_image(self, x: Tensor, target: Tensor | None) -> Tensor:
        assert target is not None
        others = self.memory.recall(target, self._features)
        if self.sampling == "random" and self.training:
            self.draws += 1
        total = x.new_zeros(())
        for i, (layer, f) in enumerate(self.backbone.stream(held(x), self.layers)):
            total = total + self._layer(f, others[layer], self._buffers[f"channel_weights_{i}"])
        return total / len(self.layers)

    def _features(self, target: Tensor) -> dict[str, Tensor]:
        return self.backbone(held(widened(target)), self.layers)  # type: ignore[no-any-return]

    def _layer(self, f: Tensor, g: Tensor, weights: Tensor | None) -> Tensor:
        chosen = self._chosen(f.shape[2] * f.shape[3], f.device)
        x, y = (widened(t).flatten(2)[..., chosen] for t in (f, g))
        centre = y.mean(2, keepdim=True)
        root = 1 if weights is None else weights.to(x).sqrt()[:, None]
        x, y = ((t - centre) * root for t in (x, y))
        values = [
            -best_matches(
                _unit(a.T), _unit(y[min(n, len(y) - 1)].T), self.bandwidth, self.block_bytes
            ).mean().log()
            for n, a in enumerate(x)
        ]  # fmt: skip
        return torch.stack(values)

    def _chosen(self, count: int, device: torch.device) -> Tensor:
        if self.positions is None or count <= self.positions:
            return torch.arange(count, device=device)
        if self.sampling == "regular":
            return (torch.arange(self.positions, device=device) * count) // self.positions
        generator = torch.Generator().manual_seed(int(self.draws))
        return torch.randperm(count, generator=generator)[: self.positions].to(device)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "ContextualLoss":
        self.memory.forget()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self


def _unit(rows: Tensor) -> Tensor:
    """Scale vectors (P, C) to unit length; what is as good as zero becomes zero."""
    norm: Tensor = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    some = norm > 1e-6
    return torch.where(some, rows / torch.where(some, norm, 1), 0)


def _check_options(
    bandwidth: float, positions: int | None, sampling: str, block_bytes: int
) -> None:
    if not bandwidth > 0:
        raise LossError(f"bandwidth must be positive; got {bandwidth!r}.")
    if positions is not None and (not isinstance(positions, int) or positions < 1):
        raise LossError(f"positions must be a whole number of at least 1; got {positions!r}.")
    if sampling not in ("regular", "random"):
        raise LossError(f"sampling must be 'regular' or 'random'; got {sampling!r}.")
    if block_bytes < 1:
        raise LossError(f"block_bytes must be positive; got {block_bytes!r}.")


def _network(
    backbone: str | Backbone,
    weights: str | None,
    layers: str | Sequence[str] | None,
    weighted: list[str],
) -> tuple[Backbone, tuple[str, ...]]:
    if isinstance(backbone, Backbone):
        if weights is not None:
            raise LossError("backbone is made: give its weights to create_backbone.")
        made = backbone
    else:
        made = create_backbone(backbone, weights)
    if layers is None:
        layers = weighted or stages(made)[1:2]
    names = (layers,) if isinstance(layers, str) else tuple(layers)
    if not names:
        raise LossError(f"layers: name at least one layer of {made.name}.")
    chosen = tuple(made.layer(name).name for name in names)
    if made is not backbone:
        made.keep(chosen)
    return made, tuple(name for name in _by_depth(made, chosen))


def _by_depth(backbone: Backbone, names: tuple[str, ...]) -> list[str]:
    """Sort names as `Backbone.stream` yields them."""
    probe = torch.zeros(1, 3, *(backbone.fixed_size or (64, 64)))
    with torch.no_grad():
        return [name for name, _ in backbone.stream(probe, names)]


def _check_weights(
    by_layer: dict[str, Tensor], backbone: Backbone, layers: tuple[str, ...]
) -> None:
    for layer, value in by_layer.items():
        if layer not in layers:
            raise LossError(f"channel_weights: {layer!r} is not among {', '.join(layers)}.")
        channels = backbone.layer(layer).channels
        if tuple(value.shape) != (channels,) or not bool((value >= 0).all() and value.any()):
            raise LossError(
                f"channel_weights of {layer!r}: expected {channels} non-negative numbers, not all "
                f"0; got shape {tuple(value.shape)}."
            )
