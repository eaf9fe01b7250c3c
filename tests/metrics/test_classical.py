"""Classical metrics: exactly what piq gives."""

from dataclasses import replace

import piq
import pytest
import torch

from snellen.errors import ImageError
from snellen.metrics import ROWS, create_metric, find_row
from tests.metrics.inside import FUNCTIONS

PIQ = {
    "psnr": piq.psnr,
    "ssim": piq.ssim,
    "ms-ssim": piq.multi_scale_ssim,
    "fsim": piq.fsim,
    "vsi": piq.vsi,
    "gmsd": piq.gmsd,
    "haarpsi": piq.haarpsi,
    "mdsi": piq.mdsi,
    "vif": piq.vif_p,
}


@pytest.fixture
def large_pairs(photos):
    return [
        ((y + s * torch.randn_like(y)).clamp(0, 1), y)
        for s, y in zip((0.02, 0.1), photos[1:], strict=False)
    ]


@pytest.mark.parametrize("name", PIQ)
def test_score_is_that_of_piq(name, large_pairs):
    metric = create_metric(name)
    scores = []
    for x, y in large_pairs:
        expected = PIQ[name](x, y, data_range=1.0, reduction="none")
        score = metric(x, y)
        assert torch.equal(score, expected)
        low, high = metric.range
        assert low is None or score >= low
        assert high is None or score <= high
        scores.append(score.item())
    assert (scores[0] < scores[1]) == metric.lower_better


@pytest.mark.parametrize("name", [n for n in PIQ if n != "ms-ssim"])
def test_batches_references_and_reductions(name, batch_pair):
    x, y = batch_pair
    metric = create_metric(name)
    alone = torch.cat([metric(x[i : i + 1], y[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(metric(x, y), alone, rtol=1e-5, atol=1e-6)
    one = torch.cat([metric(x[i : i + 1], y[:1]) for i in range(5)])
    torch.testing.assert_close(metric(x, metric.prepare(y[:1])), one, rtol=1e-5, atol=1e-6)
    mean = create_metric(name, reduction="mean")(x, y)
    torch.testing.assert_close(mean, alone.mean(), rtol=1e-5, atol=1e-6)


def test_a_function_of_ours_is_found_by_the_name_in_its_row(monkeypatch, batch_pair):
    x, y = batch_pair

    def largest_gap(x, y, *, power):
        if min(x.shape[2:]) < 8:
            raise ValueError("8 pixels at least")
        return (x - y).abs().amax((1, 2, 3)) ** power

    row = replace(find_row("psnr"), name="gap", readout="largest-gap", options={"power": 2})
    monkeypatch.setitem(FUNCTIONS, "largest-gap", largest_gap)
    monkeypatch.setitem(ROWS, "gap", row)
    metric = create_metric("gap")
    assert torch.equal(metric(x, y), largest_gap(x, y, power=2))
    assert metric(x, y[:1]).shape == (5,)
    assert "piq" not in metric.manifest()["versions"]
    assert not metric.tiles
    with pytest.raises(ImageError, match="gap cannot score images of 4x4 pixels: 8 pixels at"):
        metric(x[..., :4, :4], y[..., :4, :4])


def test_an_image_that_is_too_small_is_named_with_its_size():
    metric = create_metric("ms-ssim")
    with pytest.raises(ImageError, match="ms-ssim cannot score images of 80x60 pixels"):
        metric(torch.rand(1, 3, 60, 80), torch.rand(1, 3, 60, 80))


def test_classical_metrics_are_losses_too(batch_pair):
    x, y = batch_pair
    x = x.clone().requires_grad_()
    create_metric("ssim", reduction="mean")(x, y).backward()
    assert x.grad.isfinite().all()
    assert x.grad.any()


def test_the_protocol_applies_to_classical_metrics_too(distorted_pairs):
    _, x, y = distorted_pairs[0]
    halved = (torch.nn.functional.avg_pool2d(image, 2) for image in (x, y))
    expected = piq.psnr(*halved, data_range=1.0, reduction="none")
    torch.testing.assert_close(create_metric("psnr", resize="half")(x, y), expected)
