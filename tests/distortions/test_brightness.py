"""Brightness against splines and scikit-image's Lab."""

import numpy as np
import pytest
import scipy.interpolate
import skimage.color
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.distortions.inside import BRIGHTNESS_TYPES as TYPES

BY_NAME = {one.name: one for one in TYPES}
LEVELS = [1, 2, 3, 4, 5]


def _spline(values, middle):
    """MATLAB's spline through three points: the polynomial of degree 2."""
    curve = scipy.interpolate.make_interp_spline([0, 0.5, 1], [0, middle, 1], k=2)
    return np.clip(curve(values), 0, 1)


@pytest.mark.parametrize("level", LEVELS)
def test_darkening_follows_the_spline(photos, level):
    middle = 0.5 - BY_NAME["darken"].strength(level) / 2
    expected = _spline(photos[0].double().numpy(), middle)
    np.testing.assert_allclose(BY_NAME["darken"](photos[0], level), expected, atol=1e-6)


@pytest.mark.parametrize("level", LEVELS)
def test_brightening_follows_the_spline_in_rgb_and_in_lightness(photos, level):
    pixels = photos[3][0].permute(1, 2, 0).double().numpy()
    middle = 0.5 + BY_NAME["brighten"].strength(level) / 2
    lab = skimage.color.rgb2lab(pixels)
    lab[..., 0] = 100 * _spline(lab[..., 0] / 100, middle)
    in_srgb = skimage.color.lab2rgb(lab)
    expected = (2 * _spline(pixels, middle) + in_srgb) / 3
    found = BY_NAME["brighten"](photos[3], level)[0].permute(1, 2, 0).numpy()
    # Where the colour leaves sRGB, scikit-image clips it elsewhere: compare the others.
    within = ((in_srgb > 0.002) & (in_srgb < 0.998)).all(-1)
    assert within.mean() > 0.2
    np.testing.assert_allclose(found[within], expected[within], atol=2e-5)


@given(st.floats(0.01, 1))
def test_brightening_brightens_and_darkening_darkens(amount):
    ramp = torch.linspace(0, 1, 64).view(1, 1, 8, 8)
    assert (BY_NAME["brighten"].at(ramp, amount) >= ramp - 1e-6).all()
    assert (BY_NAME["darken"].at(ramp, amount) <= ramp + 1e-6).all()


def test_black_and_white_stay(photos):
    ends = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    for name in ("brighten", "darken"):
        torch.testing.assert_close(BY_NAME[name](ends, 3), ends, atol=1e-6, rtol=0)


@pytest.mark.parametrize("level", LEVELS)
def test_a_shift_adds_and_clips(photos, level):
    shift = BY_NAME["mean-shift"].strength(level)
    expected = np.clip(photos[0].numpy() + np.float32(shift), 0, 1)
    np.testing.assert_allclose(BY_NAME["mean-shift"](photos[0], level), expected, atol=1e-7)


def test_level_3_of_the_shift_is_the_original(photos):
    assert BY_NAME["mean-shift"].signed
    assert torch.equal(BY_NAME["mean-shift"](photos[0], 3), photos[0])
