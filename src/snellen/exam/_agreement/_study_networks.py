"""Networks that a study file names: from a catalogue, or anyone's code and checkpoint."""

import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snellen.backbones import (
    Backbone,
    create_backbone,
    find_architecture,
    load_into,
    load_state_dict,
    strip_prefix,
)
from snellen.errors import BackboneError, WeightsError


@dataclass(frozen=True)
class NetworkSpec:
    """One network of a study.

    Parameters
    ----------
    name
        What tables call it.
    architecture
        A name that `snellen.create_backbone` takes; or else `module`.
    module
        ``package.module:function``, which takes nothing and returns a ``torch.nn.Module``.
    weights
        ``"imagenet"``, ``"random"`` or a file; None for the architecture's default.
    key
        Where in a checkpoint its tensors lie, as in ``"classy_state_dict.base_model.model"``.
    prefix
        What stands before every name of its tensors; others are left out.
    ignore
        Prefixes of names that may be missing or left over.
    layers
        Layers to examine; all listed ones by default.
    mean, std
        Normalization of image values; the network's own by default.
    seed
        Of random weights.
    tags
        Values of the factors, such as ``goal``, ``data``, ``family``.
    folder
        What relative paths, and `module`, are relative to.
    """

    name: str
    architecture: str | None = None
    module: str | None = None
    weights: str | None = None
    key: str | None = None
    prefix: str | None = None
    ignore: Sequence[str] = ()
    layers: Sequence[str] = ()
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    seed: int = 0
    tags: Mapping[str, Any] = field(default_factory=dict)
    folder: str | Path = ""

    def __post_init__(self) -> None:
        if (self.architecture is None) == (self.module is None):
            raise BackboneError(
                f"network {self.name!r}: expected either `architecture` or `module`."
            )

    def build(self) -> Backbone:
        """Make the network with its weights.

        Raises
        ------
        BackboneError
            There is no such architecture, or the function does not make a module.
        WeightsError
            The weights are missing, refused, or do not fit.
        """
        options: dict[str, Any] = {"mean": self.mean, "std": self.std}
        weights = self.weights
        if weights not in (None, "imagenet", "random"):
            weights = str(Path(self.folder) / os.path.expandvars(str(weights)))
        foreign = bool(self.key or self.prefix or self.ignore)
        if self.architecture is not None and not foreign:
            return create_backbone(self.architecture, weights, seed=self.seed, **options)
        network = self._empty()
        name = self.architecture or str(self.module).rpartition(":")[2]
        if foreign and weights not in (None, "random"):
            self._load(network, Path(str(weights)))
            weights = None
        given = None if weights == "random" else weights
        return create_backbone(network, given, name=name, **options)

    def _empty(self) -> nn.Module:
        """Build the network with its own random weights, from the seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            if self.architecture is not None:
                return find_architecture(self.architecture).build()
            return self._call()

    def _call(self) -> nn.Module:
        path, _, function = str(self.module).partition(":")
        try:
            with _importable(Path(self.folder)):
                made = getattr(importlib.import_module(path), function)()
        except (ImportError, AttributeError) as error:
            raise BackboneError(
                f"network {self.name!r}: module {self.module!r} cannot be used: {error}. Expected "
                "package.module:function, importable or beside the study file."
            ) from error
        if not isinstance(made, nn.Module):
            raise BackboneError(
                f"network {self.name!r}: {self.module} returned {type(made).__name__}, not a "
                "torch.nn.Module."
            )
        return made

    def _load(self, network: nn.Module, path: Path) -> None:
        state = load_state_dict(path) if self.key is None else _state_under(path, self.key)
        if self.prefix is not None:
            state = strip_prefix(state, self.prefix)
        load_into(network, state, source=path, ignore=tuple(self.ignore))


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _state_under(path: Path, key: str) -> dict[str, Tensor]:
    """Read the tensors that lie under a dotted key of a PyTorch file; no code in it is run."""
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(f"{path}: cannot be read without running code in it: {error}") from error
    for part in key.split("."):
        if not isinstance(content, Mapping) or part not in content:
            there = ", ".join(map(str, content)) if isinstance(content, Mapping) else "tensors"
            raise WeightsError(f"{path}: there is no {part!r} of key {key!r}; found {there[:300]}.")
        content = content[part]
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path}: {key!r} is {type(content).__name__}, not tensors by name.")
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
