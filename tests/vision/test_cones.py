import numpy as np
import pytest
import skimage.color
from hypothesis import given
from hypothesis import strategies as st

from tests.vision.inside import (
    LUMA,
    RGB_TO_LMS,
    cone_contrast,
    decode_srgb,
    encode_srgb,
    luma_directions,
    opponent_directions,
)


@given(st.floats(0, 1))
def test_encoding_and_decoding_are_inverses(value):
    assert encode_srgb(decode_srgb(value)) == pytest.approx(value, abs=1e-6)


def test_light_to_xyz_is_that_of_scikit_image():
    rgb = np.random.default_rng(0).random((20, 3))
    # The luminance of scikit-image's XYZ is the weighted sum of linear light.
    assert decode_srgb(rgb) @ LUMA == pytest.approx(skimage.color.rgb2xyz(rgb)[:, 1], abs=1e-4)


def test_white_drives_the_cones_as_in_the_measured_collection():
    # Background of rovamo1993 there: D65 at 50 cd/m2.
    published = [36.7372648518233, 15.8141236515338, 1.04100192534928]
    assert 50 * RGB_TO_LMS.sum(axis=1) == pytest.approx(published, rel=3e-4)


@given(st.floats(0.01, 0.9), st.floats(0.05, 0.5))
def test_cone_contrast_of_greys_is_michelsons(contrast, mean):
    high, low = np.full(3, mean * (1 + contrast)), np.full(3, mean * (1 - contrast))
    assert cone_contrast(high, low) == pytest.approx(contrast)


def test_opponent_directions_silence_the_other_mechanisms():
    steps = opponent_directions()
    l_cone, m_cone, s_cone = RGB_TO_LMS @ steps["red-green"]
    assert l_cone == pytest.approx(-m_cone)
    assert s_cone == pytest.approx(0, abs=1e-12)
    l_cone, m_cone, s_cone = RGB_TO_LMS @ steps["blue-yellow"]
    assert [l_cone, m_cone] == pytest.approx([0, 0], abs=1e-12)
    assert s_cone > 0
    assert all(np.abs(step).max() == step.max() == 1 for step in steps.values())


def test_luma_directions_each_drive_one_plane():
    steps = luma_directions()
    for name, (luma, red_green, blue_yellow) in {
        name: (LUMA @ s, (s[0] - s[1]) / 2, s[2] / 2 - (s[0] + s[1]) / 4)
        for name, s in steps.items()
    }.items():
        driven = {"achromatic": luma, "red-green": red_green, "blue-yellow": blue_yellow}
        assert driven.pop(name) > 0.1
        assert list(driven.values()) == pytest.approx([0, 0], abs=1e-12)
