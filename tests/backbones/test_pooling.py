"""Replacements of max-pooling."""

import pytest
import torch
from torch import nn

from snellen.backbones import create_backbone
from tests.backbones.inside import L2Pool2d, replace_max_pooling


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (1, 5)])
def test_l2_equals_dists(size):
    dists = pytest.importorskip("DISTS_pytorch.DISTS_pt")
    x = torch.randn(2, 8, *size)
    torch.testing.assert_close(L2Pool2d()(x), dists.L2pooling(channels=8)(x), rtol=1e-6, atol=1e-6)


def test_l2_in_closed_form():
    kernel = torch.tensor([0.25, 0.5, 0.25])
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 2, 2] = 3.0
    expected = 3 * torch.outer(kernel, kernel).sqrt()[1, 1]
    assert L2Pool2d()(x)[0, 0, 1, 1].item() == pytest.approx(float(expected), rel=1e-6)


def test_l2_has_finite_gradients_at_zero():
    x = torch.zeros(1, 2, 8, 8, requires_grad=True)
    L2Pool2d()(x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_average_keeps_the_window():
    network = nn.Sequential(nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.Sequential(nn.MaxPool2d(2)))
    replace_max_pooling(network, "average")
    x = torch.rand(1, 2, 20, 22)
    expected = nn.AvgPool2d(2)(nn.AvgPool2d(3, 2, 1, ceil_mode=True)(x))
    assert torch.equal(network(x), expected)


def test_max_changes_nothing():
    network = nn.Sequential(nn.MaxPool2d(2))
    replace_max_pooling(network, "max")
    assert isinstance(network[0], nn.MaxPool2d)


@pytest.mark.parametrize("pooling", ["l2", "average"])
def test_backbone_says_so_and_keeps_its_names(pooling):
    plain, other = (create_backbone("alexnet", "random", pooling=p) for p in ("max", pooling))
    assert other.manifest()["pooling"] == pooling
    assert "pooling" not in plain.manifest()
    assert [i.name for i in plain.layers] == [i.name for i in other.layers]
    x = torch.rand(1, 3, 64, 64)
    assert torch.equal(plain(x, ["relu1"])["relu1"], other(x, ["relu1"])["relu1"])
    assert not torch.equal(plain(x, ["relu2"])["relu2"].mean(), other(x, ["relu2"])["relu2"].mean())
