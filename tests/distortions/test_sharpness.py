"""Sharpening and contrast against scipy's filters and splines, and scikit-image."""

import numpy as np
import pytest
import scipy.interpolate
import scipy.ndimage
import skimage.color
import skimage.exposure
import torch

from tests.distortions.inside import SHARPNESS_TYPES as TYPES

BY_NAME = {one.name: one for one in TYPES}
LEVELS = [1, 2, 3, 4, 5]


@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")
@pytest.mark.parametrize("amount", [0.3, 1])
def test_sharpening_is_an_unsharp_mask_of_the_lightness(photos, amount):
    pixels = photos[2][0].permute(1, 2, 0).double().numpy()
    lab = skimage.color.rgb2lab(pixels)
    blurred = scipy.ndimage.gaussian_filter(lab[..., 0], 3, mode="nearest", radius=6)
    lab[..., 0] += amount * (lab[..., 0] - blurred)
    expected = skimage.color.lab2rgb(lab)
    found = BY_NAME["sharpen"].at(photos[2], amount)[0].permute(1, 2, 0).numpy()
    within = ((expected > 0.002) & (expected < 0.998)).all(-1)
    assert within.mean() > 0.5
    np.testing.assert_allclose(found[within], expected[within], atol=2e-5)


def test_no_sharpening_leaves_the_image(photos):
    torch.testing.assert_close(BY_NAME["sharpen"].at(photos[0], 0), photos[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("level", LEVELS)
def test_contrast_follows_the_spline_of_matlab(photos, level):
    amount = BY_NAME["contrast"].strength(level)
    curve = scipy.interpolate.CubicSpline(
        [0, 0.3, 0.5, 0.7, 1], [0, 0.25 - amount / 4, 0.5, 0.75 + amount / 4, 1]
    )
    expected = np.clip(curve(photos[0].double().numpy()), 0, 1)
    np.testing.assert_allclose(BY_NAME["contrast"](photos[0], level), expected, atol=1e-6)


@pytest.mark.parametrize("level", LEVELS)
def test_compression_leaves_its_range(level):
    ramp = torch.linspace(0, 1, 256).view(1, 1, 16, 16)
    half = BY_NAME["contrast-compression"].strength(level)
    found = BY_NAME["contrast-compression"](ramp, level)
    assert found.min().item() == pytest.approx(0.5 - half)
    assert found.max().item() == pytest.approx(0.5 + half)
    np.testing.assert_allclose(found[0, 0].flatten().diff(), 2 * half / 255, atol=1e-6)


@pytest.mark.parametrize("level", LEVELS)
def test_gamma_is_that_of_scikit_image(photos, level):
    exponent = BY_NAME["gamma-contrast"].strength(level)
    expected = skimage.exposure.adjust_gamma(photos[0].numpy(), exponent)
    np.testing.assert_allclose(BY_NAME["gamma-contrast"](photos[0], level), expected, atol=1e-6)
