import lpips
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.agreement import bootstrap_mean, jnd_map, two_afc_score, two_afc_values
from snellen.errors import AgreementError

fractions = st.integers(0, 5).map(lambda k: k / 5)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), fractions), min_size=1))
def test_two_afc_as_lpips_computes_it(rows):
    d0, d1, h = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    scores = (d0 < d1) * (1.0 - h) + (d1 < d0) * h + (d1 == d0) * 0.5
    assert two_afc_score(d0, d1, h) == pytest.approx(np.mean(scores))
    assert two_afc_score(d1, d0, 1 - h) == pytest.approx(two_afc_score(d0, d1, h))
    assert two_afc_score(-d0, -d1, h) == pytest.approx(1 - two_afc_score(d0, d1, h))


@given(st.lists(fractions, min_size=1, max_size=60), st.integers(0, 2**31))
def test_jnd_as_lpips_computes_it(same, seed):
    same = np.array(same)
    d = np.random.default_rng(seed).permutation(len(same)) / 7.0
    if same.sum() == 0:
        with pytest.raises(AgreementError, match="Nobody"):
            jnd_map(d, same)
        return
    in_order = same[np.argsort(d)]
    hits, misses = np.cumsum(in_order), np.cumsum(1 - in_order)
    recall = hits / (hits + np.sum(in_order) - hits)
    expected = lpips.voc_ap(recall, hits / (hits + misses))
    assert jnd_map(d, same) == pytest.approx(expected)


def test_jnd_over_types_is_the_mean():
    d, same = [1, 2, 3, 4], [1, 0, 0, 1]
    assert jnd_map(d, same, types=["a", "a", "b", "b"]) == pytest.approx((1.0 + 0.5) / 2)


def test_what_is_no_choice():
    with pytest.raises(AgreementError, match="fractions in"):
        two_afc_score([1], [2], [60])
    with pytest.raises(AgreementError, match="lengths are"):
        two_afc_score([1, 2], [2, 3], [1])
    with pytest.raises(AgreementError, match="lengths are"):
        jnd_map([], [])


def test_interval_of_a_two_afc_score():
    rng = np.random.default_rng(1)
    d0, d1 = rng.random(400), rng.random(400)
    values = two_afc_values(d0, d1, np.clip(0.7 * (d0 > d1) + 0.3 * rng.random(400), 0, 1))
    mean = bootstrap_mean(values, groups=np.arange(400) // 4)
    assert mean.value == pytest.approx(values.mean())
    assert mean.low < mean.value < mean.high
    spread = values.reshape(100, 4).mean(axis=1).std() / 10
    np.testing.assert_allclose(mean.high - mean.low, 2 * 1.96 * spread, rtol=0.15)
