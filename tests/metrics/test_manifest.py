"""The manifest holds everything that changes a number."""

import json

import pytest
import torch
import torchvision

from snellen.backbones import GaborBank, create_backbone
from snellen.images import ImagePolicy
from snellen.metrics import create_metric, create_metrics

UNCHANGED = {"mean": (0, 0, 0), "std": (1, 1, 1)}


def head_file(folder, value):
    channels = (64, 128, 256, 384, 384, 512, 512)
    state = {
        f"lin{i}.model.1.weight": torch.full((1, c, 1, 1), value) for i, c in enumerate(channels)
    }
    torch.save(state, folder / f"head{value}.pth")
    return folder / f"head{value}.pth"


@pytest.mark.parametrize("name", ["dfb", "wsd-squeezenet1_1", "psnr", "ssim"])
def test_it_is_plain_data(name):
    options = {"weights": "random"} if "squeeze" in name else {}
    manifest = create_metric(name, **options).manifest()
    assert json.loads(json.dumps(manifest, allow_nan=False))["metric"] == name
    assert manifest["versions"]["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert ("piq" in manifest["versions"]) == (name == "ssim")


@pytest.mark.parametrize(
    "options",
    [
        {"layer": "complex2"},
        {"layers": ["complex1", "complex2"]},
        {"readout": "squared"},
        {"readout_options": {"reading": "channel"}},
        {"readout_options": {"centred": True}},
        {"combine": "sum"},
        {"channel_weights": {"complex1": torch.arange(18.0)}},
        {"resize": "half"},
        {"precision": "float64"},
        {"align": "crop"},
        {"policy": ImagePolicy(background=(0, 0, 0))},
        {"policy": ImagePolicy(color="ignore")},
        {"backbone": create_backbone(GaborBank(peak_frequency=0.2), name="gabor", **UNCHANGED)},
        {"backbone": create_backbone("gabor", mean=(0.5, 0.5, 0.5))},
        {"backbone": create_backbone("gabor", std=(0.5, 0.5, 0.5))},
    ],
    ids=str,
)  # fmt: skip
def test_it_changes_with_everything_that_changes_a_number(options):
    plain = create_metric("dfb-gabor").manifest()
    assert json.dumps(create_metric("dfb-gabor").manifest()) == json.dumps(plain)
    assert json.dumps(create_metric("dfb-gabor", **options).manifest()) != json.dumps(plain)


def test_it_tells_apart_weights_of_channels():
    def manifest(value):
        weights = {"complex1": torch.full((18,), value)}
        return create_metric("dfb-gabor", channel_weights=weights).manifest()

    assert manifest(1.0) == manifest(1.0)
    assert manifest(1.0) != manifest(2.0)


def test_it_tells_apart_weights_of_the_network(squeeze, tmp_path):
    other = create_metric("dfb-squeezenet1_1", weights="random", seed=1)
    assert other.manifest() != squeeze.manifest()
    state = torchvision.models.squeezenet1_1(weights=None).state_dict()
    files = []
    for i in range(2):
        files.append(tmp_path / f"{i}" / "weights.pth")
        files[i].parent.mkdir()
        torch.save({k: v + i for k, v in state.items()}, files[i])
    layer = other.layers[0]
    saved = [create_metric("dfb-squeezenet1_1", weights=f, layer=layer).manifest() for f in files]
    hashes = [manifest["backbone"]["weights"]["sha256"] for manifest in saved]
    assert hashes[0] != hashes[1]
    assert {m["backbone"]["weights"]["file"] for m in saved} == {"weights.pth"}


def test_it_tells_apart_heads(tmp_path):
    network = create_backbone("squeezenet1_1", weights="random")
    one, other = (
        create_metric(
            "lpips-squeeze", backbone=network, head_weights=head_file(tmp_path, value)
        ).manifest()
        for value in (0.5, 0.25)
    )
    assert one["head"]["sha256"] != other["head"]["sha256"]
    assert one["head"]["name"] == "lpips-squeeze"


def test_the_embedded_network_states_its_design():
    manifest = create_metric("dfb-gabor").manifest()
    assert manifest["backbone"]["weights"]["config"] == GaborBank().config()


def test_it_names_protocol_direction_range_and_source():
    manifest = create_metric("dfb-gabor", resize="short-64").manifest()
    assert manifest["protocol"]["resize"] == "short-64"
    assert manifest["lower_better"] is True
    assert manifest["definition"]["range"][0] == 0
    assert "VCIP 2018" in manifest["definition"]["citation"]
    assert manifest["layers"] == ["complex1", "complex2", "complex3", "complex4"]
    assert manifest["readout"] == {"name": "cosine", "reading": "flattened", "centred": True}
    assert manifest["device"] == "cpu"


def test_a_set_gives_one_manifest_a_metric():
    metrics = create_metrics(["dfb", "psnr"])
    assert metrics.manifest() == [metric.manifest() for metric in metrics]
