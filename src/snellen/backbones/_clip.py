"""CLIP models as open_clip builds them: their published weights, and a name for what they embed."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snellen.backbones._hub import fetch_from_hub
from snellen.errors import BackboneError

PREFIX = "open_clip/"

EMBEDDING_LAYER = "embedding"
"""Layer of every image tower that lies in one space with the text: (N, D, 1, 1)."""

ANY_SIZE = "@any-size"
"""Ends the name of a ResNet tower whose pooling knows no positions, as CLIP-IQA uses it."""


def build_clip(name: str) -> nn.Module:
    """Build both towers with random weights, quietly."""
    import open_clip

    # It warns the root logger of what was asked for, which sets logging up behind one's back.
    root, quiet = logging.getLogger(), logging.NullHandler()
    root.addHandler(quiet)
    root.addFilter(_not_about_weights)
    try:
        model: nn.Module = open_clip.create_model(name, pretrained=None)
    finally:
        root.removeFilter(_not_about_weights)
        root.removeHandler(quiet)
    return model


def _not_about_weights(record: logging.LogRecord) -> bool:
    return "No pretrained weights" not in record.getMessage()


def build_image_tower(name: str) -> nn.Module:
    """Build an image tower whose output is a layer, `EMBEDDING_LAYER`."""
    tower: nn.Module = build_clip(name.removesuffix(ANY_SIZE)).visual  # type: ignore[assignment]
    if name.endswith(ANY_SIZE):
        forget_positions(tower, name)
    kind = type(tower)

    # Layers are what modules return, and the embedding is returned by the tower itself. The class
    # is changed, not wrapped: every other layer keeps its path, and weights files their names.
    class Embedding(kind):  # type: ignore[valid-type,misc]
        def forward(self, x: Tensor) -> Tensor:
            embedded: Tensor = self.embedding(kind.forward(self, x))
            return embedded

    Embedding.__name__ = kind.__name__
    tower.__class__ = Embedding
    tower.embedding = nn.Identity()
    return tower


def forget_positions(tower: nn.Module, name: str) -> None:
    """Take the positions out of a ResNet tower's attention pooling, so that any size fits.

    Raises
    ------
    BackboneError
        The tower has no such pooling.
    """
    pool = getattr(tower, "attnpool", None)
    if pool is None:
        raise BackboneError(
            f"{PREFIX}{name}: {ANY_SIZE} is for ResNet towers, whose attention pooling can do "
            "without positions; vision transformers cannot."
        )
    width = pool.positional_embedding.shape[1]
    del pool.positional_embedding
    pool.register_buffer("positional_embedding", torch.zeros(1, width), persistent=False)


def published_clip(name: str, *, quick_gelu: bool) -> dict[str, Any]:
    """Describe the weights published for a model that were trained with its own activation.

    OpenAI's belong to the names that end in ``-quickgelu``; elsewhere they give other numbers.
    """
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    configs = [open_clip.get_pretrained_cfg(name, tag) for tag in tags]
    fitting = (c for c in configs if c.get("quick_gelu", False) == quick_gelu and c.get("hf_hub"))
    return next(fitting, {})


def fetch_of(published: dict[str, Any]) -> Callable[[], Path] | None:
    """Return what fetches published weights: one file with both towers."""
    if not published:
        return None
    return partial(fetch_from_hub, published["hf_hub"].rstrip("/"), "open_clip_model.safetensors")


def block_names(network: nn.Module) -> dict[str, str]:
    """Name the blocks of a transformer ``blocks.N``."""
    start = "transformer.resblocks."
    return {
        path: f"blocks.{path.removeprefix(start)}"
        for path, _ in network.named_modules()
        if path.startswith(start) and path.count(".") == 2
    }
