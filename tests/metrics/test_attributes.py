"""Attributes, each against its formula or against images whose value is known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.distortions import distort
from snellen.errors import ImageError, MetricError
from snellen.images import gray_levels
from snellen.metrics import create_metric, create_metrics, list_metrics
from tests.metrics.inside import cpbd, edge_widths, sobel_edges

NAMES = [
    "complexity", "colorfulness", "sharpness", "contrast", "noise-level", "exposure", "clipping",
]  # fmt: skip


def value(name, image):
    return float(create_metric(name)(image))


def noise(shape, deviation, seed=0):
    return deviation * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_they_are_listed_and_have_no_direction():
    assert list_metrics(kind="attribute") == NAMES
    for name in NAMES:
        metric = create_metric(name)
        assert metric.lower_better is None
        assert "is better" not in repr(metric)


def test_batches_and_ranges(photos):
    images = torch.stack([photo[0, :, :160, :170] for photo in photos])
    for metric in create_metrics(NAMES):
        scores = metric(images)
        alone = torch.cat([metric(image) for image in images])
        torch.testing.assert_close(scores, alone, rtol=1e-5, atol=1e-6)
        low, high = metric.range
        assert scores.min() >= low
        assert high is None or scores.max() <= high


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_colorfulness_is_that_of_the_paper(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    red, green, blue = (pixels[..., i].astype(float) for i in range(3))
    rg, yb = red - green, 0.5 * (red + green) - blue
    spread = math.hypot(rg.std(), yb.std())
    expected = spread + 0.3 * math.hypot(rg.mean(), yb.mean())
    assert value("colorfulness", pixels) == pytest.approx(expected, rel=1e-4)


def test_colorfulness_orders_saturations(photos):
    grey = photos[0].mean(dim=1, keepdim=True).expand_as(photos[0])
    scores = [value("colorfulness", grey + s * (photos[0] - grey)) for s in (0, 0.3, 0.6, 1)]
    assert scores == sorted(scores)
    assert scores[0] == pytest.approx(0, abs=1e-3)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.9), st.floats(0.01, 0.1))
def test_contrast_and_exposure_are_moments_of_luma(seed, low, spread):
    image = low + spread * torch.rand(1, 3, 12, 14, generator=torch.Generator().manual_seed(seed))
    luma = np.tensordot([0.299, 0.587, 0.114], image[0].double().numpy(), 1)
    assert value("exposure", image) == pytest.approx(luma.mean(), rel=1e-5)
    assert value("contrast", image) == pytest.approx(luma.std(), rel=1e-4)


def test_clipping_counts_pixels_with_a_channel_at_an_end():
    pixels = np.full((10, 10, 3), 128, np.uint8)
    pixels[0, :3] = 0
    pixels[5, :4, 1] = 255
    pixels[7, :, 2] = 254
    assert value("clipping", pixels) == pytest.approx(0.07)


@pytest.mark.parametrize("deviation", [0.01, 0.03, 0.08])
def test_noise_level_finds_the_noise(deviation):
    grey = (0.5 + noise((1, 1, 256, 256), deviation)).clamp(0, 1).expand(-1, 3, -1, -1)
    assert value("noise-level", grey) == pytest.approx(255 * deviation, rel=0.03)
    ramp = torch.linspace(0.2, 0.8, 256).expand(1, 1, 256, 256)  # the wavelet sees no ramp
    tilted = (ramp + noise((1, 1, 256, 256), deviation)).clamp(0, 1).expand(-1, 3, -1, -1)
    assert value("noise-level", tilted) == pytest.approx(255 * deviation, rel=0.03)


def test_noise_level_is_the_median_of_diagonal_coefficients(photos):
    root = math.sqrt(3)
    low = np.array([1 + root, 3 + root, 3 - root, 1 - root]) / (4 * math.sqrt(2))
    high = low[::-1] * [1, -1, 1, -1]  # the quadrature mirror of Daubechies' filter
    luma = np.tensordot([0.299, 0.587, 0.114], 255 * photos[0][0].double().numpy(), 1)
    windows = np.lib.stride_tricks.sliding_window_view(luma, (4, 4))[::2, ::2]
    diagonal = np.abs(np.einsum("ijkl,k,l->ij", windows, high, high)).ravel()
    expected = np.sort(diagonal)[(len(diagonal) - 1) // 2] / 0.6744897501960817
    assert value("noise-level", photos[0]) == pytest.approx(expected, rel=1e-4)


def test_complexity_of_images_with_known_gradients():
    assert value("complexity", torch.full((1, 3, 64, 64), 0.3)) == 0
    ramp = torch.linspace(0.1, 0.9, 96).expand(1, 3, 96, 96)
    assert value("complexity", ramp) == pytest.approx(0, abs=0.01)  # one gradient everywhere
    halves = torch.cat([ramp[..., :96], torch.full_like(ramp, 0.5)], dim=2)
    assert 0.9 < value("complexity", halves) < 1.5  # two kinds of places: about one bit


def test_complexity_falls_with_blur_and_grows_with_noise(photos):
    for photo in photos:
        there = value("complexity", photo)
        assert value("complexity", distort(photo, "blur:4")) < there
        assert value("complexity", photo * 0.2) < there
    flat = torch.full((1, 3, 96, 96), 0.5)
    scores = [value("complexity", flat + noise(flat.shape, s)) for s in (0.01, 0.03, 0.1)]
    assert 0 < scores[0] < scores[1] < scores[2]


def by_loops(grey):
    """CPBD pixel by pixel, as the method is told, for the edges of the Sobel operator."""
    edges, total, sharp = sobel_edges(grey), 0, 0
    down, along = np.gradient(grey)
    for top in range(0, grey.shape[0] - 63, 64):
        for left in range(0, grey.shape[1] - 63, 64):
            block = np.s_[top : top + 64, left : left + 64]
            if edges[block].sum() <= 0.002 * 4096:
                continue
            noticed = 5 if int(np.ptp(grey[block])) <= 50 else 3
            for row, column in np.argwhere(edges[block]) + np.array([top, left]):
                width = walk(grey, down, along, row, column)
                if width:
                    total += 1
                    sharp += round(100 * (1 - math.exp(-((width / noticed) ** 3.6)))) <= 63
    return sharp / total if total else 0.0


def walk(grey, down, along, row, column):
    height, length = grey.shape
    angle = round(math.degrees(math.atan2(down[row, column], along[row, column])) / 45)
    inside = 0 < row < height - 1 and 0 < column < length - 1
    if not inside or along[row, column] == 0 or angle not in (0, 4, -4):
        return 0
    sign = 1 if angle == 0 else -1
    line = sign * grey[row]
    width = 0
    for step in (-1, 1):
        at = column + step
        steps = 1
        while 0 <= at + step < length and step * (line[at + step] - line[at]) > 0 and steps <= 100:
            at, steps = at + step, steps + 1
        width += steps
    return width


@pytest.mark.parametrize("spec", ["blur:2", "jpeg:3", "noise:2"])
def test_sharpness_is_the_method_pixel_by_pixel(photos, spec):
    for photo in photos[:2]:
        grey = gray_levels(distort(photo, spec, seed=1))[0, 0].numpy()
        assert cpbd(grey) == pytest.approx(by_loops(grey), abs=1e-12)


def test_widths_of_edges_that_are_known():
    grey = np.full((20, 40), 50.0)
    grey[:, 15:21] = [60, 90, 120, 150, 180, 200]
    grey[:, 21:] = 200.0
    edges = np.zeros(grey.shape, bool)
    edges[3:17, 17] = True
    widths = edge_widths(grey, edges)
    assert set(widths[edges]) == {6.0}  # from the last 50 to the first 200
    assert set(edge_widths(255 - grey, edges)[edges]) == {6.0}
    assert not widths[~edges].any()


def test_sharpness_falls_with_blur(photos):
    for photo in photos:
        scores = [value("sharpness", distort(photo, f"blur:{level}")) for level in (2, 3, 5)]
        assert value("sharpness", photo) > scores[0] > scores[1] > scores[2]
    assert value("sharpness", torch.full((1, 3, 80, 80), 0.5)) == 0


def test_what_attributes_cannot_do():
    with pytest.raises(ImageError, match=r"of 40x60 pixels are too small.*at least 64 pixels"):
        create_metric("sharpness")(torch.rand(1, 3, 60, 40))
    with pytest.raises(ImageError, match="at least 24 pixels"):
        create_metric("complexity")(torch.rand(1, 3, 20, 40))
    with pytest.raises(MetricError, match=r"contrast has no network: weights cannot.*deep"):
        create_metric("contrast", weights="random")
    with pytest.raises(MetricError, match="readout cannot be set"):
        create_metric("contrast", readout="cosine")
