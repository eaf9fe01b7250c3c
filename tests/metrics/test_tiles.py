"""Scores tile by tile against scores of the whole image."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision import models
from torchvision.models.vgg import cfgs, make_layers

from snellen.backbones import Reach, create_backbone
from snellen.errors import BackboneError, ImageError, MetricError
from snellen.images import as_pixels
from snellen.metrics import MetricSet, create_metric, create_metrics
from tests.backbones.inside import L2Pool2d
from tests.metrics.inside import spans


@pytest.fixture
def pair(photos):
    """An odd-sized photograph, and the same with noise and a little blur."""
    astronaut = torch.cat([photos[0], photos[3].transpose(2, 3)], 3)[..., :171, :317]
    noisy = (astronaut + 0.05 * torch.randn(astronaut.shape)).clamp(0, 1)
    return F.avg_pool2d(noisy, 3, 1, 1), astronaut


def relative_gap(metric, pair, side):
    whole, tiled = metric(*pair), metric.tiled(*pair, side=side)
    assert whole.shape == tiled.shape
    return float(((whole - tiled) / whole).abs().max())


@pytest.mark.parametrize("name", ["dfb", "euclidean-gabor", "psnr", "ssim", "fsim"])
@pytest.mark.parametrize("side", [48, 129])
def test_embedded_and_classical(pair, name, side):
    assert relative_gap(create_metric(name), pair, side) < 1e-5


READINGS = [
    ("cosine", {"reading": "position"}),
    ("cosine", {"reading": "channel", "centred": True}),
    ("structure-texture", {}),
]


NETWORKS = {
    "squeezenet1_1": (lambda: models.squeezenet1_1().features, ["1", "4", "6"]),
    # Without the classifier, whose 120 million weights take longer to make than the test.
    "vgg16": (lambda: make_layers(cfgs["D"], batch_norm=False), ["3", "8", "15"]),
    "resnet18": (models.resnet18, ["relu", "layer1", "layer2"]),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_with_every_kind_of_padding(pair, network):
    make, layers = NETWORKS[network]
    backbone = create_backbone(make())
    small = [t[..., 20:105, 40:171] for t in pair]
    for readout, options in READINGS:
        metric = create_metric(
            "dfb-gabor", backbone=backbone, readout=readout, readout_options=options, layers=layers
        )
        assert relative_gap(metric, small, 72) < 1e-5


def test_l2_pooling_and_the_image_as_a_layer(pair):
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), L2Pool2d(), nn.Conv2d(8, 8, 3), nn.ReLU()
    )
    backbone = create_backbone(network)
    metric = create_metric(
        "dfb-gabor", backbone=backbone, readout="structure-texture", combine="join",
        layers=["input", "2", "4"],
    )  # fmt: skip
    assert relative_gap(metric, pair, 64) < 1e-5


class AntiAliased(nn.Module):
    """Half size by an even kernel, blur-pools by `F.pad`, borders of all kinds, a side branch."""

    def __init__(self):
        super().__init__()
        self.halved = nn.Conv2d(3, 6, 4, stride=2)
        self.first = nn.Sequential(nn.ReflectionPad2d((2, 1, 1, 2)), nn.Conv2d(6, 8, 4), nn.ReLU())
        self.blur = nn.Conv2d(8, 8, 3, stride=2, groups=8, bias=False)
        self.second = nn.Conv2d(8, 8, 3, padding="same", padding_mode="replicate", dilation=2)
        self.pool = nn.AvgPool2d(3, 2, 1, count_include_pad=False)
        self.side = nn.Conv2d(8, 4, 1, stride=2)
        self.end = nn.ReLU()

    def forward(self, x):
        x = self.halved(F.pad(x, (1, 1, 1, 1), mode="replicate"))
        x = self.first(x)
        x = self.second(self.blur(F.pad(x, (1, 1, 1, 1), mode="reflect")))
        return self.end(torch.cat([self.pool(x), self.side(x)], 1))


@pytest.mark.parametrize("size", [(64, 64), (65, 127), (90, 101), (121, 66)])
def test_any_plain_convolutional_network(pair, size):
    torch.manual_seed(1)
    backbone = create_backbone(AntiAliased())
    layers = ["halved", "first", "second", "end"]
    metric = create_metric("dfb-gabor", backbone=backbone, layers=layers)
    assert relative_gap(metric, [t[..., : size[0], : size[1]] for t in pair], 24) < 1e-5


@pytest.mark.parametrize("resize", ["half", "box-64"])
def test_means_over_blocks(pair, resize):
    metrics = create_metrics(["dfb", "psnr", "ssim"], resize=resize)
    whole, tiled = metrics(*pair), metrics.tiled(*pair, side=80)
    assert list(whole) == list(tiled)
    for name, score in whole.items():
        assert torch.allclose(tiled[name], score, rtol=1e-5)


def test_files_arrays_and_pixels_alike(pair, tmp_path):
    from PIL import Image

    metric = create_metric("dfb")
    arrays = [(t[0].permute(1, 2, 0) * 255).round().byte().numpy() for t in pair]
    files = [tmp_path / "x.png", tmp_path / "y.png"]
    for array, file in zip(arrays, files, strict=True):
        Image.fromarray(array).save(file)
    expected = metric(*files)
    for given_pair in (files, arrays, [as_pixels(file) for file in files]):
        assert torch.allclose(metric.tiled(*given_pair, side=100), expected, rtol=1e-5)


def test_crop_aligns_as_it_does_for_whole_images(pair):
    metric = create_metric("dfb", align="crop")
    images = pair[0][..., 5:, :200], pair[1]
    assert relative_gap(metric, images, 64) < 1e-5


def test_equal_images_score_exactly_zero(pair):
    for name in ("dfb", "euclidean-gabor"):
        assert float(create_metric(name).tiled(pair[1], pair[1], side=64)) == 0


def test_reduction(pair):
    assert create_metric("dfb", reduction="mean").tiled(*pair).shape == ()


@given(
    length=st.integers(1, 400),
    side=st.integers(1, 200),
    reaches=st.lists(
        st.builds(
            lambda before, after, power: Reach(-before, after, 2**power),
            st.integers(0, 60), st.integers(0, 60), st.integers(0, 5),
        ),
        min_size=1, max_size=3,
    ),
)  # fmt: skip
@settings(max_examples=200)
def test_tiles_own_every_feature_once_and_see_all_it_sees(length, side, reaches):
    cut = spans(length, side, reaches)
    for reach in reaches:
        owned = []
        for span in cut:
            offset = span.start // reach.jump
            assert span.start % reach.jump == 0
            features = range(-(-(span.stop - span.start) // reach.jump))[span.of_layer(reach.jump)]
            for i in (offset + j for j in features):
                owned.append(i)
                assert span.start <= max(0, i * reach.jump + reach.first)
                assert span.stop >= min(length, i * reach.jump + reach.last + 1)
        assert owned == list(range(-(-length // reach.jump)))
    grid = max(reach.jump for reach in reaches)
    assert all((s.end or length) - s.begin <= max(side, grid) for s in cut)


class TestRefused:
    def test_global_operations(self, pair):
        class Global(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4)

            def forward(self, x):
                return self.norm(self.conv(x))

        metric = create_metric("dfb-gabor", backbone=create_backbone(Global()), layers=["norm"])
        assert not metric.tiles
        with pytest.raises(BackboneError, match="'norm' does not see a fixed neighbourhood"):
            metric.tiled(*pair)

    def test_padding_that_goes_around(self):
        network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"))
        with pytest.raises(BackboneError, match="fixed neighbourhood"):
            create_backbone(network).reach("0")

    @pytest.mark.parametrize(
        "network", ["timm/tf_mobilenetv3_small_minimal_100", "timm/vit_tiny_patch16_224"]
    )
    def test_padding_by_size_and_attention(self, network):
        backbone = create_backbone(network, "random")
        with pytest.raises(BackboneError):
            backbone.reach(backbone.layers[-2].name)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"resize": "short-64"}, "short-64.* tile by tile"),
            ({"readout": "wasserstein"}, "'wasserstein' needs all positions"),
        ],
    )
    def test_protocols_and_readouts(self, pair, options, words):
        metric = create_metric("dfb", **options)
        assert not metric.tiles
        with pytest.raises(MetricError, match=words):
            metric.tiled(*pair)

    def test_classical(self, pair):
        metrics = create_metrics(["psnr", "vif"])
        assert not metrics.tiles
        with pytest.raises(MetricError, match="vif needs the whole image at once"):
            metrics.tiled(*pair)

    def test_sizes_that_differ(self, pair):
        other = pair[1][..., :100, :]
        with pytest.raises(ImageError, match="sizes must be equal"):
            create_metric("dfb").tiled(pair[0], other)
        with pytest.raises(ImageError, match="has to resample"):
            create_metric("dfb", align="resize").tiled(pair[0], other)

    def test_no_reference(self, pair):
        with pytest.raises(MetricError, match="dfb: a reference is needed"):
            create_metrics(["dfb"]).tiled(pair[0])

    @pytest.mark.parametrize("side", [0, -4, 2.5, True])
    def test_sides(self, pair, side):
        with pytest.raises(MetricError, match="side: expected a positive"):
            create_metric("psnr").tiled(*pair, side=side)


def test_one_pass_for_metrics_that_share_a_network(pair, monkeypatch):
    backbone = create_backbone("gabor")
    metrics = MetricSet(
        [create_metric(name, backbone=backbone) for name in ("dfb-gabor", "euclidean-gabor")]
    )
    sizes = []
    stream = type(backbone).stream

    def counted(self, batch, layers):
        sizes.append(tuple(batch.shape[2:]))
        return stream(self, batch, layers)

    monkeypatch.setattr(type(backbone), "stream", counted)
    metrics.tiled(*pair, side=1024)
    assert sizes == [tuple(pair[0].shape[2:])] * 2


def test_values_are_checked_in_every_tile(pair):
    x = pair[0].clone()
    x[0, 0, -1, -1] = 3.0
    with pytest.raises(ImageError, match=r"distorted: values from .* to 3"):
        create_metric("psnr").tiled(x, pair[1], side=64)


def test_uint16_arrays():
    generator = np.random.default_rng(0)
    x, y = (generator.integers(0, 65536, (70, 90, 3), dtype=np.uint16) for _ in range(2))
    assert relative_gap(create_metric("psnr"), (x, y), 32) < 1e-5
