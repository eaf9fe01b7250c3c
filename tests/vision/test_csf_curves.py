import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import MetricError
from snellen.vision import (
    CSF_CURVES,
    HUMAN_CSF,
    BartenEye,
    barten_csf,
    find_csf,
    mannos_sakrison_csf,
    tariq_csf,
)

FINE = np.linspace(0.01, 40, 40_000)


def peak(curve):
    values = curve(FINE)
    return FINE[values.argmax()], values.max()


def test_mannos_sakrison_peaks_where_published():
    where, height = peak(mannos_sakrison_csf)
    assert where == pytest.approx(7.9, abs=0.05)
    assert height == pytest.approx(0.981, abs=0.001)
    # Relative values of both curves from the digitised figure 2(a) of Tariq et al.
    assert mannos_sakrison_csf(29.5) / height == pytest.approx(0.20, abs=0.005)
    assert mannos_sakrison_csf(2.0) / height == pytest.approx(0.54, abs=0.005)


def test_the_curve_of_tariq_peaks_where_plotted():
    where, height = peak(tariq_csf)
    assert where == pytest.approx(7.8, abs=0.05)
    assert 3.534 * height == pytest.approx(1.335, abs=0.002)
    assert tariq_csf(29.5) / height == pytest.approx(0.25, abs=0.005)
    assert tariq_csf(2.0) / height == pytest.approx(0.57, abs=0.006)
    # 45 % of the peak from 2 to 23 cycles per degree in the first author's earlier paper, about.
    assert tariq_csf(23.0) / height == pytest.approx(0.45, abs=0.06)


@pytest.mark.parametrize(
    ("u", "size", "luminance", "expected"),
    [
        (4, 60, 100, 656.9952239435878),
        (1, 10, 100, 413.93901173027854),
        (4, 1, 100, 197.3031256529497),
        (8, 4, 10, 248.39224794492478),
        (20, 4.27, 100, 102.442680402458),
        (0.5, 2, 1, 55.16722277546789),
    ],
)
def test_barten_is_that_of_another_library(u, size, luminance, expected):
    """Values of colour-science 0.4.7, whose default photon conversion is 1.2274e6."""
    eye = BartenEye(photons=1.2274e6)
    found = barten_csf(u, luminance=luminance, area=size**2, eye=eye)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("luminance", [100, 500])
@pytest.mark.parametrize("size", [10, 20])
def test_barten_agrees_with_his_own_approximation(luminance, size):
    """The short form of the 2003 paper, for bright and large fields; a few percent off itself."""
    u = np.array([1.0, 2, 4, 8, 16, 25])
    short = (
        5200 * np.exp(-0.0016 * u**2 * (1 + 100 / luminance) ** 0.08)
        / np.sqrt((1 + 144 / size**2 + 0.64 * u**2)
                  * (63 / luminance**0.83 + 1 / (1 - np.exp(-0.02 * u**2))))
    )  # fmt: skip
    assert barten_csf(u, luminance=luminance, area=size**2) == pytest.approx(short, rel=0.1)


def test_a_given_pupil_stays():
    eye = BartenEye(pupil=3.0)
    assert eye.pupil_diameter(np.array([1.0, 100.0]), np.array(1.0)).tolist() == [3.0, 3.0]
    assert BartenEye().pupil_diameter(np.array(100.0), np.array(3600.0)) == pytest.approx(
        2.7931307, abs=1e-6
    )


@given(
    st.floats(0.1, 40), st.floats(0.5, 1000), st.floats(0.1, 100),
    st.sampled_from(["achromatic", "red-green", "blue-yellow"]),
)  # fmt: skip
def test_more_light_and_more_area_help(frequency, luminance, area, color):
    def measured(light, size):
        return HUMAN_CSF.sensitivity(frequency, color, luminance=light, area=size)

    base = measured(luminance, area)
    assert base > 0
    assert measured(luminance, 2 * area) >= base
    if frequency >= 3:  # at low frequencies the peak moves away with luminance
        assert measured(2 * luminance, area) >= base


def test_the_measured_curve_looks_like_an_eye():
    where, height = peak(lambda f: HUMAN_CSF.sensitivity(f, luminance=100, area=1.0))
    assert 3 < where < 6
    assert 100 < height < 300
    acuity = FINE[HUMAN_CSF.sensitivity(FINE, area=1.0) > 2].max()
    assert acuity > 35
    # Colour is seen at low frequencies, S cones worst.
    for color in ("red-green", "blue-yellow"):
        at = FINE[HUMAN_CSF.sensitivity(FINE, color, area=4.0).argmax()]
        assert at < 2
    low, high = (
        [float(HUMAN_CSF.sensitivity(f, c, area=4.0)) for c in ("red-green", "achromatic")]
        for f in (0.5, 8.0)
    )
    assert low[0] > low[1]
    assert high[0] < high[1]


def test_curves_by_name():
    assert list(CSF_CURVES) == ["mannos-sakrison", "tariq", "barten", "measured"]
    assert find_csf("tariq")([4.0]) == pytest.approx(tariq_csf([4.0]))
    assert find_csf("barten")(4.0, luminance=10, area=4) == pytest.approx(
        float(barten_csf(4.0, luminance=10, area=4))
    )
    assert [curve.relative for curve in CSF_CURVES.values()] == [True, True, False, False]
    with pytest.raises(MetricError, match=r"no contrast sensitivity curve 'daly'.*mannos"):
        find_csf("daly")


def test_bad_values_are_refused():
    with pytest.raises(MetricError, match="frequencies must be"):
        tariq_csf([-1.0])
    with pytest.raises(MetricError, match="luminance must be positive"):
        barten_csf(4.0, luminance=0)
    with pytest.raises(MetricError, match="must be positive"):
        HUMAN_CSF.sensitivity(0.0)
    with pytest.raises(MetricError, match="expected a color"):
        HUMAN_CSF.sensitivity(4.0, "green")
