"""Where networks come from: the embedded ones, torchvision, timm and open_clip.

Each source builds a network without weights and says where its published weights are; loading
them is the same for all (see `_factory`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snellen.backbones._clip import (
    ANY_SIZE,
    block_names,
    build_image_tower,
    fetch_of,
    published_clip,
)
from snellen.backbones._hub import fetch_from_hub
from snellen.backbones._names import field_names
from snellen.backbones._weights import fetch_url
from snellen.errors import BackboneError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)

EMBEDDED = ("fovea", "gabor")
"""Networks that come with the package, the default one first."""


@dataclass(frozen=True)
class Architecture:
    """A network to be built, and how to treat it.

    Attributes
    ----------
    name
        Name under which it is known here.
    build
        Makes the network with random weights.
    build_for
        Makes the network that a file's tensors belong to, where they can tell its widths.
    fetch
        Returns the file of its published weights, fetching it if needed; None if there are none.
    published
        What its published weights are called: ``"imagenet"``, or ``"embedded"`` for those that
        come with the package.
    mean, std
        Normalisation of image values in [0, 1].
    field_names
        Names of layers, by path, given the built network.
    fixed_size
        The only image size (height, width) that it takes, if there is one.
    probe_sizes
        Sides of the square image of the trial run, the first of which that works is taken.
    prefix
        Prefix of this network's tensors in files that hold more than it.
    ignore
        Prefixes of the classifier: tensors that a weights file may lack or have in excess.
    listed
        Paths of the layers to list; found from the network's structure if empty.
    """

    name: str
    build: Callable[[], nn.Module]
    fetch: Callable[[], Path] | None
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    field_names: Callable[[nn.Module], dict[str, str]] = field(default=lambda _: {})
    fixed_size: tuple[int, int] | None = None
    probe_sizes: tuple[int, ...] = (128,)
    prefix: str = ""
    ignore: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    published: str = "imagenet"
    build_for: Callable[[Mapping[str, Tensor]], nn.Module] | None = None


def find_architecture(name: str) -> Architecture:
    """Look a name up: embedded, then torchvision, then timm; ``timm/`` or ``open_clip/`` decides.

    Raises
    ------
    BackboneError
        No source knows the name; the message lists the nearest ones.
    """
    source, _, rest = name.partition("/")
    if source == "open_clip" and rest:
        return _open_clip(rest)
    if source == "timm" and rest:
        return _timm(rest)
    if name in EMBEDDED:
        return _fovea() if name == "fovea" else _gabor()
    if name in _torchvision_names():
        return _torchvision(name)
    import timm

    if timm.is_model(name):
        return _timm(name)
    raise BackboneError(_unknown(name))


def list_backbones(pattern: str = "") -> list[str]:
    """Return the names of backbones, embedded ones first, then torchvision's, then timm's.

    Parameters
    ----------
    pattern
        Only names that contain this text.

    Returns
    -------
    list of str
        timm's names carry the prefix ``timm/``. Any open_clip tower is ``open_clip/NAME``.

    Examples
    --------
    >>> list_backbones("squeezenet")
    ['squeezenet1_0', 'squeezenet1_1']
    """
    import timm

    names = [*EMBEDDED, *_torchvision_names(), *(f"timm/{n}" for n in timm.list_models())]
    return [name for name in names if pattern in name]


def _unknown(name: str) -> str:
    near = get_close_matches(name.removeprefix("timm/"), _every_name(), n=5, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    return f"No backbone is called {name!r}. {hint}`snellen list backbones` shows all names."


def _every_name() -> list[str]:
    return [*list_backbones(), *(n.removeprefix("timm/") for n in list_backbones("timm/"))]


def _fovea() -> Architecture:
    from snellen.backbones._fovea import Fovea, fovea_for, shipped_weights

    return Architecture(
        "fovea",
        build=Fovea,
        build_for=fovea_for,
        fetch=shipped_weights,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        listed=Fovea().layers,
        published="embedded",
    )


def _gabor() -> Architecture:
    from snellen.backbones._gabor import GABOR_LAYERS, GaborBank

    return Architecture(
        "gabor",
        build=GaborBank,
        fetch=None,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        listed=tuple(GABOR_LAYERS),
    )


def _torchvision_names() -> list[str]:
    import torchvision

    return list(torchvision.models.list_models(module=torchvision.models))


def _torchvision(name: str) -> Architecture:
    import torchvision

    weights = torchvision.models.get_model_weights(name)
    published = getattr(weights, "IMAGENET1K_V1", None) or next(iter(weights))
    inception = name in ("googlenet", "inception_v3")
    # Warns unless told, and takes half a minute to draw what will be overwritten.
    options: dict[str, Any] = {"init_weights": False} if inception else {}
    # Theirs were trained on [-1, 1]; torchvision undoes its own normalisation inside of them.
    mean, std = (HALF, HALF) if inception else (IMAGENET_MEAN, IMAGENET_STD)
    size = published.transforms().crop_size[0] if name.startswith(("vit_", "maxvit_")) else None
    return Architecture(
        name,
        build=lambda: torchvision.models.get_model(name, weights=None, **options),
        fetch=lambda: fetch_url(published.url),
        mean=mean,
        std=std,
        field_names=lambda network: field_names(name, network),
        fixed_size=(size, size) if size else None,
        ignore=("classifier.", "fc.", "head.", "heads.", "AuxLogits.", "aux1.", "aux2."),
    )


def _timm(name: str) -> Architecture:
    import timm

    if not timm.is_model(name):
        raise BackboneError(_unknown(f"timm/{name}"))
    config = timm.get_pretrained_cfg(name) or timm.models.PretrainedCfg()
    flexible = _is_flexible(name)
    size = config.input_size[1:]
    return Architecture(
        f"timm/{name}",
        build=lambda: _build_timm(name),
        fetch=partial(fetch_from_hub, config.hf_hub_id) if config.hf_hub_id else None,
        mean=tuple(config.mean),
        std=tuple(config.std),
        fixed_size=size if config.fixed_input_size and not flexible else None,
        probe_sizes=(size[0],) if flexible else (128, size[0]),
        ignore=("classifier.", "fc.", "head.", "head_dist."),
    )


def _build_timm(name: str) -> nn.Module:
    import timm

    options: dict[str, Any] = {"dynamic_img_size": True} if _is_flexible(name) else {}
    network: nn.Module = timm.create_model(name, pretrained=False, **options)
    return network


def _is_flexible(name: str) -> bool:
    """Tell whether timm interpolates this network's position embedding to any size."""
    import timm

    room = timm.model_entrypoint(name).__module__.rpartition(".")[2]
    return room in ("vision_transformer", "vision_transformer_hybrid", "deit", "eva")


