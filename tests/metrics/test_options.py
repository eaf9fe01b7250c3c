"""Options that make no sense are refused, in words that help."""

import pytest
import torch

from snellen.backbones import create_backbone
from snellen.errors import BackboneError, ImageError, MetricError, WeightsError
from snellen.metrics import MetricSet, create_metric, create_metrics


@pytest.fixture(scope="module")
def gabor():
    return create_backbone("gabor")


@pytest.mark.parametrize(
    "option",
    [
        {"weights": "random"}, {"head_weights": "x.pth"}, {"channel_weights": {}},
        {"precision": "bfloat16"}, {"layer": "relu1"}, {"layers": ["relu1"]},
        {"readout": "squared"}, {"readout_options": {"rms": True}}, {"combine": "sum"},
    ],
    ids=lambda option: next(iter(option)),
)  # fmt: skip
def test_a_metric_without_network_has_no_options_of_one(option):
    name = next(iter(option)).removesuffix("s").removeprefix("readout_")
    with pytest.raises(MetricError, match=f"psnr has no network: .*{name}"):
        create_metric("psnr", **option)


def test_a_metric_without_network_takes_no_backbone(gabor):
    with pytest.raises(MetricError, match="psnr has no network"):
        create_metric("psnr", backbone=gabor)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layer": "energy1", "layers": ["energy2"]}, MetricError, "not both"),
        ({"layers": []}, MetricError, "layers is empty"),
        ({"layers": "energy1"}, MetricError, "for one, use layer='energy1'"),
        ({"layers": ["energy1", "energy1"]}, MetricError, "named twice"),
        ({"layer": "energy9"}, BackboneError, "gabor has no layer 'energy9'.*energy1"),
        ({"resize": "small"}, MetricError, "'small' is not a rule"),
        ({"combine": "product"}, MetricError, "combine must be one of.*'product'"),
        ({"align": "stretch"}, MetricError, "align must be one of.*'stretch'"),
        ({"reduction": "median"}, MetricError, "reduction must be.*'median'"),
        ({"precision": "int8"}, BackboneError, "precision must be one of.*'int8'"),
        ({"head_weights": "x.pth"}, MetricError, "dfb-gabor has no learned weights"),
        ({"weights": "imagenet"}, WeightsError, "gabor has no weights"),
        ({"readout": "l3"}, MetricError, "No readout is called 'l3'"),
        ({"readout_options": {"rms": True}}, MetricError, "'rms'.*Its options: reading, centred"),
        ({"readout": "deepwsd", "combine": "join"}, MetricError, "cannot be taken of concatenated"),
        ({"readout": "distance-correlation", "combine": "join"}, MetricError, "'distance-corr"),
    ],
)
def test_what_makes_no_sense_for_dfb(options, error, message):
    with pytest.raises(error, match=message):
        create_metric("dfb-gabor", **options)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"complex2": torch.ones(18)}, "'complex2' is not among the metric's layers complex1"),
        ({"complex1": torch.ones(17)}, r"expected non-negative numbers of shape \(18,\).*\(17,\)"),
        ({"complex1": -torch.ones(18)}, "minimum -1"),
        ({"complex1": torch.full((18,), float("nan"))}, "non-negative"),
        ({"complex1": torch.full((18,), float("inf"))}, "non-negative"),
        ({"complex1": torch.ones(2, 18)}, r"shape \(18,\), got shape \(2, 18\)"),
        ({"complex1": 1.0}, r"got shape \(\)"),
        ({"complex1": []}, "minimum none"),
    ],
)
def test_channel_weights_that_do_not_fit(weights, message):
    with pytest.raises(MetricError, match=message):
        create_metric("dfb-gabor", layer="complex1", channel_weights=weights)


def test_channel_weights_may_be_alpha_and_beta_where_the_readout_has_them(batch_pair):
    x, y = batch_pair
    weights = torch.stack([torch.zeros(18), torch.ones(18)])

    def make(value):
        return create_metric(
            "dfb-gabor",
            layer="complex1",
            readout="structure-texture",
            channel_weights={"complex1": value},
        )

    texture, structure = make(weights.flip(0))(x, y), make(weights)(x, y)
    assert (structure > texture).all()
    torch.testing.assert_close(make([1.0] * 18)(x, y), (structure + texture) / 2)


def test_a_finished_backbone_is_not_made_anew(gabor, batch_pair):
    for options in ({"weights": "random"}, {"seed": 3}, {"precision": "bfloat16"}):
        with pytest.raises(MetricError, match="settled"):
            create_metric("dfb-gabor", backbone=gabor, **options)
    assert create_metric("dfb-gabor", backbone=gabor).backbone is gabor
    metrics = create_metrics(
        ["dfb-gabor", "euclidean-gabor", "psnr"], backbone=gabor, layer="energy1"
    )
    assert all(m.backbone is gabor for m in metrics if m.name != "psnr")
    assert gabor.layer("complex4")  # the caller's network stays whole


def test_a_backbone_of_another_definition_is_refused():
    network = create_backbone("squeezenet1_1", weights="random")
    with pytest.raises(MetricError, match=r"wsd-squeezenet1_1 is defined on.*pooling='l2', mean="):
        create_metric("wsd-squeezenet1_1", backbone=network)


def test_learned_weights_belong_to_their_layers(squeeze):
    options = {"backbone": squeeze.backbone, "layer": squeeze.layers[1]}
    metric = create_metric("lpips-squeeze", **options)
    assert metric.manifest()["head"] is None
    assert metric.manifest()["definition"]["head"] is None
    for option in ({"head_weights": "x.pth"}, {"channel_weights": {}, "head_weights": "x.pth"}):
        with pytest.raises(MetricError, match="no learned weights with these options"):
            create_metric("lpips-squeeze", **options, **option)


@pytest.mark.parametrize(
    "state",
    [
        {"alpha": torch.rand(1, 1475, 1, 1)},
        {"lin0.model.1.weight": torch.rand(1, 64, 1, 1)},
        {"v0.1/squeeze/lin0.model.1.weight": torch.rand(1, 63, 1, 1)},
    ],
)
def test_a_file_that_is_no_head_is_refused(state, tmp_path):
    torch.save(state, tmp_path / "head.pth")
    with pytest.raises(WeightsError, match=r"head.pth is no weights file of lpips-squeeze"):
        create_metric("lpips-squeeze", weights="random", head_weights=tmp_path / "head.pth")


def test_a_misspelt_option_is_never_swallowed():
    with pytest.raises(MetricError, match="psnr has no option devise"):
        create_metric("psnr", devise="cpu")
    with pytest.raises(MetricError, match="no option 'devise'"):
        create_metrics(["psnr"], devise="cpu")


def test_sets_that_make_no_sense():
    with pytest.raises(MetricError, match="at least one"):
        create_metrics([])
    with pytest.raises(MetricError, match=r"create_metric\('dfb-gabor'\)"):
        create_metrics("dfb-gabor")
    one, other = create_metric("psnr"), create_metric("ssim", align="crop")
    with pytest.raises(MetricError, match="different names"):
        MetricSet([one, one])
    with pytest.raises(MetricError, match="align images in the same way"):
        MetricSet([one, other])


def test_images_that_do_not_fit():
    metric = create_metric("dfb-gabor")
    with pytest.raises(ImageError, match="distorted is 40x30, reference is 41x30"):
        metric(torch.rand(1, 3, 30, 40), torch.rand(1, 3, 30, 41))
    with pytest.raises(ImageError, match="2 distorted images and 3 reference images"):
        metric(torch.rand(2, 3, 30, 40), torch.rand(3, 3, 30, 40))
