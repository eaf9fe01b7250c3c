import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from snellen.agreement import Resampling, agree, bootstrap_mean
from snellen.errors import AgreementError
from tests.agreement.inside import bootstrap_module as boot


def drawn(counts, codes):
    """The resample itself: each image as often as its content was drawn."""
    return np.repeat(np.arange(len(codes)), counts[codes].astype(int))


@settings(max_examples=60)
@given(st.integers(2, 6), st.integers(1, 5), st.integers(0, 2**31), st.integers(2, 8))
def test_statistics_of_counts_equal_those_of_the_resample(contents, each, seed, values):
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.repeat(np.arange(contents), each))
    x, y = rng.integers(0, values, (2, len(codes))).astype(float)
    counts = rng.multinomial(contents, np.full(contents, 1 / contents)).astype(float)
    chosen = drawn(counts, codes)
    assume(np.ptp(x[chosen]) > 0 and np.ptp(y[chosen]) > 0)
    a, b = x[chosen], y[chosen]
    rows = counts[None]
    expected = stats.spearmanr(a, b).statistic
    assert boot.spearman_of_counts(x, y, codes)(rows)[0] == pytest.approx(expected, abs=1e-9)
    expected = stats.kendalltau(a, b).statistic
    assert boot.kendall_of_counts(x, y, codes, contents)(rows)[0] == pytest.approx(
        expected, abs=1e-9
    )
    assert boot._kendall_anew(x, y, codes)(rows)[0] == pytest.approx(expected, abs=1e-9)
    expected = stats.pearsonr(a, b).statistic
    assert boot.pearson_of_counts(x, y, codes, contents)(rows)[0] == pytest.approx(
        expected, abs=1e-9
    )
    expected = np.sqrt(np.mean((a - b) ** 2))
    assert boot.rmse_of_counts(x - y, codes, contents)(rows)[0] == pytest.approx(expected)


def test_chunks_make_no_difference(monkeypatch):
    rng = np.random.default_rng(0)
    x, y, codes = rng.random(60), rng.random(60), np.arange(60) // 6
    counts = Resampling(resamples=50).counts(10)
    whole = [
        boot.spearman_of_counts(x, y, codes)(counts),
        boot.kendall_of_counts(x, y, codes, 10)(counts),
    ]
    monkeypatch.setattr(boot, "_CHUNK", 130)
    parts = [
        boot.spearman_of_counts(x, y, codes)(counts),
        boot.kendall_of_counts(x, y, codes, 10)(counts),
    ]
    np.testing.assert_allclose(parts, whole, atol=1e-12)


def test_bca_equals_scipy():
    x = np.random.default_rng(5).gamma(1.0, size=80)
    how = Resampling(resamples=9999, method="bca", seed=1)
    ours = bootstrap_mean(x, resampling=how)
    theirs = stats.bootstrap(
        (x,), np.mean, n_resamples=9999, method="BCa", rng=2
    ).confidence_interval
    np.testing.assert_allclose([ours.low, ours.high], theirs, rtol=0.01)
    percentile = bootstrap_mean(x, resampling=Resampling(resamples=9999, seed=1))
    assert ours.high > percentile.high  # skewed to the right: shifted to the right


def simulate(rng, contents, each):
    """Images of one content share an error of the metric: they are not independent."""
    quality = rng.normal(size=(contents, each))
    shared = 0.8 * rng.normal(size=(contents, 1))
    scores = quality + shared + 0.5 * rng.normal(size=(contents, each))
    return scores.ravel(), quality.ravel(), np.repeat(np.arange(contents), each)


def test_intervals_over_contents_cover_what_intervals_over_images_miss():
    true = 6 / np.pi * np.arcsin(1 / np.sqrt(1 + 0.64 + 0.25) / 2)
    rng = np.random.default_rng(11)
    how = Resampling(resamples=300, seed=1)
    covered = {"contents": 0, "images": 0}
    trials = 200
    for _ in range(trials):
        x, y, contents = simulate(rng, contents=30, each=20)
        for name, groups in (("contents", contents), ("images", None)):
            codes, count = boot.contents_of(groups, len(x))
            one = how.interval(0.5, boot.spearman_of_counts(x, y, codes), count)
            covered[name] += one.low <= true <= one.high
    assert 0.88 <= covered["contents"] / trials <= 0.99
    assert covered["images"] / trials < 0.85


