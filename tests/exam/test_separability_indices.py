import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sklearn
from sklearn.metrics import silhouette_samples

from tests.exam.inside import separability_indices_module as indices


def points_and_codes():
    """Points with at least two classes, each with a point, in any order."""
    return st.integers(2, 5).flatmap(
        lambda kinds: st.integers(kinds + 1, 25).flatmap(
            lambda count: st.tuples(
                hnp.arrays(np.float64, (count, 3), elements=st.floats(-50, 50, width=16)),
                st.permutations([*range(kinds), *(i % kinds for i in range(count - kinds))]),
            )
        )
    )


@settings(deadline=None, max_examples=60)
@given(points_and_codes())
def test_indices_are_those_of_scikit_learn(drawn):
    x, codes = drawn[0], np.array(drawn[1])
    sums = indices.distance_sums(x, codes, [3])[3]
    values = indices.silhouettes(sums, codes)
    expected = silhouette_samples(x, codes)
    # Ours and theirs round distances of equal points differently.
    np.testing.assert_allclose(np.nanmin(values, axis=1), expected, atol=2e-5)
    assert indices.mean_silhouette(values) == pytest.approx(expected.mean(), abs=2e-5)
    centroids = np.stack([x[codes == k].mean(0) for k in range(codes.max() + 1)])
    gaps = np.linalg.norm(centroids[:, None] - centroids, axis=2) + np.eye(len(centroids))
    if gaps.min() > 1e-6:
        found = indices.davies_bouldin(x, codes)
        assert found == pytest.approx(sklearn.davies_bouldin_score(x, codes), rel=1e-9)
    within = ((x - centroids[codes]) ** 2).sum()
    if within > 1e-9:
        found = indices.calinski_harabasz(x, codes)
        assert found == pytest.approx(sklearn.calinski_harabasz_score(x, codes), rel=1e-9)


def test_a_class_of_one_point_has_no_silhouette():
    x = np.array([[0.0], [1.0], [9.0]])
    codes = np.array([0, 0, 1])
    values = indices.silhouettes(indices.distance_sums(x, codes, [1])[1], codes)
    assert np.nanmin(values, axis=1) == pytest.approx([8 / 9, 7 / 8, 0])


def test_more_coordinates_and_blocks_change_nothing(monkeypatch):
    x = np.random.default_rng(0).normal(size=(40, 6))
    codes = np.arange(40) % 3
    together = indices.distance_sums(x, codes, [2, 6])
    monkeypatch.setattr(indices, "_CHUNK", 100)
    for k in (2, 6):
        alone = indices.distance_sums(x[:, :k], codes, [k])[k]
        np.testing.assert_allclose(together[k], alone, rtol=1e-12)


def test_a_pair_is_the_mean_over_the_points_of_both_types():
    codes = np.array([0, 0, 1, 2])
    values = np.array([[np.nan, 1, 0], [np.nan, 0, 0], [1, np.nan, 0.5], [0, 0.25, np.nan]])
    expected = [[np.nan, 2 / 3, 0], [2 / 3, np.nan, 0.375], [0, 0.375, np.nan]]
    np.testing.assert_allclose(indices.pair_means(values, codes), expected)


def test_the_silhouette_of_a_pair_is_that_of_the_two_types_alone():
    rng = np.random.default_rng(1)
    codes = np.repeat([0, 1, 2], [7, 9, 5])
    x = rng.normal(size=(21, 2)) + codes[:, None] * [1.5, -1]
    values = indices.silhouettes(indices.distance_sums(x, codes, [2])[2], codes)
    own = codes != 1
    expected = sklearn.silhouette_score(x[own], codes[own])
    assert indices.pair_means(values, codes)[0, 2] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("points", "worst", "ratio"),
    [
        ([[0], [0], [1], [1]], 0, np.inf),  # two classes, each a single place
        ([[0], [2], [0], [2]], np.inf, 0),  # two classes, one centroid
    ],
)
def test_indices_at_their_ends(points, worst, ratio):
    codes = np.array([0, 0, 1, 1])
    assert indices.davies_bouldin(points, codes) == worst
    assert indices.calinski_harabasz(points, codes) == ratio


def test_variance_needs_more_points_than_classes():
    assert np.isnan(indices.calinski_harabasz([[0.0], [1.0]], np.array([0, 1])))
