"""Many rank correlations at once, against the agreement room's one at a time."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from snellen.agreement import RankAgreement, Resampling, agree, compare


@pytest.fixture
def scored():
    """Sixty images of seven contents of unequal size, with ties."""
    rng = np.random.default_rng(5)
    contents = np.array([f"c{i}" for i in rng.integers(0, 7, 60)])
    quality = rng.normal(size=60).round(1)
    noise = rng.normal(size=(60, 3)) * [0.5, 1.0, 2.0]
    return quality, contents, (-quality[:, None] + noise).round(1)


def test_values_are_spearmans(scored):
    quality, contents, distances = scored
    found = RankAgreement(quality, contents, Resampling(resamples=0))(distances)
    expected = [spearmanr(-column, quality).statistic for column in distances.T]
    np.testing.assert_allclose(found.values, expected)
    assert found.draws.shape == (3, 0)


def test_intervals_of_values_and_differences_are_those_of_agreement(scored):
    quality, contents, distances = scored
    how = Resampling(resamples=200)
    ranks = RankAgreement(quality, contents, how)
    found = ranks(distances)
    known = agree(
        distances[:, 0],
        quality,
        lower_better=True,
        groups=contents,
        parameters=None,
        resampling=how,
    )
    estimate = ranks.estimate(found.values[0], found.draws[0])
    np.testing.assert_allclose(estimate, known.srcc, rtol=1e-9)
    pairs = compare(
        {"a": distances[:, 0], "b": distances[:, 1]},
        quality, lower_better=True, groups=contents, resampling=how,
    )  # fmt: skip
    estimate = ranks.estimate(found.values[0] - found.values[1], found.draws[0] - found.draws[1])
    np.testing.assert_allclose(estimate, pairs[0].difference, rtol=1e-9)


def test_left_out_contents_follow_the_resamples(scored):
    quality, contents, distances = scored
    ranks = RankAgreement(quality, contents, Resampling(resamples=9))
    draws = ranks(distances).draws
    kept = contents != np.unique(contents)[2]
    expected = spearmanr(-distances[kept, 1], quality[kept]).statistic
    assert draws.shape == (3, 9 + 7)
    assert draws[1, 9 + 2] == pytest.approx(expected)


def test_what_sees_nothing_agrees_with_nobody(scored):
    quality, contents, _ = scored
    found = RankAgreement(quality, contents, Resampling(resamples=20))(np.zeros((60, 1)))
    np.testing.assert_array_equal(found.values, 0)
    np.testing.assert_array_equal(found.draws, 0)


def test_one_content_has_no_interval():
    ranks = RankAgreement([1.0, 2, 3], ["a"] * 3, Resampling())
    found = ranks([[3.0], [2.0], [1.0]])
    estimate = ranks.estimate(found.values[0], found.draws[0])
    assert estimate.value == pytest.approx(1)
    assert np.isnan(estimate.low)