class TestAgree:
    def sample(self, n=120):
        rng = np.random.default_rng(2)
        y = rng.normal(size=n)
        return y + rng.normal(size=n), y, np.arange(n) // 10

    def test_same_seed_same_interval(self):
        x, y, groups = self.sample()
        one, same = (agree(x, y, groups=groups, resampling=Resampling(seed=3)) for _ in range(2))
        other = agree(x, y, groups=groups, resampling=Resampling(seed=4))
        assert one.srcc == same.srcc
        assert one.krcc == same.krcc
        assert one.srcc.low != other.srcc.low
        assert one.srcc.value == other.srcc.value

    def test_names_of_contents_and_order_of_rows_do_not_matter(self):
        x, y, groups = self.sample()
        named = np.array([f"image {chr(ord('a') + g)}" for g in groups])
        order = np.random.default_rng(1).permutation(len(x))
        one = agree(x, y, groups=named)
        other = agree(x[order], y[order], groups=named[order])
        for name in ("srcc", "krcc", "plcc"):
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-9)
        for name in ("plcc_fitted", "rmse"):  # the optimiser stops within its tolerance
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-5)

    @pytest.mark.parametrize("method", ["percentile", "bca"])
    def test_turned_scores_turn_the_interval(self, method):
        x, y, groups = self.sample()
        how = Resampling(method=method)
        right = agree(x, y, groups=groups, resampling=how)
        wrong = agree(x, y, lower_better=True, groups=groups, resampling=how)
        for name in ("srcc", "krcc", "plcc"):
            value, low, high = getattr(right, name)
            assert low < value < high
            np.testing.assert_allclose(getattr(wrong, name), (-value, -high, -low), atol=1e-9)
        assert wrong.plcc_fitted.value == pytest.approx(right.plcc_fitted.value, abs=1e-6)

    def test_one_content_has_no_interval(self):
        x, y, _ = self.sample()
        found = agree(x, y, groups=np.zeros(len(x)))
        assert np.isfinite(found.srcc.value)
        assert np.isnan(found.srcc.low)

    def test_a_curve_that_cannot_be_fitted_is_told(self):
        found = agree([1, 2, 3, 5], [1, 2, 3, 4])
        assert found.fit is None
        assert "too few" in found.fit_failure
        assert np.isnan(found.rmse.value)
        assert found.srcc.value == 1

    def test_types_with_one_image_or_one_score(self):
        x, y = [1, 2, 3, 4, 5, 5, 6], [1, 3, 2, 5, 4, 6, 7]
        found = agree(x, y, types=list("aaabccb"), parameters=None)
        assert np.isnan(found.by_type["c"].srcc.value)
        assert found.by_type["b"].srcc.value == 1

    def test_no_resamples_no_intervals(self):
        x, y, _ = self.sample()
        found = agree(x, y, resampling=Resampling(resamples=0))
        assert np.isnan([found.srcc.low, found.krcc.high, found.rmse.low]).all()

    @pytest.mark.parametrize(
        "options", [{"resamples": -1}, {"confidence": 1.0}, {"method": "studentized"}]
    )
    def test_settings_that_make_no_interval(self, options):
        with pytest.raises(AgreementError):
            Resampling(**options)

    def test_columns_that_do_not_fit(self):
        x, y, _ = self.sample()
        with pytest.raises(AgreementError, match="groups for 120 images"):
            agree(x, y, groups=[1, 2])
        with pytest.raises(AgreementError, match="types for 120 images"):
            agree(x, y, types=["a"])
        with pytest.raises(AgreementError, match="without types"):
            agree(x, y).mean_over_types()
        with pytest.raises(AgreementError, match="Statistics are"):
            agree(x, y).mean_over_types("mae")


def test_jackknife_leaves_out_one_content_at_a_time(monkeypatch):
    rng = np.random.default_rng(0)
    x, y, codes = rng.random(30), rng.random(30), np.arange(30) % 10
    expected = [stats.spearmanr(x[codes != k], y[codes != k]).statistic for k in range(10)]
    monkeypatch.setattr(boot, "_CHUNK", 35)
    found = boot.jackknife(boot.spearman_of_counts(x, y, codes), 10)
    np.testing.assert_allclose(found, expected, atol=1e-12)
