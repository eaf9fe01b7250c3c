"""What users of other packages suffer from, one test each.

The numbers are those of the list of pains in the research notes, section 2.
"""

import logging

import numpy as np
import pytest
import torch
from PIL import Image

from snellen.errors import ImageError
from snellen.metrics import ROWS, create_metric, create_metrics


def test_3_wrong_ranges_are_refused_not_scored(photos):
    """#3: images in [-1, 1] or 0-255 change results silently."""
    image = photos[0][..., :64, :64]
    for name in ("dfb", "psnr"):
        metric = create_metric(name)
        for wrong, hint in ((image * 255, "0-255"), (image * 2 - 1, r"\[-1, 1\]")):
            with pytest.raises(ImageError, match=f"distorted: .*{hint}"):
                metric(wrong, image)
            with pytest.raises(ImageError, match=f"reference: .*{hint}"):
                metric(image, wrong)
        with pytest.raises(ImageError, match="NaN"):
            metric(torch.full_like(image, float("nan")), image)


def test_4_resizing_is_explicit_and_recorded(distorted_pairs):
    """#4: undefined resizing."""
    _, x, y = distorted_pairs[0]
    with pytest.raises(ImageError, match="sizes must be equal"):
        create_metric("dfb")(x[..., 1:], y)
    native, small = create_metric("dfb"), create_metric("dfb", resize="short-64")
    assert native.manifest()["protocol"]["resize"] == "native"
    assert small.manifest()["protocol"]["resize"] == "short-64"
    assert abs(native(x, y) - small(x, y)) > 1e-3


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_6_gradients_are_finite_where_others_give_nan(precision, photos):
    """#6: NaN gradients for identical, constant and black images."""
    names = ["dfb", "euclidean-gabor", "dfb-squeezenet1_1", "euclidean-squeezenet1_1"]
    photo = photos[0][..., :64, :64]
    for metric in create_metrics(names, weights="random", precision=precision):
        for value in (photo, torch.full_like(photo, 0.5), torch.zeros_like(photo)):
            x = value.clone().requires_grad_()
            score = metric(x, value)
            score.sum().backward()
            assert score.item() == 0
            assert x.grad.isfinite().all()


def test_9_scores_are_deterministic(batch_pair):
    """#9: another score for the same image at every call."""
    metric = create_metric("dfb-squeezenet1_1", weights="random")
    first = metric(*batch_pair)
    torch.manual_seed(99)
    metric.train()
    assert torch.equal(metric(*batch_pair), first)
    again = create_metric("dfb-squeezenet1_1", weights="random")
    assert torch.equal(again(*batch_pair), first)


def test_9_making_a_metric_leaves_the_random_state_alone():
    """#9: seeds of the caller's own training are not touched."""
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    create_metric("dfb-squeezenet1_1", weights="random")
    assert torch.equal(torch.rand(3), expected)


def test_11_direction_and_range_are_known_of_every_metric(distorted_pairs):
    """#11: is higher or lower better?"""
    _, x, y = distorted_pairs[0]
    worse = (y + 0.3 * torch.randn_like(y)).clamp(0, 1)
    names = ["dfb", "euclidean-gabor", "wsd-gabor", "psnr", "ssim", "gmsd", "vif", "mdsi"]
    for metric in create_metrics(names):
        assert (metric(x, y) < metric(worse, y)) == metric.lower_better
    assert all((row.lower_better is None) == (row.kind == "attribute") for row in ROWS.values())


def test_12_arguments_have_names_and_one_order(distorted_pairs):
    """#12: argument order; distances are symmetric, metrics that are not say distorted first."""
    _, x, y = distorted_pairs[1]
    for name in ("dfb", "psnr", "vif"):
        metric = create_metric(name)
        assert torch.equal(metric(reference=y, distorted=x), metric(x, y))
    assert create_metric("vif")(x, y) != create_metric("vif")(y, x)
    torch.testing.assert_close(create_metric("dfb")(x, y), create_metric("dfb")(y, x))


def test_13_the_range_of_a_type_is_never_guessed():
    """#13: data_range confusion: the same picture in any type gives the same score."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
    for name in ("dfb", "psnr", "ssim"):
        metric = create_metric(name)
        expected = metric(pixels[:1], pixels[1:])
        forms = (
            [pixels.astype(np.uint16) * 257],
            [pixels.astype(np.float64) / 255],
            [torch.from_numpy(pixels).permute(0, 3, 1, 2)],
            [torch.from_numpy(pixels / 255).permute(0, 3, 1, 2)],
        )
        for (form,) in forms:
            torch.testing.assert_close(metric(form[:1], form[1:]), expected, rtol=1e-5, atol=1e-6)
        pictures = [Image.fromarray(p) for p in pixels]
        assert torch.equal(metric(*pictures), expected)
        with pytest.raises(ImageError, match="no known range"):
            metric(pixels[:1].astype(np.int64), pixels[1:])


def test_21_one_score_an_image_unless_asked_otherwise(batch_pair):
    """#21: per-image scores hidden behind a mean."""
    for metric in create_metrics(["dfb", "psnr", "wsd-gabor"]):
        assert metric(*batch_pair).shape == (5,)
        assert metric(batch_pair[0][0], batch_pair[1][0]).shape == (1,)
        assert metric.reduction == "none"


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.bfloat16, 0.05)])
def test_22_metrics_move_and_change_type_as_modules_do(dtype, tolerance, batch_pair):
    """#22: ``.to()`` ignored."""
    options = {"weights": "random", "channel_weights": {"fire3": torch.rand(128)}}
    expected = create_metric("dfb-squeezenet1_1", layer="fire3", **options)(*batch_pair)
    moved = create_metric("dfb-squeezenet1_1", layer="fire3", **options).to(dtype)
    score = moved(*batch_pair)
    assert moved.backbone.precision == dtype
    assert score.dtype == torch.float32
    torch.testing.assert_close(score, expected, rtol=tolerance, atol=0)
    asked = create_metric("dfb-squeezenet1_1", layer="fire3", precision=str(dtype)[6:], **options)
    assert torch.equal(asked(*batch_pair), score)
    assert asked.manifest() == moved.manifest()


def test_22_a_metric_follows_to_another_device(batch_pair):
    """#22: device surprises; tensors of the metric all follow it."""
    metric = create_metric("dfb", channel_weights={"stage1": torch.rand(16)}).to("meta")
    assert metric.device == torch.device("meta")
    assert {t.device.type for t in (*metric.parameters(), *metric.buffers())} == {"meta"}
    if torch.cuda.is_available():
        there = create_metric("dfb", device="cuda")
        expected = create_metric("dfb")(*batch_pair)
        prepared = create_metric("dfb").prepare(batch_pair[1])
        for reference in (batch_pair[1], batch_pair[1].cuda(), prepared):
            score = there(batch_pair[0], reference)
            assert score.device.type == "cuda"
            torch.testing.assert_close(score.cpu(), expected, rtol=1e-3, atol=1e-6)


def test_23_nothing_is_printed(capfd, caplog, batch_pair):
    """#23: noise on stdout."""
    with caplog.at_level(logging.INFO):
        metrics = create_metrics(["dfb", "psnr", "euclidean-squeezenet1_1"], weights="random")
        metrics(*batch_pair)
        metrics.manifest()
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