def _open_clip(name: str) -> Architecture:
    try:
        import open_clip
    except ImportError as error:
        raise BackboneError(
            "open_clip is not installed, which open_clip/... backbones need: "
            "pip install 'snellen[clip]'."
        ) from error
    model = name.removesuffix(ANY_SIZE)
    if model not in open_clip.list_models():
        near = get_close_matches(model, open_clip.list_models(), n=5, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}? " if near else ""
        raise BackboneError(
            f"open_clip has no model {model!r}. {hint}`open_clip.list_models()` shows all names."
        )
    config = open_clip.get_model_config(model)
    side = config["vision_cfg"].get("image_size", 224)
    sides = (side, side) if isinstance(side, int) else tuple(side)
    published = published_clip(model, quick_gelu=config.get("quick_gelu", False))
    return Architecture(
        f"open_clip/{name}",
        build=lambda: build_image_tower(name),
        fetch=fetch_of(published),
        mean=tuple(published.get("mean", open_clip.OPENAI_DATASET_MEAN)),
        std=tuple(published.get("std", open_clip.OPENAI_DATASET_STD)),
        field_names=block_names,
        fixed_size=sides if name == model else None,
        prefix="visual.",
        ignore=() if name == model else ("attnpool.positional_embedding",),
    )


def seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Build a network whose random weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would also seed the generators of all GPUs.
        torch.default_generator.manual_seed(seed)
        return build()
