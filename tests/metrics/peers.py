"""Peers of ours with random networks, and the same networks as weights files of ours.

The peers' constructors ask torchvision for pretrained networks, and torchvision warns that they do
so in an old way; here torchvision gives them random ones, without the classifiers, which take
most of the time and none of the part.
"""

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import lpips
import torch
import torchvision
from DISTS_pytorch.DISTS_pt import DISTS
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

BACKBONES = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


def make_lpips(net: str, folder: Path) -> tuple[lpips.LPIPS, Path, Path]:
    """Return LPIPS on a random network with its own head, and files of both for us."""
    with _random_vgg(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = lpips.LPIPS(net=net, pnet_rand=True, verbose=False).eval()
    head = {k: v for k, v in peer.state_dict().items() if k.startswith("lin") and "lins" not in k}
    return peer, _save_trunk(peer.net, net, folder), _save(head, folder / f"head_{net}.pth")


def make_unweighted_lpips(peer: lpips.LPIPS, net: str) -> lpips.LPIPS:
    """Return LPIPS without its head, on the same network."""
    with _random_vgg(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = lpips.LPIPS(net=net, pnet_rand=True, lpips=False, verbose=False).eval()
    plain.net.load_state_dict(peer.net.state_dict())
    return plain


def make_dists(folder: Path) -> tuple[DISTS, Path, Path]:
    """Return DISTS on a random network with random alpha and beta, and files of both for us."""
    with _random_vgg():
        peer = DISTS(load_weights=False).eval()
    generator = torch.Generator().manual_seed(1)
    for parameter in (peer.alpha, peer.beta):
        parameter.data = torch.rand(parameter.shape, generator=generator)
    head = {"alpha": peer.alpha.detach(), "beta": peer.beta.detach()}
    return peer, _save_trunk(peer, "vgg", folder), _save(head, folder / "head_dists.pth")


def random_vgg(configuration: str) -> nn.Sequential:
    """Return the convolutions of VGG-16 ("D") or VGG-19 ("E"), random."""
    features = make_layers(cfgs[configuration], batch_norm=False)
    generator = torch.Generator().manual_seed(0)
    for module in features:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            nn.init.normal_(module.bias, std=0.05, generator=generator)
    return features


def _random_vgg() -> Any:
    features = random_vgg("D")
    fake = SimpleNamespace(features=features)
    return mock.patch.object(torchvision.models, "vgg16", return_value=fake)


def _save_trunk(network: nn.Module, net: str, folder: Path) -> Path:
    """Save convolutions of a peer under torchvision's names, which come in the same order."""
    with torch.device("meta"):
        ours = torchvision.models.get_model(BACKBONES[net], weights=None).state_dict()
    names = [name for name in ours if name.startswith("features")]
    trunk = [p for name, p in network.named_parameters() if name not in ("alpha", "beta")]
    state = dict(zip(names, (p.detach() for p in trunk), strict=True))
    assert all(ours[name].shape == value.shape for name, value in state.items())
    return _save(state, folder / f"trunk_{net}.pth")


def _save(state: dict[str, torch.Tensor], path: Path) -> Path:
    torch.save(state, path)
    return path
