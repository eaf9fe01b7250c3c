"""The field's names of layers."""

import re

import lpips.pretrained_networks
import pytest
import torch
import torchvision

from tests.backbones.inside import field_names


def names_of(name):
    with torch.device("meta"):
        options = {"init_weights": False} if name.startswith("vgg") else {}
        network = torchvision.models.get_model(name, weights=None, **options)
    return field_names(name, network), network


def test_vgg16_has_the_layers_of_lpips():
    names, _ = names_of("vgg16")
    taps = {3: "relu1_2", 8: "relu2_2", 15: "relu3_3", 22: "relu4_3", 29: "relu5_3"}
    assert {i: names[f"features.{i}"] for i in taps} == taps
    assert [names[f"features.{i}"] for i in (0, 1, 2, 4, 30)] == [
        "conv1_1", "relu1_1", "conv1_2", "pool1", "pool5",
    ]  # fmt: skip


def test_vgg19_bn():
    names, network = names_of("vgg19_bn")
    assert len(names) == len(set(names.values())) == len(network.features)
    assert [names[f"features.{i}"] for i in (0, 1, 2, 6, 51, 52)] == [
        "conv1_1", "bn1_1", "relu1_1", "pool1", "relu5_4", "pool5",
    ]  # fmt: skip


def test_alexnet():
    names, _ = names_of("alexnet")
    assert list(names.values()) == [
        "conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "conv3", "relu3", "conv4", "relu4",
        "conv5", "relu5", "pool5",
    ]  # fmt: skip


@pytest.mark.parametrize("version", ["squeezenet1_0", "squeezenet1_1"])
def test_squeezenet(version):
    names, network = names_of(version)
    fires = [p for p, m in network.named_modules() if type(m).__name__ == "Fire"]
    assert [names[path] for path in fires] == [f"fire{i}" for i in range(2, 10)]
    pools = {
        "squeezenet1_0": {"features.2": "pool1", "features.6": "pool4", "features.11": "pool8"},
        "squeezenet1_1": {"features.2": "pool1", "features.5": "pool3", "features.8": "pool5"},
    }
    assert {p: n for p, n in names.items() if n.startswith("pool")} == pools[version]
    if version == "squeezenet1_1":
        assert names["features.3"] == "fire2"
    assert names["classifier.1"] == "conv10"
    assert len(set(names.values())) == len(names)


def test_lpips_cuts_its_networks_where_our_names_say():
    """The `lpips` package slices the same Sequential: its slices end at our layers."""
    for name, kind, ends in (
        (
            "alexnet",
            lpips.pretrained_networks.alexnet,
            ["relu1", "relu2", "relu3", "relu4", "relu5"],
        ),
        (
            "squeezenet1_1",
            lpips.pretrained_networks.squeezenet,
            ["relu1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"],
        ),
    ):
        names, _ = names_of(name)
        slices = build_quietly(kind)
        last = [list(part._modules)[-1] for part in slices]
        assert [names[f"features.{index}"] for index in last] == ends


@pytest.mark.filterwarnings("ignore::UserWarning")
def build_quietly(kind):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = kind(pretrained=False)
    parts = [m for n, m in network.named_children() if re.fullmatch(r"slice\d", n)]
    return parts


def test_vit():
    names, _ = names_of("vit_b_32")
    assert names == {f"encoder.layers.encoder_layer_{i}": f"blocks.{i}" for i in range(12)}


def test_other_families_have_none():
    assert names_of("resnet18")[0] == {}
