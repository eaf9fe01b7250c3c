"""The trial run of a network, which finds out whether and how it can be run."""

import logging
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from snellen.backbones._graph import LayerGraph
from snellen.backbones._hooked import HookedNetwork
from snellen.errors import BackboneError

_log = logging.getLogger(__name__)


def probe_image(size: tuple[int, int]) -> Tensor:
    """Return the batch of one image (1, 3, *size) of noise in [0, 1], always the same."""
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))


def make_runner(network: nn.Module, probe: Tensor, name: str) -> LayerGraph | HookedNetwork:
    """Trace a network where that is possible and gives what the network gives.

    Parameters
    ----------
    network
        In evaluation mode.
    probe
        Image batch for the trial.
    name
        What to call the network in errors.

    Returns
    -------
    LayerGraph or HookedNetwork
        The second, which needs more memory, for networks that cannot be traced.

    Raises
    ------
    BackboneError
        The network fails on the probe.
    """
    values = chain(network.parameters(), network.buffers())
    like = next((value for value in values if value.is_floating_point()), probe)
    probe = probe.to(device=like.device, dtype=like.dtype)
    with torch.no_grad():
        expected = _try(network, probe, name)
        try:
            return LayerGraph(network, probe.clone(), expected)
        except Exception as error:  # tracing may fail in any way; hooks always work
            _log.debug("%s cannot be traced, hooks will do: %s", name, error)
        return HookedNetwork(network, probe)


def _try(network: nn.Module, probe: Tensor, name: str) -> Any:
    try:
        return network(probe.clone())
    except Exception as error:
        raise BackboneError(
            f"{name} failed on a trial image batch of shape {tuple(probe.shape)}: "
            f"{type(error).__name__}: {error}. A backbone's forward must take one float tensor "
            "(N, 3, H, W)."
        ) from error
