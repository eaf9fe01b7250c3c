"""Blurs against scipy, against areas and moments in closed form, and against the point spread."""

import math

import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from snellen.errors import DistortionError
from tests.distortions.inside import BLUR_TYPES as TYPES
from tests.distortions.inside import (
    box_blur,
    correlate,
    disk_kernel,
    gaussian_blur,
    gaussian_taps,
    motion_kernel,
    separable,
)

BY_NAME = {one.name: one for one in TYPES}
BORDERS = {"replicate": "nearest", "constant": "constant"}


def _point(side=41):
    image = torch.zeros(1, 3, side, side)
    image[..., side // 2, side // 2] = 1
    return image


def _as_array(image):
    return image[0].double().numpy()


@pytest.mark.parametrize("border", BORDERS)
def test_a_kernel_is_applied_as_scipy_applies_it(photos, border):
    kernel = np.random.default_rng(0).random((5, 7)) / 17
    filtered = correlate(photos[1], kernel, border)
    expected = scipy.ndimage.correlate(_as_array(photos[1]), kernel[None], mode=BORDERS[border])
    np.testing.assert_allclose(filtered[0], expected, atol=3e-6)


@pytest.mark.parametrize("border", BORDERS)
def test_taps_are_applied_along_columns_and_rows(photos, border):
    taps = [0.1, 0.5, 0.2, 0.0, 0.4]
    filtered = separable(photos[1], taps, border)
    kernel = np.outer(taps, taps)
    expected = scipy.ndimage.correlate(_as_array(photos[1]), kernel[None], mode=BORDERS[border])
    np.testing.assert_allclose(filtered[0], expected, atol=1e-6)


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_gaussian_blur_is_that_of_scipy(photos, level):
    sigma = BY_NAME["gaussian-blur"].strength(level)
    blurred = BY_NAME["gaussian-blur"](photos[0], level)
    expected = scipy.ndimage.gaussian_filter(
        _as_array(photos[0]),
        (0, sigma, sigma),
        mode="nearest",
        radius=(0, *[math.ceil(2 * sigma)] * 2),
    )
    np.testing.assert_allclose(blurred[0], expected, atol=1e-6)


def test_a_blur_of_a_tenth_of_a_pixel_leaves_the_image(photos):
    assert torch.equal(BY_NAME["gaussian-blur"](photos[0], 1), photos[0])


@given(st.floats(0.6, 3))
def test_a_blurred_point_spreads_by_the_variance_of_its_kernel(sigma):
    blurred = gaussian_blur(_point().double(), sigma)[0, 0]
    offsets = torch.arange(-20.0, 21.0).double()
    variance = (blurred.sum(0) * offsets.square()).sum()
    # Cut off at two deviations, a Gaussian keeps at least 0.77 of its variance.
    assert 0.75 * sigma**2 < variance <= sigma**2 * 1.001
    assert blurred.sum() == pytest.approx(1)


def test_a_box_averages_its_square(photos):
    expected = scipy.ndimage.uniform_filter(_as_array(photos[2]), (0, 5, 5), mode="nearest")
    np.testing.assert_allclose(box_blur(photos[2], 5)[0], expected, atol=1e-6)


def _shares_of_a_disk(radius, reach, fine=200):
    """Count the points of a fine grid that lie in the disk, pixel by pixel."""
    steps = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = (steps[:, None] ** 2 + steps**2 <= radius**2).astype(float)
    return inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).mean((1, 3)) / (
        math.pi * radius**2
    )


