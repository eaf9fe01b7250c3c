"""`create_backbone`: from a name, a file or a user's module to a frozen backbone."""

import copy
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from snellen.backbones._backbone import Backbone, WeightsInfo
from snellen.backbones._checkpoint import load_into, load_state_dict, strip_prefix
from snellen.backbones._digest import file_sha256
from snellen.backbones._gabor import GaborBank
from snellen.backbones._pooling import POOLINGS, replace_max_pooling
from snellen.backbones._sources import Architecture, find_architecture, seeded
from snellen.errors import BackboneError, WeightsError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float64": torch.float64}


def create_backbone(
    network: str | nn.Module,
    weights: str | os.PathLike[str] | None = None,
    *,
    seed: int = 0,
    layers: Sequence[str] | None = None,
    pooling: str = "max",
    precision: str = "float32",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    name: str | None = None,
) -> Backbone:
    """Make a frozen network with named layers.

    Parameters
    ----------
    network
        ``"fovea"`` or ``"gabor"`` (embedded: nothing is downloaded); any of torchvision's
        classification networks (``"vgg16"``); any timm model (``"timm/convnext_tiny"``; the
        prefix may be left out where torchvision has no network of that name);
        ``"open_clip/ViT-B-32"`` (image tower; extra ``clip``); or your own module, which is
        copied, never changed.
    weights
        ``"imagenet"``: the weights published for this name, fetched once and checked by hash
        (the default of networks that have any; those of ``"fovea"`` come with the package and
        are called ``"embedded"``); ``"random"``: from `seed`; or a file,
        ``.safetensors`` or a plain state dict. A pickle that would run code is refused.
        For your own module: None keeps the weights that it has.
    seed
        Seed of random weights.
    layers
        Names of the layers to list, and the only ones to keep in memory; all by default.
    pooling
        What stands where the network has max-pooling: ``"max"``, ``"l2"`` (as DISTS does) or
        ``"average"``.
    precision
        ``"float32"``, ``"bfloat16"`` or ``"float64"``: the type in which the network computes.
    mean, std
        Normalisation of image values in [0, 1]; the network's own by default, for your own
        module ImageNet's.
    name
        What manifests call it; by default its own name.

    Returns
    -------
    Backbone
        Frozen, in evaluation mode.

    Raises
    ------
    BackboneError
        There is no such network or layer, or the module does not take image batches.
    WeightsError
        The weights are missing, damaged, refused, or belong to another network.

    Examples
    --------
    >>> backbone = create_backbone("squeezenet1_1", weights="random")
    >>> backbone.layers[3]
    LayerInfo(name='fire2', channels=128, stride=4, receptive_field=15, kind='Fire', ...)
    """
    _check_options(pooling, precision, layers)
    # Tensors made in inference mode could never take part in a gradient.
    with torch.inference_mode(False):
        architecture = _architecture(network)
        module, info = _build(architecture, weights, seed, given=isinstance(network, nn.Module))
        replace_max_pooling(module, pooling)
        backbone = _make(architecture, module, info, mean, std, name)
        backbone.variant = {"pooling": pooling} if pooling != "max" else {}
        if layers is not None:
            backbone.select(layers)
        return backbone.to(PRECISIONS[precision])


def _check_options(pooling: str, precision: str, layers: Sequence[str] | None) -> None:
    if isinstance(layers, str) or (layers is not None and not layers):
        raise BackboneError(f"layers must be a list of at least one name; got {layers!r}.")
    if pooling not in POOLINGS:
        raise BackboneError(f"pooling must be one of {', '.join(POOLINGS)}; got {pooling!r}.")
    if precision not in PRECISIONS:
        raise BackboneError(f"precision must be one of {', '.join(PRECISIONS)}; got {precision!r}.")


def _architecture(network: str | nn.Module) -> Architecture:
    if isinstance(network, str):
        return find_architecture(network)
    if isinstance(network, nn.Module):
        # Networks of one size only nearly always take 224.
        name, sizes = type(network).__name__, (128, 224)
        return Architecture(name, lambda: copy.deepcopy(network), None, probe_sizes=sizes)
    raise BackboneError(
        f"network must be a name or a torch.nn.Module; got {network!r}. "
        "Give an instance, not a class or a function that makes one."
    )


def _build(
    architecture: Architecture,
    weights: str | os.PathLike[str] | None,
    seed: int,
    *,
    given: bool,
) -> tuple[nn.Module, WeightsInfo]:
    """Build the network and load what was asked for."""
    if weights is None and architecture.fetch is None:
        if not given and architecture.name != "gabor":
            raise WeightsError(
                f"No weights are published for {architecture.name}: give a file with "
                'weights=FILE, or weights="random".'
            )
        module = architecture.build()
        detail = {"config": module.config()} if isinstance(module, GaborBank) else {}
        return module, WeightsInfo("module" if given else "closed form", detail=detail)
    if architecture.name == "gabor":
        raise WeightsError("gabor has no weights to load: leave out `weights`.")
    if weights == "random":
        if given:
            raise WeightsError(
                'weights="random" is for networks by name. Your own module keeps the weights that '
                "it has: leave out `weights`, or give a file."
            )
        return seeded(architecture.build, seed), WeightsInfo("random", detail={"seed": seed})
    path, source = _weights_file(architecture, weights)
    state = _state(architecture, path)
    build = partial(architecture.build_for, state) if architecture.build_for else architecture.build
    module = seeded(build, seed)
    load_into(module, state, source=path, ignore=architecture.ignore)
    return module, WeightsInfo(source, file_sha256(path), {"file": path.name}, path)


def _weights_file(
    architecture: Architecture, weights: str | os.PathLike[str] | None
) -> tuple[Path, str]:
    if weights is None or weights == architecture.published:
        if architecture.fetch is None:
            raise WeightsError(f"No weights are published for {architecture.name}.")
        return architecture.fetch(), architecture.published
    path = Path(weights)
    if not path.exists():
        raise WeightsError(
            f'weights: no such file: {path}. Expected "{architecture.published}", "random", or a '
            f"weights file for {architecture.name}."
        )
    return path, "file"


def _state(architecture: Architecture, path: Path) -> dict[str, Tensor]:
    state = load_state_dict(path)
    if architecture.prefix and any(key.startswith(architecture.prefix) for key in state):
        return strip_prefix(state, architecture.prefix)
    return state


def _make(
    architecture: Architecture,
    module: nn.Module,
    info: WeightsInfo,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    name: str | None,
) -> Backbone:
    for size in architecture.probe_sizes:
        try:
            return Backbone(
                module,
                name=name or architecture.name,
                weights=info,
                mean=_per_channel("mean", architecture.mean if mean is None else mean),
                std=_per_channel("std", architecture.std if std is None else std),
                field_names=architecture.field_names(module),
                listed=architecture.listed,
                head=architecture.ignore,
                probe_size=size,
                fixed_size=architecture.fixed_size,
            )
        except BackboneError:
            if size == architecture.probe_sizes[-1]:
                raise
    raise AssertionError("an architecture has at least one probe size")


def _per_channel(what: str, values: Sequence[float]) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if len(numbers) != 3 or (what == "std" and min(numbers) <= 0):
        raise BackboneError(f"{what} must be three numbers, for std positive; got {numbers}.")
    return numbers
