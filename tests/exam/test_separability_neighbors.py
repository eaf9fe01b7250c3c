import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.decomposition import PCA
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.exam.inside import (
    fit_principal,
    growing_distances,
    held_out_nearest,
    told_apart,
    unit_length,
    vote,
)
from tests.exam.inside import neighbors_module as _neighbors


def cloud(count, width, contents=5, kinds=3, seed=0):
    rng = np.random.default_rng(seed)
    content, kind = np.arange(count) % contents, rng.integers(0, kinds, count)
    basis = rng.normal(size=(kinds, width))
    x = 2 * basis[kind] + rng.normal(size=(contents, width))[content]
    return (x + rng.normal(size=x.shape)) * rng.uniform(0.1, 9, width), content, kind


@pytest.mark.parametrize("width", [4, 12, 90])  # wider than there are points: the dual problem
@pytest.mark.parametrize("standardize", [False, True])
def test_answers_are_those_of_a_pipeline_that_never_sees_the_content(width, standardize):
    x, content, kind = cloud(60, width)
    found = held_out_nearest(x, content, kind, [2, 7], neighbors=5, standardize=standardize)
    for k in (2, 7):
        for n in (1, 5):
            steps = [StandardScaler()] if standardize else []
            steps += [PCA(min(k, width), svd_solver="full"), KNeighborsClassifier(n)]
            groups = LeaveOneGroupOut().split(x, kind, content)
            fitted = make_pipeline(*steps)
            expected = cross_val_predict(fitted, x, kind, cv=list(groups))
            answer = vote(kind[found[k].rows[:, :n]])
            tied = np.array([_is_tied(kind[row]) for row in found[k].rows[:, :n]])
            assert (answer == expected)[~tied].all()
            assert tied.mean() < 0.5


def _is_tied(labels):
    counts = np.sort(np.bincount(labels, minlength=2))
    return len(labels) > 1 and counts[-1] == counts[-2]


def test_nothing_of_a_content_reaches_its_own_neighbors():
    x, content, kind = cloud(40, 6)
    before = held_out_nearest(x, content, kind, [3], standardize=True)[3]
    moved = x.copy()
    moved[content == 2] *= 1000
    after = held_out_nearest(moved, content, kind, [3], standardize=True)[3]
    own = np.flatnonzero(content == 2)[0]
    alone = x.copy()
    alone[(content == 2) & (np.arange(40) != own)] *= 1000
    once = held_out_nearest(alone, content, kind, [3], standardize=True)[3]
    assert once.rows[own] == before.rows[own]
    np.testing.assert_allclose(once.by_type[own], before.by_type[own])
    assert not np.allclose(after.by_type[own], before.by_type[own])
    assert (content[before.rows[:, 0]] != content).all()


def test_blocks_change_nothing(monkeypatch):
    x, content, kind = cloud(40, 6)
    whole = held_out_nearest(x, content, kind, [4], neighbors=3)[4]
    monkeypatch.setattr(_neighbors, "_CHUNK", 50)
    parts = held_out_nearest(x, content, kind, [4], neighbors=3)[4]
    np.testing.assert_array_equal(whole.rows, parts.rows)
    np.testing.assert_allclose(whole.by_type, parts.by_type)


def test_the_nearest_of_every_type_is_what_a_loop_finds():
    x, content, kind = cloud(30, 4)
    found = held_out_nearest(x, content, kind, [2])[2]
    for i in range(30):
        others = content != content[i]
        fitted = fit_principal(x[others], 2)
        gaps = ((fitted(x[others]) - fitted(x[i])) ** 2).sum(1)
        expected = [gaps[kind[others] == t].min() for t in range(3)]
        np.testing.assert_allclose(found.by_type[i], expected, rtol=1e-8)


def test_equally_near_images_go_by_position_and_count_half():
    x = np.zeros((6, 2))
    content, kind = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 0, 0, 1])
    for n in (1, 3):
        found = held_out_nearest(x, content, kind, [1], neighbors=n)[1]
        assert found.rows[:, 0].tolist() == [2, 2, 0, 0, 0, 0]
    apart = told_apart(found.by_type, kind)
    assert np.nansum(apart, axis=1).tolist() == [0.5] * 6


def test_a_type_of_one_content_is_never_found():
    x = np.arange(6.0)[:, None]
    content, kind = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 0, 0, 1, 1])
    found = held_out_nearest(x, content, kind, [1])[1]
    assert np.isinf(found.by_type[4:, 1]).all()
    apart = told_apart(found.by_type, kind)
    assert apart[4:, 0].tolist() == [0, 0]
    assert apart[:3, 1].tolist() == [1, 1, 1]


@given(
    hnp.arrays(np.intp, st.tuples(st.integers(1, 9), st.integers(1, 7)), elements=st.integers(0, 3))
)
def test_a_vote_is_won_by_a_most_frequent_label_that_comes_first(labels):
    for row, winner in zip(labels, vote(labels), strict=True):
        counts = np.bincount(row)
        first = next(label for label in row if counts[label] == counts.max())
        assert winner == first


@pytest.mark.parametrize(("count", "width", "k"), [(50, 6, 4), (50, 6, 99), (12, 30, 5), (3, 9, 9)])
def test_components_are_those_of_scikit_learn(count, width, k):
    x, _, _ = cloud(count, width)
    found = fit_principal(x, k)
    expected = PCA(min(k, width, count - 1), svd_solver="full").fit(x)
    np.testing.assert_allclose(np.abs(found(x)), np.abs(expected.transform(x)), atol=1e-7)
    np.testing.assert_allclose(
        found.explained, np.cumsum(expected.explained_variance_ratio_), rtol=1e-9
    )
    largest = np.abs(found.axes).argmax(0)
    assert (found.axes[largest, np.arange(len(largest))] > 0).all()


@settings(deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(2, 12), st.integers(1, 12)),
        elements=st.floats(-9, 9, width=16),
    ),
    st.booleans(),
)
def test_all_components_keep_all_distances(x, standardize):
    """A full rotation is no change, whatever is constant or repeated."""
    found = fit_principal(x, 99, standardize=standardize)
    points = found(x)
    scaled = (x - x.mean(0)) / found.scale
    for own, whole in zip(points, scaled, strict=True):
        gaps = np.linalg.norm(points - own, axis=1)
        np.testing.assert_allclose(gaps, np.linalg.norm(scaled - whole, axis=1), atol=2e-5)


def test_constant_columns_stay_out_of_a_z_score():
    x = np.random.default_rng(0).normal(size=(20, 3))
    x[:, 1] = 1 / 3
    found = fit_principal(x, 3, standardize=True)
    assert found.scale[1] == 1
    assert found.variances == pytest.approx([*found.variances[:2], 0], abs=1e-12)
    assert found.variances.sum() == pytest.approx(2)


@given(hnp.arrays(np.float64, (5, 3), elements=st.floats(-9, 9)))
def test_distances_grow_by_coordinates(x):
    y = x[::-1] + 1
    for k, squared in growing_distances(x, y, [3, 1]):
        expected = ((x[:, None, :k] - y[None, :, :k]) ** 2).sum(2)
        np.testing.assert_allclose(squared, expected, atol=1e-9)


def test_zero_has_no_direction():
    np.testing.assert_allclose(unit_length([[3, 4], [0, 0]]), [[0.6, 0.8], [0, 0]])