@pytest.mark.parametrize("radius", [0.3, 0.5, 1, 1.7, 2, 4, 6.25])
def test_the_disk_weighs_pixels_by_the_area_they_share_with_it(radius):
    kernel = disk_kernel(radius)
    expected = _shares_of_a_disk(radius, len(kernel) // 2)
    np.testing.assert_allclose(kernel, expected, atol=2e-3 / radius)


def test_the_disk_of_radius_1_is_that_of_matlab():
    # fspecial('disk', 1), to the digits that MATLAB prints
    expected = [[0.0251, 0.1453, 0.0251], [0.1453, 0.3183, 0.1453], [0.0251, 0.1453, 0.0251]]
    np.testing.assert_allclose(disk_kernel(1), expected, atol=5e-5)


def test_a_point_through_a_lens_becomes_the_disk():
    blurred = BY_NAME["lens-blur"](_point(), 4)[0, 0]
    kernel = disk_kernel(6)
    np.testing.assert_allclose(blurred[14:27, 14:27], kernel, atol=1e-7)
    assert blurred.sum() == pytest.approx(1, abs=1e-5)


@given(st.floats(1, 9))
@example(4.609511772853115)  # its square, by two ways of rounding, is two numbers
def test_the_disk_has_the_moments_of_a_disk(radius):
    kernel = disk_kernel(radius)
    offsets = np.arange(len(kernel)) - len(kernel) // 2
    variance = (kernel.sum(0) * offsets**2).sum()
    # Of a disk r^2 / 4; collecting it in the centres of pixels adds a pixel's 1 / 12.
    assert variance == pytest.approx(radius**2 / 4 + 1 / 12, abs=0.1)


def _line_as_matlab_draws_it(length, angle):
    """fspecial('motion'), element by element after its documentation."""
    half = (length - 1) / 2
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    reach = math.ceil(half) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for up in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            distance = abs(up * cosine - right * sine)
            if math.hypot(up, right) >= half:
                past = half - abs(right * cosine + up * sine)
                distance = math.hypot(distance, past)
            kernel[reach - up, reach + right] = max(0, 1 - distance)
    return kernel / kernel.sum()


@pytest.mark.parametrize(
    ("length", "angle"), [(9, 0), (9, 90), (10, 37), (6, 135), (2, 180), (4, 61)]
)
def test_the_line_of_motion_is_that_of_matlab(length, angle):
    expected = _line_as_matlab_draws_it(length, angle)
    kernel = motion_kernel(length, angle)
    margin = (len(expected) - len(kernel)) // 2
    np.testing.assert_allclose(np.pad(kernel, margin), expected, atol=1e-9)


def test_a_horizontal_line_is_even():
    kernel = motion_kernel(9, 0)
    np.testing.assert_allclose(kernel[4], 1 / 9)
    assert np.count_nonzero(kernel) == 9


@given(st.floats(4, 20), st.integers(0, 180))
def test_motion_has_its_length_and_direction(length, angle):
    kernel = motion_kernel(length, angle)
    reach = len(kernel) // 2
    right, up = np.arange(-reach, reach + 1)[None], np.arange(reach, -reach - 1, -1)[:, None]
    spread = np.array([[(kernel * p * q).sum() for p in (right, up)] for q in (right, up)])
    values, vectors = np.linalg.eigh(spread)
    found = math.degrees(math.atan2(vectors[1, 1], vectors[0, 1])) % 180
    # The pixel grid turns short lines: 4.5 degrees at length 4.75, 0.3 at 20, over all angles.
    assert min(abs(found - angle % 180), 180 - abs(found - angle % 180)) < 24 / length
    assert math.sqrt(12 * values[1] + 1) == pytest.approx(length, rel=0.15)


def test_motion_of_length_1_leaves_the_image(photos):
    assert torch.equal(BY_NAME["motion-blur"](photos[0], 1, seed=3), photos[0])


def test_the_direction_of_motion_comes_from_the_seed(photos):
    batch = torch.cat([photos[0]] * 3)
    blurred = BY_NAME["motion-blur"](batch, 5, seed=[1, 2, 1])
    assert torch.equal(blurred[0], blurred[2])
    assert not torch.equal(blurred[0], blurred[1])


def test_gaussian_taps_sum_to_1():
    assert sum(gaussian_taps(1.7, 5)) == pytest.approx(1)
    assert gaussian_taps(0, 2) == [0, 0, 1, 0, 0]


@pytest.mark.parametrize("name", BY_NAME)
def test_a_negative_size_is_refused(photos, name):
    with pytest.raises(
        DistortionError, match=f"{name}: strength -1, expected a number of 0 or more"
    ):
        BY_NAME[name].at(photos[0], -1)
