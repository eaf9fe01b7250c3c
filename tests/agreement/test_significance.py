import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from snellen.agreement import (
    Resampling,
    compare,
    fit_logistic,
    holm,
    residual_variance_test,
    srcc,
    williams_test,
)
from snellen.errors import AgreementError
from tests.agreement.inside import _williams_t
from tests.agreement.published import tid2013


class TestCompare:
    def test_clear_difference_and_none(self, shared):
        columns = tid2013(shared)
        y, groups = columns["mos"], columns["ref"]
        scores = {"fsim": -columns["fsim"], "psnr": columns["psnr"], "same": columns["psnr"] ** 3}
        scores["fsim"] *= np.sign(srcc(scores["fsim"], y))
        found = compare(scores, y, groups=groups)
        assert [(one.first, one.second) for one in found] == [
            ("fsim", "psnr"),
            ("fsim", "same"),
            ("psnr", "same"),
        ]
        better, _, equal = found
        expected = srcc(scores["fsim"], y) - srcc(scores["psnr"], y)
        assert better.difference.value == pytest.approx(expected)
        assert better.difference.low > 0.1
        assert better.p_value == pytest.approx(2 / 1001)
        assert better.p_adjusted == pytest.approx(3 * 2 / 1001)
        assert equal.difference == (0, 0, 0)
        assert equal.p_value == 1

    @pytest.mark.parametrize("statistic", ["srcc", "krcc", "plcc"])
    def test_swapping_metrics_turns_the_difference(self, statistic):
        rng = np.random.default_rng(0)
        y = rng.normal(size=80)
        a, b = y + rng.normal(size=80), y + 1.5 * rng.normal(size=80)
        groups = np.arange(80) // 4
        (one,) = compare({"a": a, "b": b}, y, groups=groups, statistic=statistic)
        (other,) = compare(
            {"b": -b, "a": a},
            y,
            lower_better={"a": False, "b": True},
            groups=groups,
            statistic=statistic,
        )
        value, low, high = one.difference
        np.testing.assert_allclose(other.difference, (-value, -high, -low), atol=1e-9)
        assert other.p_value == one.p_value

    def test_false_alarms_are_as_rare_as_said(self):
        rng = np.random.default_rng(8)
        alarms = 0
        for _ in range(200):
            y = rng.normal(size=(40, 5))
            a, b = (y + 0.5 * rng.normal(size=(40, 1)) + rng.normal(size=(40, 5)) for _ in "ab")
            (one,) = compare(
                {"a": a.ravel(), "b": b.ravel()},
                y.ravel(),
                groups=np.repeat(np.arange(40), 5),
                resampling=Resampling(resamples=300),
            )
            alarms += one.p_value < 0.05
        assert 1 <= alarms <= 22

    def test_bca_interval(self):
        rng = np.random.default_rng(0)
        y = rng.normal(size=60)
        scores = {"a": y + 0.1 * rng.normal(size=60), "b": y + 2 * rng.normal(size=60)}
        (one,) = compare(scores, y, resampling=Resampling(method="bca"))
        assert 0 < one.difference.low < one.difference.value < one.difference.high

    def test_what_cannot_be_compared(self):
        y = [1.0, 2.0, 3.0]
        with pytest.raises(AgreementError, match="two metrics or more"):
            compare({"a": y}, y)
        with pytest.raises(AgreementError, match="'mae'"):
            compare({"a": y, "b": y}, y, statistic="mae")
        with pytest.raises(AgreementError, match="direction of 'b'"):
            compare({"a": y, "b": y}, y, lower_better={"a": True})


class TestWilliams:
    def test_example_of_the_r_package_psych(self):
        """r.test(n = 103, r12 = .4, r13 = .5, r23 = .1) reports t = -0.89 with p < 0.37."""
        t = _williams_t(0.4, 0.5, 0.1, 103)
        assert round(t, 2) == -0.89
        assert round(2 * stats.t.sf(abs(t), 100), 2) == 0.37

    def test_p_values_are_uniform_where_nothing_differs(self):
        rng = np.random.default_rng(3)
        found = []
        for _ in range(300):
            y = rng.normal(size=50)
            common = 0.5 * rng.normal(size=50)
            a, b = y + common + rng.normal(size=50), y + common + rng.normal(size=50)
            found.append(williams_test(a, -b, y, lower_better=(False, True), ranks=False).p_value)
        assert stats.kstest(found, "uniform").pvalue > 0.01

    def test_sign_says_which_is_better(self):
        rng = np.random.default_rng(3)
        y = rng.normal(size=200)
        good, bad = -y + 0.2 * rng.normal(size=200), y + 2 * rng.normal(size=200)
        found = williams_test(good, bad, y, lower_better=(True, False))
        assert found.statistic > 0
        assert found.p_value < 1e-6
        assert williams_test(bad, bad, y).p_value == 1

    def test_constant_scores(self):
        with pytest.raises(AgreementError, match="equal"):
            williams_test([1, 1, 1, 1], [1, 2, 3, 4], [1, 2, 3, 4])
        with pytest.raises(AgreementError, match="at least four"):
            williams_test([1, 2, 3], [1, 2, 3], [1, 2, 3])


class TestResidualVariance:
    def test_against_the_distribution_of_f(self):
        rng = np.random.default_rng(1)
        e1, e2 = rng.normal(size=105), 1.3 * rng.normal(size=85)
        found = residual_variance_test(e1, e2)
        ratio = (np.sum(e2**2) / 80) / (np.sum(e1**2) / 100)
        assert found.statistic == pytest.approx(ratio)
        assert found.p_value == pytest.approx(2 * stats.f.sf(ratio, 80, 100))
        assert found.gaussian
        turned = residual_variance_test(e2, e1)
        assert turned.statistic == pytest.approx(1 / ratio)
        assert turned.p_value == pytest.approx(found.p_value)

    def test_fsim_beats_psnr_on_tid2013(self, shared):
        columns = tid2013(shared)
        y = columns["mos"]
        errors = [y - fit_logistic(columns[m], y).predict(columns[m]) for m in ("fsim", "psnr")]
        found = residual_variance_test(*errors)
        assert found.statistic > 2
        assert found.p_value < 1e-10

    def test_heavy_tails_are_told(self):
        heavy = np.random.default_rng(0).standard_cauchy(200)
        assert not residual_variance_test(heavy, heavy).gaussian

    def test_too_few_or_zero(self):
        with pytest.raises(AgreementError, match="too few"):
            residual_variance_test([1, 2, 3], [1, 2, 3])
        with pytest.raises(AgreementError, match="zero"):
            residual_variance_test(np.zeros(9), np.ones(9))


class TestHolm:
    def test_by_hand(self):
        np.testing.assert_allclose(holm([0.01, 0.02, 0.03, 0.04]), [0.04, 0.06, 0.06, 0.06])
        np.testing.assert_allclose(holm([0.5, 0.001]), [0.5, 0.002])

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.5))
    def test_rejects_what_stepping_down_rejects(self, p_values, level):
        adjusted = holm(p_values)
        rejected = set()
        for step, i in enumerate(np.argsort(p_values, kind="stable")):
            if p_values[i] * (len(p_values) - step) > level:
                break
            rejected.add(int(i))
        assert set(np.flatnonzero(adjusted <= level).tolist()) == rejected
        assert np.all(adjusted >= np.array(p_values))

    def test_no_probabilities(self):
        with pytest.raises(AgreementError, match=r"in \[0, 1\]"):
            holm([0.5, 1.5])
