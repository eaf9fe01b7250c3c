"""Trained networks, which come from outside the repository."""

import pytest
import torch

from snellen.metrics import create_metric


@pytest.mark.parametrize(
    ("name", "network"),
    [(n, v) for n in ("dfb", "euclidean") for v in ("squeezenet1_0", "squeezenet1_1")]
    + [("wsd", "squeezenet1_1")],
)
def test_scores_grow_with_blur(name, network, shared, photos):
    weights = shared / "weights" / f"{network}.safetensors"
    metric = create_metric(f"{name}-{network}", weights=weights)
    assert metric.manifest()["backbone"]["weights"]["file"] == weights.name
    for photo in (p[..., :128, :128] for p in photos[:3]):
        blurred = torch.cat([blur(photo, sigma) for sigma in (0.6, 1.0, 1.7, 2.8)])
        scores = metric(torch.cat([photo, blurred]), photo)
        assert scores[0] == 0
        assert (scores.diff() > 0).all()


def blur(image, sigma):
    taps = torch.exp(-torch.arange(-9.0, 10.0).square() / (2 * sigma**2))
    kernel = torch.outer(taps, taps) / taps.sum() ** 2
    padded = torch.nn.functional.pad(image, (9, 9, 9, 9), mode="reflect")
    return torch.nn.functional.conv2d(padded, kernel.expand(3, 1, 19, 19), groups=3).clamp(0, 1)
