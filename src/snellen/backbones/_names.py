"""The names that the field gives to the layers of well-known networks.

Layers of every other network are called by the qualified name of the module that makes them.
"""

import re

from torch import nn


def field_names(name: str, network: nn.Module) -> dict[str, str]:
    """Map qualified names of modules to field names, for the families that have them.

    Parameters
    ----------
    name
        Name of the network in torchvision's catalogue.
    network
        The network itself.

    Returns
    -------
    dict of str to str
        For example ``{"features.3": "relu1_2"}`` for VGG-16; empty for other families.
    """
    if name == "alexnet":
        return _by_stage(network, per_stage=False)
    if name.startswith("vgg"):
        return _by_stage(network, per_stage=True)
    if name.startswith("squeezenet"):
        return _squeezenet(network)
    if name.startswith("vit_"):
        return {
            path: re.sub(r"encoder\.layers\.encoder_layer_(\d+)$", r"blocks.\1", path)
            for path, _ in network.named_modules()
            if re.fullmatch(r"encoder\.layers\.encoder_layer_\d+", path)
        }
    return {}


def _by_stage(network: nn.Module, *, per_stage: bool) -> dict[str, str]:
    """Name conv1_1, bn1_1, relu1_1, ..., pool1 (VGG) or conv1, relu1, pool1 (AlexNet)."""
    names, stage, step = {}, 1, 0
    for path, module in network.get_submodule("features").named_children():
        if isinstance(module, nn.Conv2d):
            step += 1
        number = f"{stage}_{step}" if per_stage else str(step)
        kind = {"Conv2d": "conv", "BatchNorm2d": "bn", "ReLU": "relu"}.get(type(module).__name__)
        if kind is None:
            names[f"features.{path}"] = f"pool{stage if per_stage else step}"
            stage, step = (stage + 1, 0) if per_stage else (stage, step)
        else:
            names[f"features.{path}"] = f"{kind}{number}"
    return names


def _squeezenet(network: nn.Module) -> dict[str, str]:
    """Name conv1, relu1, pool1, fire2 ... fire9, and pools by the layer before them."""
    names, last = {}, 1
    for path, module in network.get_submodule("features").named_children():
        kind = type(module).__name__
        if kind == "Fire":
            last += 1
        prefix = {"Conv2d": "conv", "ReLU": "relu", "Fire": "fire"}.get(kind, "pool")
        names[f"features.{path}"] = f"{prefix}{last}"
    return {**names, "classifier.1": "conv10", "classifier.2": "relu10"}
