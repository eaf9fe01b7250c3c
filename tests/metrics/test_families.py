"""Families of metrics: one table of options, names that tell the network, shared passes."""

import inspect
from dataclasses import replace

import pytest
import torch
from torch import nn

from snellen.backbones import create_backbone
from snellen.errors import MetricError
from snellen.metrics import (
    ROWS,
    Handling,
    Metric,
    MetricSet,
    create_metric,
    create_metrics,
    find_row,
)

NETWORK = {"backbone", "weights", "seed", "precision"}
COMPARISON = {"layer", "layers", "readout", "readout_options", "combine"}
ALWAYS = {"resize", "reduction", "align", "policy", "device"}
TAKEN = {
    "dfb-gabor": NETWORK | COMPARISON | {"channel_weights", "head_weights"},
    "psnr": set(),
    "rr-gabor": NETWORK | {"layer", "layers", "readout_options", "values", "projection"},
    "ddr-blur": NETWORK | COMPARISON | {"levels", "degradation_seed"},
    "ddr": NETWORK | {"head_weights"},
    "ddr-text": NETWORK | {"readout_options", "prompts", "epsilon", "adapt", "crops"},
    "niqe-bsds": {"weights", "head_weights"},
    "exposure": set(),
}
VALUES = {
    "weights": "w", "head_weights": "h", "backbone": "squeezenet1_1", "layer": "relu1",
    "layers": ["relu1"], "readout": "squared", "readout_options": {"rms": True}, "combine": "sum",
    "channel_weights": {}, "values": 4, "projection": "p", "levels": (1,), "degradation_seed": 3,
    "precision": "float64", "seed": 1,
}  # fmt: skip


def test_the_examples_are_of_all_families_and_the_values_of_all_options():
    assert {find_row(name).family for name in TAKEN} == {row.family for row in ROWS.values()}
    options = inspect.signature(create_metric).parameters
    assert set(VALUES) == set(options) - ALWAYS - {"name", "options"}


@pytest.mark.parametrize(
    ("name", "option"),
    [(name, option) for name, taken in TAKEN.items() for option in VALUES if option not in taken],
)
def test_what_a_family_does_not_take_is_refused_and_who_takes_it_is_named(name, option):
    told = "layers" if option == "layer" else option
    with pytest.raises(MetricError, match=f"{name} .*: {told} cannot be set; {told} is") as error:
        create_metric(name, **{option: VALUES[option]})
    takers = [taker for taker, taken in TAKEN.items() if option in taken]
    families = {find_row(taker).family for taker in takers}
    assert takers
    assert all(f"{family} (" in str(error.value) for family in families)


@pytest.mark.parametrize("option", VALUES)
def test_a_set_refuses_what_none_of_its_metrics_takes(option):
    with pytest.raises(MetricError, match=rf"{option} cannot be set: .* psnr, exposure .*is for "):
        create_metrics(["psnr", "exposure"], **{option: VALUES[option]})


def test_metrics_of_a_set_leave_out_what_is_for_others():
    metrics = create_metrics(
        ["dfb-gabor", "rr-gabor", "ddr", "ddr-blur:3", "psnr"], layer="complex2", values=4,
        readout="squared", degradation_seed=3,
    )  # fmt: skip
    assert [metrics[name].layers for name in ("dfb-gabor", "rr-gabor")] == [("complex2",)] * 2
    assert metrics["rr-gabor"].values == 4
    assert metrics["dfb-gabor"].readout.name == metrics["ddr-blur:3"].readout.name == "squared"
    assert metrics["ddr-blur:3"].row.degradation_seed == 3
    assert metrics["ddr"].manifest() == create_metric("ddr").manifest()


@pytest.fixture(scope="module")
def network():
    return create_backbone("squeezenet1_1", "random")


class TestNames:
    @pytest.mark.parametrize("name", ["euclidean-gabor", "dfb-gabor", "rr-gabor"])
    def test_another_network_changes_the_name_and_what_is_told(self, name, network):
        metric = create_metric(name, backbone=network, layers=["fire3", "fire5"])
        stem = name.removesuffix("-gabor")
        assert metric.name == metric.manifest()["metric"] == f"{stem}-squeezenet1_1"
        definition, expected = metric.row, find_row(f"{stem}-squeezenet1_1")
        assert (definition.name, definition.backbone) == (metric.name, "squeezenet1_1")
        assert (definition.title, definition.note) == (expected.title, expected.note)
        assert "gabor" not in definition.title + definition.note

    def test_by_name_and_in_sets_too(self, network):
        options = {"backbone": "squeezenet1_1", "weights": "random"}
        assert create_metric("euclidean-gabor", **options).name == "euclidean-squeezenet1_1"
        metrics = create_metrics(["euclidean-gabor", "psnr"], **options)
        assert list(metrics(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64))) == [
            "euclidean-squeezenet1_1",
            "psnr",
        ]

    def test_a_network_of_ones_own_has_its_own_name(self):
        network = create_backbone(nn.Sequential(nn.Conv2d(3, 4, 3)), name="mine")
        metric = create_metric("euclidean-gabor", backbone=network, layers=["0"])
        assert metric.name == "euclidean-mine"
        assert metric.row.title == "Euclidean distance of mine's features"

    def test_names_that_tell_no_network_stay(self, network):
        assert create_metric("ddr-blur:3", backbone=network).name == "ddr-blur:3"
        metric = create_metric("lpips-squeeze", backbone=network, layers=["fire3"])
        assert metric.name == "lpips-squeeze"

    def test_a_name_with_a_definition_of_its_own_is_not_taken(self):
        gabor = create_backbone("gabor")
        with pytest.raises(MetricError, match="dfb-vgg16 on gabor is not dfb-gabor"):
            create_metric("dfb-vgg16", backbone=gabor)


