import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit
from scipy.special import expit

from snellen.agreement import fit_logistic, plcc, rmse
from snellen.errors import AgreementError
from tests.agreement.published import live, tid2013


def four(x, top, bottom, centre, width):
    return (top - bottom) * expit((x - centre) / abs(width)) + bottom


def five(x, amplitude, steepness, centre, slope, offset):
    return amplitude * (0.5 - expit(-steepness * (x - centre))) + slope * x + offset


CURVES = {4: four, 5: five}


def published_starts(x, y, parameters):
    """VQEG; VSI and Varga's code; pyiqa."""
    if parameters == 4:
        return [[y.max(), y.min(), x.mean(), x.std() / 4]]
    return [[10, 0, x.mean(), 1, 0.1], [10, 0, y.mean(), 0.1, 0.1]]


def direct(x, y, parameters):
    """Errors of plain curve_fit from each published start that ends at all."""
    errors = []
    for start in published_starts(x, y, parameters):
        try:
            with np.errstate(all="ignore"):
                found, _ = curve_fit(CURVES[parameters], x, y, p0=start, maxfev=2000)
        except (RuntimeError, Warning):
            continue
        errors.append(rmse(CURVES[parameters](x, *found), y))
    return errors


@pytest.mark.parametrize("parameters", [4, 5])
@pytest.mark.parametrize("database", [tid2013, live])
def test_never_worse_than_a_direct_fit_from_the_published_starts(shared, database, parameters):
    columns = database(shared)
    y = columns["mos"]
    metrics = [name for name in columns if name not in {"dis", "ref", "mos", "type"}]
    compared = 0
    for metric in metrics[:: 2 if database is live else 4]:
        x = columns[metric]
        fit = fit_logistic(x, y, parameters=parameters)
        assert fit.converged, metric
        assert fit.rmse == pytest.approx(rmse(fit.predict(x), y), rel=1e-9)
        for error in direct(x, y, parameters):
            assert fit.rmse <= error * (1 + 1e-6), metric
            compared += 1
    assert compared > 5


@settings(max_examples=40)
@given(
    st.floats(-0.8, 0.8),
    st.floats(0.05, 0.5),
    st.sampled_from([-1, 1]),
    st.floats(1e-3, 1e3),
    st.floats(-1e3, 1e3),
)
def test_known_curve_is_found_in_any_unit(centre, width, sign, scale, shift):
    z = np.linspace(-1, 1, 60)
    y = 3 + 2 * sign * expit((z - centre) / width)
    x = scale * z + shift
    fit = fit_logistic(x, y, parameters=4)
    assert fit.converged
    np.testing.assert_allclose(fit.predict(x), y, atol=1e-5)
    np.testing.assert_allclose(fit.parameters[2], scale * centre + shift, atol=1e-3 * scale)
    np.testing.assert_allclose(abs(fit.parameters[3]), scale * width, rtol=1e-2)


@pytest.mark.parametrize("parameters", [4, 5])
def test_unit_of_the_human_scores_scales_the_error(parameters):
    rng = np.random.default_rng(3)
    x = rng.gamma(2, size=200)
    y = np.log1p(x) + 0.2 * rng.normal(size=200)
    one = fit_logistic(x, y, parameters=parameters)
    other = fit_logistic(1000 * x - 7, 50 - 20 * y, parameters=parameters)
    assert other.rmse == pytest.approx(20 * one.rmse, rel=1e-5)
    assert other.plcc == pytest.approx(one.plcc, abs=1e-6)


def test_fitted_correlation_is_at_least_the_raw_one():
    rng = np.random.default_rng(4)
    x = rng.normal(size=300)
    y = np.tanh(2 * x) + 0.3 * rng.normal(size=300)
    fit = fit_logistic(x, y)
    assert fit.plcc >= plcc(x, y)
    assert fit.monotone
    np.testing.assert_allclose(np.corrcoef(fit.predict(x), y)[0, 1], fit.plcc)


def test_curve_that_turns_round_is_told():
    x = np.linspace(0, 1, 100)
    turning = fit_logistic(x, five(x, 4.0, 30.0, 0.5, -6.0, 1.0))
    assert turning.rmse < 1e-6
    assert not turning.monotone
    assert np.any(np.diff(turning.predict(x)) > 0)
    assert np.any(np.diff(turning.predict(x)) < 0)


def test_a_step_and_a_cubic_are_told():
    x = np.arange(40.0)
    step = fit_logistic(x, (x > 20).astype(float), parameters=4)
    assert step.rmse < 1e-6
    z = np.linspace(-1, 1, 40)
    cubic = fit_logistic(z, z**3)  # what is left of the curve where it hardly bends
    assert "hardly bent" in cubic.reason
    assert cubic.rmse < 1e-5


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.arange(5.0), np.arange(5.0), "5 images are too few to fit 5 parameters"),
        (np.ones(9), np.arange(9.0), r"All scores are 1\.0"),
        (np.arange(9.0), np.ones(9), r"All mos are 1\.0"),
    ],
)
def test_what_cannot_be_fitted(x, y, message):
    with pytest.raises(AgreementError, match=message):
        fit_logistic(x, y)


def test_other_numbers_of_parameters():
    with pytest.raises(AgreementError, match="4 or 5 parameters, not 3"):
        fit_logistic([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], parameters=3)
