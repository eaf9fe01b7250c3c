"""Peaks, widths and selectivity of curves whose answers are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exam.inside import (
    circular_variance,
    find_peak,
    fit_contrast_response,
    orientation_selectivity,
    phase_modulation,
)

OCTAVES = np.log2(30 * 2 ** (-np.arange(16, 0, -1) / 3))
ORIENTATIONS = np.arange(0, 180, 15.0)
CONTRASTS = 2.0 ** np.arange(-5, 1)
HALF_HEIGHT = 2 * np.sqrt(2 * np.log(2))


def bump(positions, center, sigma, period=None):
    distance = positions - center
    if period is not None:
        distance = (distance + period / 2) % period - period / 2
    return np.exp(-(distance**2) / (2 * sigma**2))


@given(center=st.floats(1.0, 3.6), sigma=st.floats(0.4, 0.7), gain=st.floats(1e-3, 1e3))
def test_a_gaussian_has_its_peak_and_width(center, sigma, gain):
    found = find_peak(gain * bump(OCTAVES, center, sigma)[None], OCTAVES)
    assert found.position[0] == pytest.approx(center, abs=0.03)
    assert found.height[0] == pytest.approx(gain, rel=0.03)
    if center + HALF_HEIGHT / 2 * sigma < OCTAVES[-1]:
        assert found.width[0] == pytest.approx(HALF_HEIGHT * sigma, rel=0.04)


@given(center=st.floats(0, 179.9), sigma=st.floats(15, 30))
def test_orientation_goes_round(center, sigma):
    found = find_peak(bump(ORIENTATIONS, center, sigma, 180)[None], ORIENTATIONS, period=180)
    error = (found.position[0] - center + 90) % 180 - 90
    assert abs(error) < 15 / 10
    assert 0 <= found.position[0] < 180
    assert found.low[0] < found.position[0] < found.high[0]
    assert found.width[0] == pytest.approx(HALF_HEIGHT * sigma, rel=0.06)


def test_what_is_not_there_is_nan():
    silent = find_peak([np.zeros(16), -np.ones(16)], OCTAVES)
    assert np.isnan([silent.position, silent.height, silent.low, silent.high]).all()
    rising = find_peak(np.linspace(0.6, 1, 16)[None], OCTAVES)
    assert rising.position[0] == OCTAVES[-1]
    assert np.isnan([rising.low[0], rising.high[0]]).all()
    level = find_peak(np.ones((1, 12)), ORIENTATIONS, period=180)
    assert np.isnan(level.width[0])
    assert np.isnan(circular_variance(np.zeros((1, 12)), ORIENTATIONS)).all()
    assert np.isnan(orientation_selectivity(-np.ones((1, 12)), ORIENTATIONS)).all()
    assert np.isnan(phase_modulation([0.0], [0.0])).all()


@given(share=st.floats(0, 1), angle=st.floats(0, 180))
def test_a_cosine_of_twice_the_angle_has_known_selectivity(share, angle):
    curve = 1 + share * np.cos(2 * np.deg2rad(ORIENTATIONS - angle))
    assert circular_variance(curve[None], ORIENTATIONS)[0] == pytest.approx(1 - share / 2)
    osi = orientation_selectivity(curve[None], ORIENTATIONS)[0]
    assert osi == pytest.approx(share, abs=0.015)


@given(
    mean=st.floats(0, 2).map(lambda x: round(x, 9)),
    swing=st.floats(0.1, 2).map(lambda x: round(x, 9)),
)
def test_modulation_is_the_usual_ratio_on_another_scale(mean, swing):
    m = phase_modulation([mean], [swing])[0]
    assert 0 <= m <= 1
    assert (m > 0.5) == (swing > mean)


@given(
    exponent=st.floats(0.5, 4),
    c50=st.floats(0.04, 0.7),
    largest=st.floats(1e-3, 1e3),
)
def test_contrast_response_is_found_again(exponent, c50, largest):
    responses = largest * CONTRASTS**exponent / (CONTRASTS**exponent + c50**exponent)
    found = fit_contrast_response(responses[None], CONTRASTS)
    assert found.exponent[0] == pytest.approx(exponent, rel=0.03)
    assert found.c50[0] == pytest.approx(c50, rel=0.03)
    assert found.largest[0] == pytest.approx(largest, rel=0.03)
    assert found.explained[0] > 0.9999


def test_what_does_not_saturate_has_no_c50():
    found = fit_contrast_response([3 * CONTRASTS, np.zeros(6)], CONTRASTS)
    assert np.isnan(found.c50[0])
    assert found.exponent[0] == pytest.approx(1, abs=0.05)
    assert found.half[0] == pytest.approx(0.5, abs=0.01)
    assert np.isnan([found.exponent[1], found.half[1], found.explained[1]]).all()
