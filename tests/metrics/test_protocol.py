"""Every rule of the protocol against an independent computation."""

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as tv
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from snellen.errors import ImageError, MetricError
from snellen.metrics import Protocol, create_metric


def blocks(image, factor):
    """Means over blocks of factor x factor pixels, by loops."""
    channels, height, width = image.shape
    rows, columns = height // factor, width // factor
    result = np.empty((channels, rows, columns))
    for i in range(rows):
        for j in range(columns):
            tile = image[:, i * factor : (i + 1) * factor, j * factor : (j + 1) * factor]
            result[:, i, j] = tile.astype(np.float64).mean((1, 2))
    return result


def test_native_changes_nothing(photos):
    assert Protocol()(photos[0]) is photos[0]


@pytest.mark.parametrize(("height", "width"), [(40, 60), (41, 63)])
def test_half_is_the_mean_of_two_by_two(height, width):
    image = torch.rand(2, 3, height, width)
    got = Protocol("half")(image)
    for one, result in zip(image, got, strict=True):
        np.testing.assert_allclose(result, blocks(one.numpy(), 2), atol=1e-6)


@pytest.mark.parametrize(
    ("side", "factor"), [(100, 1), (47, 1), (49, 2), (63, 2), (80, 2), (81, 3)]
)
def test_box_is_the_mean_over_rounded_factors(side, factor):
    image = torch.rand(1, 3, side, 101)
    # round() takes halves to even, as numpy's does in the authors' code: 80 / 32 = 2.5 -> 2.
    expected = blocks(image[0].numpy(), factor if side != 100 else 3)
    np.testing.assert_allclose(Protocol("box-32")(image)[0], expected, atol=1e-6)


@pytest.mark.parametrize("size", [(97, 150), (150, 97), (65, 64), (300, 100)])
def test_short_side_is_torchvisions_resize(size):
    image = torch.rand(2, 3, *size)
    got = Protocol("short-64")(image)
    expected = tv.resize(image, 64, interpolation=tv.InterpolationMode.BILINEAR, antialias=True)
    assert got.shape == expected.shape
    torch.testing.assert_close(got, expected)


@given(st.integers(64, 999), st.integers(64, 999))
@settings(max_examples=40)
def test_short_side_has_the_size_of_torchvision(height, width):
    image = torch.zeros(1, 1, 1, 1).expand(1, 1, height, width)
    assert Protocol("short-64")(image).shape == tv.resize(image, 64).shape


def test_short_side_is_close_to_pillows_resize(photos):
    for photo in photos[:2]:
        pixels = (photo[0].permute(1, 2, 0) * 255).round().byte().numpy()
        got = Protocol("short-64")(photo)
        pillow = Image.fromarray(pixels).resize(got.shape[:1:-1], Image.Resampling.BILINEAR)
        expected = torch.from_numpy(np.asarray(pillow).copy()).permute(2, 0, 1) / 255
        assert (got[0] - expected).abs().max() < 1.01 / 255


def test_a_small_image_is_not_enlarged_by_its_short_side():
    image = torch.rand(1, 3, 40, 90)
    assert Protocol("short-64")(image) is image
    assert Protocol("short-40")(image) is image


def test_width_by_height_is_pillows_bicubic(photos):
    photo = photos[1]
    got = Protocol("90x60")(photo)
    assert got.shape == (1, 3, 60, 90)
    planes = [
        Image.fromarray(plane.numpy()).resize((90, 60), Image.Resampling.BICUBIC)
        for plane in photo[0]
    ]
    expected = torch.stack([torch.from_numpy(np.asarray(plane).copy()) for plane in planes])
    torch.testing.assert_close(got[0], expected.clamp(0, 1), rtol=0, atol=1e-5)


def test_bicubic_overshoot_stays_in_range():
    image = (torch.rand(1, 3, 30, 30) > 0.5).float()
    got = Protocol("47x53")(image)
    assert got.min() == 0
    assert got.max() == 1


@pytest.mark.parametrize(
    "rule", ["nativ", "short", "short-0", "box--2", "224", "0x5", "half-2", "", "native "]
)
def test_an_unknown_rule_is_refused_and_the_rules_named(rule):
    with pytest.raises(MetricError, match=r'is not a rule.*"native".*"short-256"'):
        Protocol(rule)
    with pytest.raises(MetricError, match="is not a rule"):
        create_metric("dfb", resize=rule)


def test_an_image_too_small_for_the_rule_is_named_with_its_size():
    with pytest.raises(ImageError, match="9x1 pixels hold no 2x2 block"):
        Protocol("half")(torch.rand(1, 3, 1, 9))


def test_the_protocol_is_applied_to_both_images(batch_pair):
    x, y = batch_pair
    by_hand = create_metric("dfb")(*(torch.nn.functional.avg_pool2d(t, 2) for t in (x, y)))
    torch.testing.assert_close(create_metric("dfb", resize="half")(x, y), by_hand)
