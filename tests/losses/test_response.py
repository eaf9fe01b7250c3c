"""Degradation response: its degradations are ours, its text variant has the closed form."""

import pytest
import torch

from snellen import distort
from snellen.losses import PixelResponse, TextResponse, text_directions
from snellen.metrics import PROMPTS
from tests.losses.inside import differentiable


@pytest.mark.parametrize("spec", ["gaussian-blur@2", "blur:3", "blur@0", "white-noise@0.01"])
def test_a_degradation_is_that_of_the_catalogue(spec, photos):
    x = photos[0][..., :64, :80]
    torch.testing.assert_close(
        differentiable(spec, 5)(x).clamp(0, 1), distort(x, spec, seed=5), rtol=0, atol=2e-6
    )


def test_gradients_flow_through_the_blur():
    x = torch.rand(1, 3, 12, 12, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(differentiable("gaussian-blur@1"), x)


def test_sharp_images_respond_more(photos):
    response = PixelResponse(degradations=["gaussian-blur@1", "gaussian-blur@2"])
    sharp = response(photos[1])
    blurred = response(distort(photos[1], "gaussian-blur@2"))
    assert list(sharp) == ["gaussian-blur@1", "gaussian-blur@2"]
    assert all(sharp[name] > blurred[name] for name in sharp)
    assert sharp["gaussian-blur@1"] < sharp["gaussian-blur@2"]


def test_text_response_has_its_closed_form():
    f, move = torch.randn(4, 512, dtype=torch.float64) + 0.3, torch.randn(512, dtype=torch.float64)
    response = TextResponse(lambda batch: f, {"blur": 50 * move})(torch.rand(4, 3, 8, 8))["blur"]
    mean, deviation = f.mean(1), f.std(1, unbiased=False)
    k = mean**2 / (mean**2 + deviation**2)
    rho = torch.stack([torch.corrcoef(torch.stack([row, move]))[0, 1] for row in f])
    expected = 1 - ((1 + k + (1 - k) * rho) / 2).sqrt()
    torch.testing.assert_close(response, expected, rtol=0, atol=2e-3)


def test_directions_go_from_clean_to_degraded():
    seen = []

    def encode(texts):
        seen.append(texts)
        return torch.tensor([[1.0, 2.0], [5.0, 1.0]])

    found = text_directions(encode, {"blur": PROMPTS["blur"]})
    assert seen == [["A sharp photo with high-quality.", "A blurry photo with low-quality."]]
    assert found["blur"].tolist() == [4.0, -1.0]
