import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from snellen.agreement import krcc, plcc, rmse, srcc
from snellen.errors import AgreementError

CORRELATIONS = (srcc, krcc, plcc)
RANKS = (srcc, krcc)

few_values = st.integers(-5, 5).map(float)
columns = st.integers(3, 30).flatmap(
    lambda n: st.tuples(
        st.lists(few_values, min_size=n, max_size=n), st.lists(few_values, min_size=n, max_size=n)
    )
)


@given(columns)
def test_equal_to_scipy_with_ties(xy):
    x, y = xy
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    assert srcc(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert krcc(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
    assert plcc(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)


@given(columns, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(xy, random):
    rows = list(zip(*xy, strict=True))
    random.shuffle(rows)
    shuffled = list(zip(*rows, strict=True))
    for correlation in CORRELATIONS:
        assert correlation(*shuffled) == pytest.approx(correlation(*xy), abs=1e-12, nan_ok=True)


@given(columns)
def test_ranks_do_not_see_a_monotone_map(xy):
    x, y = np.array(xy[0]), np.array(xy[1])
    for correlation in RANKS:
        expected = correlation(x, y)
        assert correlation(np.exp(x), y**3) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(columns, st.booleans(), st.booleans())
def test_turning_a_score_and_saying_so_changes_nothing(xy, lower_better, higher_better):
    x, y = np.array(xy[0]), np.array(xy[1])
    for correlation in CORRELATIONS:
        turned = correlation(
            -x if lower_better else x,
            y if higher_better else -y,
            lower_better=lower_better,
            higher_better=higher_better,
        )
        assert turned == pytest.approx(correlation(x, y), abs=1e-12, nan_ok=True)


def test_disagreement_is_negative():
    distance, mos = [0.1, 0.2, 0.3], [1, 2, 3]
    for correlation in CORRELATIONS:
        assert correlation(distance, mos, lower_better=True) == pytest.approx(-1)
        assert correlation(distance, mos, lower_better=True, higher_better=False) == pytest.approx(
            1
        )


def test_constant_scores_have_no_correlation():
    for correlation in CORRELATIONS:
        assert np.isnan(correlation([1, 1, 1], [1, 2, 3]))
        assert np.isnan(correlation([1, 2, 3], [1, 1, 1]))


def test_extreme_scales():
    for scale in (1e-300, 1e300):
        assert plcc([1 * scale, 2 * scale, 4 * scale], [1, 2, 4]) == pytest.approx(1)


def test_rmse_is_in_the_unit_of_the_scores():
    assert rmse([1, 2, 3], [1, 2, 6]) == pytest.approx(np.sqrt(3))


@pytest.mark.parametrize(
    ("scores", "mos", "message"),
    [
        ([1, 2], [1, 2, 3], "2 scores for 3 human scores"),
        ([1], [1], "at least two"),
        ([1, np.nan, 2], [1, 2, 3], "1 of 3 scores are not finite, the first is number 1"),
        ([1, 2, 3], [1, 2, np.inf], "mos are not finite"),
        ([[1, 2, 3]], [1, 2, 3], "shape"),
        (["a", "b"], [1, 2], "no numbers"),
    ],
)
def test_what_cannot_be_compared(scores, mos, message):
    for function in (*CORRELATIONS, rmse):
        with pytest.raises(AgreementError, match=message):
            function(scores, mos)
