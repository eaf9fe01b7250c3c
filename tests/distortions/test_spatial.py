"""Spatial distortions against Pillow, scikit-image, scipy and plain bookkeeping."""

import numpy as np
import pytest
import scipy.stats
import skimage.filters
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from snellen.errors import DistortionError
from tests.distortions.inside import SPATIAL_TYPES as TYPES
from tests.distortions.inside import _warp, move_patches, otsu_thresholds

BY_NAME = {one.name: one for one in TYPES}


def _coordinates(height, width):
    """An image whose pixels say where they come from: red the row, green the column."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([rows / 255, columns / 255, torch.zeros(height, width)])[None]


def test_a_warp_by_whole_pixels_moves_pixels(photos):
    image = photos[0]
    shifts = torch.zeros(*image.shape[-2:], 2)
    shifts[..., 0], shifts[..., 1] = 2, -1
    warped = _warp(image, shifts)
    assert torch.equal(warped[..., 1:, :-2], image[..., :-1, 2:])
    assert torch.equal(warped[..., 1:, -1], image[..., :-1, -1])


def test_a_warp_reproduces_a_ramp_between_pixels():
    ramp = _coordinates(60, 70)
    shifts = torch.rand(60, 70, 2) * 3 - 1.5
    warped = _warp(ramp, shifts)[0, :, 5:-5, 5:-5]
    expected = ramp[0, :2, 5:-5, 5:-5] + shifts[5:-5, 5:-5].permute(2, 0, 1)[[1, 0]] / 255
    torch.testing.assert_close(warped[:2], expected, atol=2e-6, rtol=0)


def test_a_warp_by_half_a_pixel_weighs_as_keys_does():
    point = torch.zeros(1, 1, 9, 9)
    point[..., 4, 4] = 1
    shifts = torch.zeros(9, 9, 2)
    shifts[..., 0] = 0.5
    expected = torch.tensor([-1, 9, 9, -1]) / 16
    torch.testing.assert_close(_warp(point, shifts)[0, 0, 4, 2:6], expected)


@pytest.mark.parametrize("level", [1, 3, 5])
def test_jitter_displaces_by_five_normal_shifts(level):
    amount = BY_NAME["jitter"].strength(level)
    ramp = _coordinates(200, 200)
    moved = (BY_NAME["jitter"](ramp, level, seed=1) - ramp)[0, :2, 20:-20, 20:-20] * 255
    values = moved.flatten().double().numpy()
    assert abs(values.mean()) < 0.05 * amount
    # The first shifts are interpolated by those after them, which takes some of their variance.
    assert 0.5 * 5 * amount**2 < values.var() < 1.05 * 5 * amount**2
    assert abs(scipy.stats.skew(values)) < 0.1


def test_no_jitter_leaves_the_image(photos):
    torch.testing.assert_close(BY_NAME["jitter"].at(photos[0], 0), photos[0], atol=0, rtol=0)


def test_patches_are_moved_not_changed():
    image = _coordinates(120, 160)
    moved = move_patches(image, 30, 16, [1], "test")
    rows, columns = (moved[0, :2] * 255).round().long()
    assert torch.equal(image[0, :, rows, columns], moved[0])
    down, right = rows - torch.arange(120)[:, None], columns - torch.arange(160)
    changed = (down != 0) | (right != 0)
    assert 0 < changed.double().mean() <= 30 * 256 / (120 * 160)


def test_one_patch_is_one_square_moved_by_up_to_half_its_side():
    image = _coordinates(120, 160)
    for seed in range(20):
        moved = move_patches(image, 1, 16, [seed], "test")
        rows, columns = (moved[0, :2] * 255).round().long()
        down, right = rows - torch.arange(120)[:, None], columns - torch.arange(160)
        changed = (down != 0) | (right != 0)
        if not changed.any():
            continue
        assert changed.sum() == 256
        assert down[changed].unique().numel() == right[changed].unique().numel() == 1
        assert max(down[changed].abs().max(), right[changed].abs().max()) <= 8


def test_more_patches_continue_fewer(photos):
    batch, few = photos[0], BY_NAME["non-eccentricity-patch"](photos[0], 1, seed=3)
    many = BY_NAME["non-eccentricity-patch"](batch, 5, seed=3)
    assert (many != batch).sum() > (few != batch).sum()


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 5))
def test_patches_stay_inside_any_image(height, width, seed):
    image = _coordinates(height, width)
    moved = move_patches(image, 9, 16, [seed], "test")
    rows, columns = (moved[0, :2] * 255).round().long()
    assert torch.equal(image[0, :, rows, columns], moved[0])


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_pixels_are_those_of_pillow(photos, level):
    scale = 0.95 - BY_NAME["pixelate"].strength(level) ** 0.6
    # With sides that are odd primes only the middle of the image can fall between two pixels.
    image = photos[0][..., :173, :223]
    pixels = (image[0].permute(1, 2, 0) * 255).round().byte().numpy()
    picture = Image.fromarray(pixels)
    small = picture.resize(
        (int(np.ceil(scale * picture.width)), int(np.ceil(scale * picture.height))),
        Image.Resampling.NEAREST,
    )
    expected = np.asarray(small.resize(picture.size, Image.Resampling.NEAREST))
    found = (BY_NAME["pixelate"](image, level)[0].permute(1, 2, 0) * 255).round().byte().numpy()
    decided = np.ix_(np.arange(173) != 86, np.arange(223) != 111)
    np.testing.assert_array_equal(found[decided], expected[decided])


@pytest.mark.parametrize("number", [1, 2, 3])
def test_thresholds_are_those_of_scikit_image(photos, number):
    values = (photos[0] * 255).round().long()
    found = otsu_thresholds(torch.bincount(values.flatten(), minlength=256), number)
    expected = skimage.filters.threshold_multiotsu(
        values.numpy().astype(np.uint8).reshape(-1, values.shape[-1]), classes=number + 1
    )
    assert found == expected.tolist()


def _variance_within(counts, thresholds):
    values = np.arange(len(counts))
    classes = np.searchsorted(thresholds, values)
    total = 0.0
    for one in range(len(thresholds) + 1):
        weights = counts * (classes == one)
        if weights.sum():
            mean = (weights * values).sum() / weights.sum()
            total += (weights * (values - mean) ** 2).sum()
    return total


@given(st.lists(st.integers(0, 20), min_size=8, max_size=12), st.integers(2, 4), st.randoms())
def test_no_other_thresholds_are_better(counts, number, random):
    found = otsu_thresholds(torch.tensor(counts), number)
    assert found == sorted(found)
    best = _variance_within(np.array(counts), found)
    for _ in range(20):
        other = sorted(random.sample(range(len(counts) - 1), number))
        assert best <= _variance_within(np.array(counts), other) + 1e-9


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_quantisation_has_its_number_of_tones(photos, level):
    quantized = BY_NAME["quantization"](photos[0], level)
    assert quantized.unique().numel() == BY_NAME["quantization"].strength(level) + 1
    assert quantized.min() == 0
    assert quantized.max() == 1


def test_quantisation_keeps_the_order_of_tones(photos):
    quantized = BY_NAME["quantization"](photos[0], 5)
    order = photos[0].flatten().argsort()
    assert (quantized.flatten()[order].diff() >= 0).all()


def test_quantisation_of_a_flat_image_is_flat():
    quantized = BY_NAME["quantization"](torch.full((1, 3, 9, 9), 0.4), 1)
    assert quantized.unique().numel() == 1


@pytest.mark.parametrize("level", [1, 5])
def test_blocks_are_squares_of_one_colour(photos, level):
    image = photos[0]
    covered = BY_NAME["color-block"](image, level, seed=2)
    changed = (covered != image).any(1)[0]
    count = BY_NAME["color-block"].strength(level)
    assert 1024 * 0.98 <= changed.sum() <= count * 1024
    colors = torch.unique(covered[0][:, changed], dim=1).shape[1]
    assert 1 <= colors <= count


def test_a_block_covers_a_small_image():
    covered = BY_NAME["color-block"].at(torch.zeros(1, 3, 20, 20), 1)
    assert torch.equal(covered, covered[..., :1, :1].expand(-1, -1, 20, 20))


@pytest.mark.parametrize(
    ("name", "strength"),
    [("pixelate", 1), ("quantization", 0), ("color-block", 1.5), ("non-eccentricity-patch", -1)],
)
def test_impossible_strengths_are_refused(photos, name, strength):
    with pytest.raises(DistortionError, match=f"{name}: strength {strength:g}, expected"):
        BY_NAME[name].at(photos[0], strength)
