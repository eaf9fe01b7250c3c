"""Restoration networks by name: VDSR of our own, all others from spandrel."""

import importlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from snellen.errors import TrainingError
from snellen.restoration._vdsr import VDSR, enlarged

_EXTRA = {"restormer": "Restormer"}


class Enlarging(nn.Module):
    """A network that keeps the size of its input, behind a bicubic enlargement."""

    def __init__(self, network: nn.Module, scale: int) -> None:
        super().__init__()
        self.network, self.scale = network, scale

    def forward(self, batch: Tensor) -> Tensor:
        """Enlarge, then restore."""
        result: Tensor = self.network(enlarged(batch, self.scale))
        return result


def build_network(name: str, options: Mapping[str, Any], *, scale: int = 1) -> nn.Module:
    """Build a restoration network with fresh weights.

    Parameters
    ----------
    name
        ``"vdsr"``, or an architecture of spandrel: ``"NAFNet"``, ``"SwinIR"``, ``"ESRGAN"``;
        ``"Restormer"`` needs spandrel_extra_arches, whose licence restricts its use.
    options
        Arguments of its class.
    scale
        By how much images are enlarged. A network that keeps the size gets bicubic images.

    Returns
    -------
    torch.nn.Module
        Takes an image batch (N, 3, h, w) and returns (N, 3, scale * h, scale * w).

    Raises
    ------
    TrainingError
        There is no such network or option, a library is missing, or the network enlarges by
        another factor.
    """
    if name.lower() == "vdsr":
        return _made(VDSR, "vdsr", {"scale": scale, **options})
    network = _made(_architecture(name), name, options)
    return _fitted(network, name, scale)


def _made(cls: type[nn.Module], name: str, options: Mapping[str, Any]) -> nn.Module:
    try:
        return cls(**options)
    except Exception as error:  # options out of their range fail in any way
        raise TrainingError(f"network {name!r}: {error}.") from error


def _architecture(name: str) -> type[nn.Module]:
    extra = name.lower() in _EXTRA
    package = "spandrel_extra_arches" if extra else "spandrel"
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        hint = (
            "It stands under a restricted licence: see its README, then install "
            "spandrel_extra_arches."
            if extra
            else "Install snellen[train], or use vdsr, which is our own."
        )
        raise TrainingError(f"network {name!r} needs the package {package}. {hint}") from error
    proper = _EXTRA.get(name.lower(), name)
    try:
        module = importlib.import_module(f"{package}.architectures.{proper}")
        found: type[nn.Module] = getattr(module, proper)
    except (ModuleNotFoundError, AttributeError) as error:
        raise TrainingError(
            f"No network is called {name!r}: expected vdsr, Restormer, or the name of an "
            "architecture of spandrel as it spells it, such as NAFNet, SwinIR, ESRGAN or SPAN."
        ) from error
    return found


def _fitted(network: nn.Module, name: str, scale: int) -> nn.Module:
    probe = torch.zeros(1, 3, 64, 64)
    with torch.no_grad():
        factor = network.eval()(probe).shape[-1] / 64
    network.train()
    if factor == scale:
        return network
    if factor == 1:
        return Enlarging(network, scale)
    raise TrainingError(
        f"network {name!r} enlarges by {factor:g}, the plan by {scale}: make them equal."
    )
