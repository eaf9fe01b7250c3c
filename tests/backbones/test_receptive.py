"""Receptive fields against what a change of the image really reaches."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from snellen.backbones import create_backbone
from tests.backbones.inside import receptive_fields, trace


class Alive(nn.Module):
    """In place of max-pooling: an average over the same window lets every pixel through."""

    is_leaf = True

    def __init__(self, pool):
        super().__init__()
        self.pool = pool

    def forward(self, x):
        p = self.pool
        return F.avg_pool2d(x, p.kernel_size, p.stride, p.padding, ceil_mode=p.ceil_mode)


def alive(network):
    """Positive weights and no batch statistics: no pixel's influence dies or cancels."""
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, Alive(child))
            elif isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    return network.double().eval()


def extent(features, x):
    """Height and width of what one feature in the middle sees: where its gradient is not 0."""
    row, column = (side // 2 for side in features.shape[2:])
    (gradient,) = torch.autograd.grad(features[0, :, row, column].sum(), x, retain_graph=True)
    seen = gradient[0].abs().sum(0) > 0
    return int(seen.any(1).sum()), int(seen.any(0).sum())


@pytest.mark.parametrize(
    ("name", "layers", "side"),
    [
        ("alexnet", ["conv1", "relu2", "pool2", "relu3", "relu5", "pool5"], 420),
        ("squeezenet1_1", ["conv1", "pool1", "fire2", "fire3", "pool3", "fire5", "fire9"], 420),
        ("resnet18", ["conv1", "maxpool", "layer1.0", "layer1", "layer2", "layer3"], 448),
        ("googlenet", ["conv1", "inception3a", "inception3b", "inception4a"], 256),
    ],
)
def test_equals_the_extent_of_the_gradient(name, layers, side):
    backbone = create_backbone(name, "random")
    options = {"init_weights": False} if name == "googlenet" else {}
    network = alive(torchvision.models.get_model(name, weights=None, **options))
    infos = {backbone.layer(layer).path: backbone.layer(layer) for layer in layers}
    caught = {}
    for path in infos:
        network.get_submodule(path).register_forward_hook(
            lambda _m, _i, output, path=path: caught.__setitem__(path, output * 1)
        )
    x = torch.rand(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    network(x)
    found = {path: extent(features, x) for path, features in caught.items()}
    assert found == {path: (info.receptive_field,) * 2 for path, info in infos.items()}


@pytest.mark.parametrize("layer", ["opponent", "simple1", "energy1", "complex1", "simple2"])
def test_gabor(layer):
    backbone = create_backbone("gabor", precision="float64")
    info = backbone.layer(layer)
    x = torch.rand(1, 3, 160, 160, dtype=torch.float64, requires_grad=True)
    features = backbone(x, [layer])[layer]
    assert extent(features, x) == (info.receptive_field,) * 2


def field_of(network):
    operations, outputs = trace(network)
    return receptive_fields(operations, network)[list(outputs.values())[-1]]


class TestByHand:
    def test_rectangular_kernels_count_by_axis(self):
        network = nn.Sequential(
            nn.Conv2d(3, 3, (1, 7), padding=(0, 3)), nn.Conv2d(3, 3, (7, 1), padding=(3, 0))
        )
        assert (field_of(network).size, field_of(network).jump) == (7, 1)

    def test_dilation_and_same_padding(self):
        network = nn.Sequential(nn.Conv2d(3, 3, 3, padding="same", dilation=4), nn.MaxPool2d(2))
        assert (field_of(network).size, field_of(network).jump) == (10, 2)

    def test_branches_off_centre_see_more_than_the_widest(self):
        class Branches(nn.Module):
            def __init__(self):
                super().__init__()
                self.left = nn.Conv2d(3, 3, 3, padding=2)
                self.right = nn.Conv2d(3, 3, 3)
                self.end = nn.ReLU()

            def forward(self, x):
                return self.end(self.left(x)[..., 4:, 4:] + self.right(x))

        # What a slice does is not known: no claim is made.
        assert field_of(Branches()).size is None

        class Shifted(Branches):
            def forward(self, x):
                return self.end(
                    self.left(F.max_pool2d(x, 1)) + self.right(F.max_pool2d(x, 5, 1, 2))
                )

        # Pixels -2..0 of the one, 0..2 widened by two on both sides of the other.
        assert field_of(Shifted()).size == 7

    def test_global_operations_see_everything(self):
        network = nn.Sequential(nn.Conv2d(3, 3, 3), nn.AdaptiveAvgPool2d(4), nn.Conv2d(3, 3, 1))
        assert field_of(network).size is None


@pytest.mark.parametrize(
    ("name", "path", "size"),
    [
        ("vgg16", "features.29", 196),
        ("mobilenet_v2", "features.18", 491),
        ("resnet18", "layer4", 435),
        ("inception_v3", "Mixed_7c", 1311),
    ],
)
def test_published_values(name, path, size):
    """Araujo, Norris and Sim 2019 give these numbers (VGG's 212 with its last pool)."""
    options = {"init_weights": False} if name in ("vgg16", "inception_v3") else {}
    with torch.device("meta"):
        network = torchvision.models.get_model(name, weights=None, **options)
    operations, outputs = trace(network)
    assert receptive_fields(operations, network)[outputs[path]].size == size
