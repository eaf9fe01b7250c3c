"""Our scores against those of other implementations, with the same weights in both."""

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from snellen.metrics import create_metric

from ..readouts import definitions
from . import peers

PRECISION = 1e-5


def test_lpips_equals_the_lpips_package(lpips_pair, distorted_pairs):
    _, theirs, ours, _ = lpips_pair
    for name, x, y in distorted_pairs:
        with torch.no_grad():
            expected = theirs(x, y, normalize=True).item()
        assert ours(x, y).item() == pytest.approx(expected, abs=PRECISION), name
        assert expected > 10 * PRECISION, name


def test_lpips_maps_equal_those_of_the_lpips_package(lpips_pair, distorted_pairs):
    _, theirs, ours, _ = lpips_pair
    theirs.spatial = True
    try:
        for _, x, y in distorted_pairs[:3]:
            with torch.no_grad():
                expected = theirs(x, y, normalize=True)
            torch.testing.assert_close(ours.map(x, y), expected, rtol=1e-4, atol=PRECISION)
    finally:
        theirs.spatial = False


def test_cosine_per_position_is_half_of_unweighted_lpips(lpips_pair, distorted_pairs):
    net, theirs, ours, trunk = lpips_pair
    plain = peers.make_unweighted_lpips(theirs, net)
    cosine = create_metric(
        f"dfb-{peers.BACKBONES[net]}", weights=trunk, layers=ours.layers, combine="sum"
    )
    for _, x, y in distorted_pairs[:5]:
        with torch.no_grad():
            expected = plain(x, y, normalize=True).item() / 2
        assert cosine(x, y).item() == pytest.approx(expected, abs=PRECISION)


def test_dists_equals_dists_pytorch(dists_pair, distorted_pairs):
    theirs, ours, _, _ = dists_pair
    for name, x, y in distorted_pairs:
        expected = theirs(x, y).item()
        assert ours(x, y).item() == pytest.approx(expected, abs=PRECISION), name
        assert expected > 10 * PRECISION, name


def test_dists_with_the_published_alpha_and_beta(dists_pair, distorted_pairs, shared):
    theirs, _, trunk, _ = dists_pair
    file = shared / "weights" / "dists_alpha_beta.safetensors"
    ours = create_metric("dists", weights=trunk, head_weights=file)
    published = load_file(file)
    before = theirs.alpha.data, theirs.beta.data
    theirs.alpha.data, theirs.beta.data = published["alpha"], published["beta"]
    try:
        for _, x, y in distorted_pairs[:5]:
            assert ours(x, y).item() == pytest.approx(theirs(x, y).item(), abs=PRECISION)
    finally:
        theirs.alpha.data, theirs.beta.data = before


def test_dists_256_is_dists_of_images_resized_by_torchvision(dists_pair, photos):
    theirs, _, trunk, head = dists_pair
    ours = create_metric("dists-256", weights=trunk, head_weights=head)
    y = functional.interpolate(photos[1], (277, 391), mode="bilinear")
    x = (y + 0.1 * torch.randn_like(y)).clamp(0, 1)
    small = [torchvision.transforms.functional.resize(t, 256, antialias=True) for t in (x, y)]
    assert min(small[0].shape[2:]) == 256
    expected = theirs(*small).item()
    assert ours(x, y).item() == pytest.approx(expected, abs=PRECISION)
    assert abs(theirs(x, y).item() - expected) > 1e-3  # the protocol is part of the metric


def test_deepdc_is_its_definition_in_float64(distorted_pairs, tmp_path):
    network = peers.random_vgg("E")
    path = tmp_path / "vgg19.pth"
    torch.save({f"features.{k}": v for k, v in network.state_dict().items()}, path)
    ours = create_metric("deepdc", weights=path)
    for _, x, y in distorted_pairs[3:8]:
        x, y = x[..., :64, :71], y[..., :64, :71]
        layers = zip(_deepdc_features(network, x), _deepdc_features(network, y), strict=True)
        expected = np.mean([definitions.distance_correlation(f, g) for f, g in layers])
        assert ours(x, y).item() == pytest.approx(expected, abs=PRECISION)


def _deepdc_features(network, x):
    """Features of conv1_2, conv2_2, conv3_4, conv4_4 and conv5_4, before the ReLU."""
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 1, 3, 1, 1)
    h, found = (x - mean) / std, []
    with torch.no_grad():
        for index, module in enumerate(network):
            h = functional.relu(h) if isinstance(module, nn.ReLU) else module(h)
            if index in (2, 7, 16, 25, 34):
                found.append(h[0].double().numpy())
    return found
