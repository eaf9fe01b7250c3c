import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exam.inside import find_crossing


def curve(function):
    return lambda contrasts: function(np.asarray(contrasts, dtype=float))


@given(st.floats(0.5, 4), st.floats(2e-4, 0.9), st.floats(1e-6, 1e3))
def test_power_laws_are_crossed_where_they_say(exponent, threshold, gain):
    criterion = gain * threshold**exponent
    found = find_crossing(curve(lambda c: gain * c**exponent), criterion, 1e-4, 1.0)
    assert found.status == "found"
    assert found.monotone
    assert found.contrast == pytest.approx(threshold, rel=0.006)
    assert found.evaluations < 30


def test_the_first_crossing_counts():
    found = find_crossing(
        curve(lambda c: np.where(c < 0.1, 10 * c, 2 - 10 * c)), 0.5, 1e-3, 1.0, steps=30
    )
    assert found.contrast == pytest.approx(0.05, rel=0.01)
    assert not found.monotone


@pytest.mark.parametrize(
    ("criterion", "status"), [(2.0, "above"), (0.0, "below"), (1e-5, "below"), (0.9999, "found")]
)
def test_out_of_range(criterion, status):
    found = find_crossing(curve(lambda c: c), criterion, 1e-4, 1.0)
    assert found.status == status
    assert (found.contrast is None) == (status != "found")


def test_a_jump_is_no_threshold():
    found = find_crossing(curve(lambda c: np.where(c < 0.03, 0.0, 0.5)), 0.5, 1e-4, 1.0)
    assert found.status == "jump"
    assert found.contrast is None


def test_rounding_shows_as_a_curve_that_falls():
    def noisy(c):
        return c**2 + 1e-4 * np.sin(1e4 * c)

    assert not find_crossing(curve(noisy), 3e-4, 1e-4, 1.0).monotone
