import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import ImageError
from snellen.vision import Viewing


def test_sixty_pixels_per_degree_end_at_thirty_cycles():
    viewing = Viewing()
    assert viewing.nyquist == 30
    assert viewing.cycles_per_pixel(30) == 0.5
    assert viewing.manifest() == {"pixels_per_degree": 60.0}


@given(st.floats(1, 500), st.floats(0.01, 100))
def test_conversions_are_inverses(pixels_per_degree, value):
    viewing = Viewing(pixels_per_degree)
    there = viewing.cycles_per_pixel(value)
    assert viewing.cycles_per_degree(there) == pytest.approx(value)
    assert viewing.degrees(viewing.pixels(value)) == pytest.approx(value)
    # A grating keeps its number of cycles, whichever unit its length is in.
    assert there * viewing.pixels(3.0) == pytest.approx(value * 3.0)


def test_a_screen_is_measured_at_its_middle():
    # 0.25 mm pixels at 55 cm: one degree is 55 cm * pi / 180 = 9.599 mm, 38.4 pixels.
    viewing = Viewing.from_screen(0.55, 0.48, 1920)
    assert viewing.pixels_per_degree == pytest.approx(0.55 * math.pi / 180 / 0.25e-3, rel=1e-6)
    twice = Viewing.from_screen(1.1, 0.48, 1920)
    assert twice.pixels_per_degree == pytest.approx(2 * viewing.pixels_per_degree, rel=1e-6)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_lengths_are_positive(value):
    with pytest.raises(ImageError, match="pixels_per_degree must be positive"):
        Viewing(value)
    with pytest.raises(ImageError, match="distance must be positive"):
        Viewing.from_screen(value, 0.5, 1920)