class TestWeightsByBackbone:
    @pytest.fixture
    def files(self, tmp_path):
        from torchvision.models import alexnet, squeezenet1_1

        files = {}
        for make in (squeezenet1_1, alexnet):
            files[make.__name__] = tmp_path / f"{make.__name__}.pth"
            torch.save(make(weights=None).state_dict(), files[make.__name__])
        return files

    def test_each_backbone_has_its_own(self, files):
        names = ["dfb-squeezenet1_1", "dfb-alexnet", "euclidean-alexnet", "dfb", "psnr"]
        metrics = create_metrics(names, weights=files)
        for name in names[:3]:
            backbone = name.partition("-")[2]
            alone = create_metric(name, weights=files[backbone]).manifest()["backbone"]["weights"]
            assert metrics[name].manifest()["backbone"]["weights"] == alone
            assert alone["file"] == files[backbone].name
        assert metrics["dfb-alexnet"].backbone is metrics["euclidean-alexnet"].backbone

    def test_backbones_that_are_not_named_do_without(self, files):
        metrics = create_metrics(["dfb-squeezenet1_1", "dfb-gabor"], weights={
            "squeezenet1_1": files["squeezenet1_1"],
        })  # fmt: skip
        assert metrics["dfb-gabor"].manifest() == create_metric("dfb-gabor").manifest()

    def test_a_metric_made_of_a_file_goes_by_its_own_name(self, files, tmp_path):
        from tests.metrics.inside import save_scene_model

        model = create_metric("niqe-bsds").model
        save_scene_model(model, tmp_path / "mine.safetensors", {"format": "test"})
        weights = {**files, "niqe-bsds": tmp_path / "mine.safetensors"}
        metrics = create_metrics(["niqe-bsds", "dfb-alexnet", "dfb-squeezenet1_1"], weights=weights)
        assert metrics["niqe-bsds"].manifest()["head"]["file"] == "mine.safetensors"

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            (["dfb-alexnet", "psnr"], "weights: no metric uses vgg16; there are alexnet"),
            (["psnr"], "weights: no metric uses vgg16; there are none that takes weights"),
        ],
    )
    def test_a_backbone_that_no_metric_has(self, names, message):
        with pytest.raises(MetricError, match=message):
            create_metrics(names, weights={"vgg16": "x.pth"})


class Exposure(Metric):
    """A family of its own: metrics of one brightness share its computation."""

    computed = 0

    @property
    def pass_key(self):
        return "mean"

    @classmethod
    def score_group(cls, group, x, y, cached):
        cls.computed += 1
        apart = (x.mean((1, 2, 3)) - cached["mean"]).abs()
        return [apart * metric.row.options["factor"] for metric in group]

    @classmethod
    def prepare_group(cls, group, reference):
        from snellen.metrics import PreparedReference

        return PreparedReference(reference, {"mean": {"mean": reference.mean((1, 2, 3))}})


def test_a_set_knows_no_family(batch_pair):
    x, y = batch_pair
    base = replace(find_row("psnr"), resize="native")
    rows = [replace(base, name=f"x{k}", options={"factor": k}) for k in (1, 3)]
    metrics = MetricSet([*(Exposure(row, Handling()) for row in rows), create_metric("psnr")])
    scores = metrics(x, metrics.prepare(y))
    assert Exposure.computed == 1
    torch.testing.assert_close(scores["x1"], (x.mean((1, 2, 3)) - y.mean((1, 2, 3))).abs())
    torch.testing.assert_close(scores["x3"], 3 * scores["x1"])
    assert torch.equal(scores["psnr"], create_metric("psnr")(x, y))


@pytest.mark.parametrize("name", ["dfb", "psnr", "rr-gabor"])
def test_references_prepared_without_checks_have_gradients(name, batch_pair):
    x, y = batch_pair
    y = y.clone().requires_grad_()
    metric = create_metric(name)
    scores = metric.score_batch(x, metric.prepare_batch(y))
    torch.testing.assert_close(scores, metric(x, y))
    scores.sum().backward()
    assert y.grad.abs().sum() > 0


def test_networks_are_told(batch_pair):
    dfb = create_metric("dfb")
    assert dfb.network == (dfb.backbone, dfb.layers)
    assert create_metric("ssim").network is None
    quality = create_metric("ddr")
    assert quality.network == (quality.backbone, quality.layers)
