"""The catalogue as data, and how names are looked up."""

import json

import pytest
import torch

from snellen.errors import BackboneError, MetricError
from snellen.metrics import ROWS, create_metric, create_metrics, find_row, list_metrics
from snellen.readouts import create_readout, list_readouts
from tests.metrics.inside import resolve_layers

REQUIRED = {
    "dfb", "dfb-gabor", "dfb-*", "euclidean-*", "lpips-alex", "lpips-vgg", "lpips-squeeze",
    "dists", "deepdc", "wsd-*", "rr-gabor", "rr-*", "psnr", "ssim", "ms-ssim", "fsim", "vsi",
    "gmsd", "haarpsi", "mdsi", "vif", "ddr", "ddr-*",
}  # fmt: skip

WITH_REFERENCE = ("full-reference", "reduced-reference")


def test_the_catalogue_holds_what_was_promised():
    assert set(ROWS) >= REQUIRED


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_every_row_is_complete(row):
    assert row.title
    assert len(row.citation) > 10 or row.citation in ("closed form", "Snellen")
    assert (row.kind == "reduced-reference") == (row.name[:3] == "rr-")
    assert (row.lower_better is None) == (row.kind == "attribute")
    low, high = row.range
    assert low is None or high is None or low < high
    assert row.resize in ("native", "short-256", "box-256")
    json.dumps(row.manifest())
    if row.name.endswith("*"):
        assert row.backbone is None or row.kind == "no-reference"
    elif row.backbone is not None and row.kind in WITH_REFERENCE:
        assert low == 0
        assert row.lower_better
    if row.readout in list_readouts():
        joins = create_readout(row.readout, **row.options).joins
        assert joins or row.combine != "join"


def test_only_similarities_are_better_when_higher():
    compared = [row for row in ROWS.values() if row.kind in WITH_REFERENCE]
    higher = {row.name for row in compared if not row.lower_better}
    assert higher == {"psnr", "ssim", "ms-ssim", "fsim", "vsi", "haarpsi", "vif"}


@pytest.mark.parametrize("family", ["dfb", "euclidean", "wsd", "rr"])
@pytest.mark.parametrize("backbone", ["gabor", "squeezenet1_0", "vit_b_32", "timm/resnet10t"])
def test_a_family_takes_any_backbone(family, backbone):
    row = find_row(f"{family}-{backbone}")
    assert row.backbone == backbone
    assert row.name == f"{family}-{backbone}"
    assert ROWS[f"{family}-*"].backbone is None


@pytest.mark.parametrize("backbone", ["shufflenet_v2_x0_5", "timm/resnet10t"])
def test_families_score_with_networks_of_any_source(backbone, batch_pair):
    x, y = (t[:2] for t in batch_pair)
    scores = create_metrics([f"dfb-{backbone}", f"euclidean-{backbone}"], weights="random")(x, y)
    assert all((value > 0).all() for value in scores.values())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lpips", "No metric is called 'lpips'.*Did you mean.*lpips-alex"),
        ("lpips-alexnet", "Did you mean.*lpips-alex"),
        ("dist", "Did you mean.*dists"),
        ("PSNR", "No metric is called 'PSNR'"),
        ("dfb-", "No metric is called 'dfb-'"),
        ("dfb-*", "No metric is called"),
        ("dfb-squeezenet1_2", r"No metric is called 'dfb-squeezenet1_2'.*squeezenet1_1"),
        ("", "No metric is called ''"),
    ],
)
def test_an_unknown_name_is_refused_and_near_ones_named(name, message):
    with pytest.raises(MetricError, match=message):
        create_metric(name)


def test_lists():
    assert list_metrics() == list(ROWS)
    assert list_metrics(kind="reduced-reference") == ["rr-gabor", "rr-*"]
    kinds = ("full-reference", "reduced-reference", "no-reference", "attribute")
    lists = [list_metrics(kind=kind) for kind in kinds]
    assert sorted(name for names in lists for name in names) == sorted(ROWS)
    assert {"dfb", "psnr"} <= set(lists[0])
    assert {"ddr", "ddr-*"} <= set(lists[2])
    assert list_metrics(pattern="dists") == ["dists", "dists-256"]
    with pytest.raises(MetricError, match=r"kind must be one of full-reference.*'full'"):
        list_metrics(kind="full")


def test_stages_of_squeezenet_are_its_scales(squeeze):
    strides = [squeeze.backbone.layer(name).stride for name in squeeze.layers]
    assert strides == sorted(set(strides))
    assert strides[0] == 2
    assert strides[-1] == 16


def test_stages_of_vgg_are_the_layers_of_lpips():
    metric = create_metric("dfb-vgg11", weights="random")
    assert metric.layers == ("relu1_1", "relu2_1", "relu3_2", "relu4_2", "relu5_2")


def test_the_first_stages():
    metric = create_metric("wsd-squeezenet1_1", weights="random")
    stages = resolve_layers(["@stages"], metric.backbone)
    assert metric.layers == ("input", *stages[:4])
    assert resolve_layers(["@stages:2", "input"], metric.backbone) == (*stages[:2], "input")
    for name in ("@stages:0", "@stages:x", "@stage"):
        with pytest.raises(BackboneError, match="has no layer"):
            resolve_layers([name], metric.backbone)


def test_what_is_known_of_the_range_goes_with_the_definition():
    y = torch.rand(1, 3, 64, 64)
    assert create_metric("dfb-gabor")(1 - y, y) <= create_metric("dfb-gabor").range[1]
    summed = create_metric("dfb-gabor", layers=["simple1", "simple2"], combine="sum")
    assert summed.range == (0.0, None)
    assert summed(1 - y, y) > 2
    assert create_metric("dfb-gabor", resize="half").range == create_metric("dfb-gabor").range
