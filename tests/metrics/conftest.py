"""Peers, made once for all tests of metrics."""

import pytest
import torch

from snellen.metrics import create_metric

from . import peers


@pytest.fixture(scope="session", params=list(peers.BACKBONES))
def lpips_pair(request, tmp_path_factory):
    """LPIPS of the peer and ours, with the same weights: (net, theirs, ours, trunk file)."""
    net = request.param
    theirs, trunk, head = peers.make_lpips(net, tmp_path_factory.mktemp(net))
    ours = create_metric(f"lpips-{net}", weights=trunk, head_weights=head)
    return net, theirs, ours, trunk


@pytest.fixture(scope="session")
def dists_pair(tmp_path_factory):
    """DISTS of the peer and ours, with the same weights, and the files."""
    theirs, trunk, head = peers.make_dists(tmp_path_factory.mktemp("dists"))
    return theirs, create_metric("dists", weights=trunk, head_weights=head), trunk, head


@pytest.fixture(scope="session")
def squeeze():
    """A quick feature metric of a random network."""
    return create_metric("dfb-squeezenet1_1", weights="random")


@pytest.fixture
def batch_pair(distorted_pairs):
    """Five distorted images and their references, as two batches of one size."""
    crops = [(x[..., :64, :68], y[..., :64, :68]) for _, x, y in distorted_pairs[:5]]
    return torch.cat([x for x, _ in crops]), torch.cat([y for _, y in crops])
