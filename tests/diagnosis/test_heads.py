import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import mahalanobis
from sklearn.linear_model import LogisticRegression

from tests.diagnosis.inside import (
    Calibration,
    decide,
    fit_familiarity,
    joint_log_probability,
    logistic_fit,
)


def test_the_logistic_fit_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=500)
    outcomes = rng.random(500) < 1 / (1 + np.exp(-(1.7 * scores - 0.4)))
    slope, offset = logistic_fit(scores, outcomes)
    positive, negative = outcomes.sum(), (~outcomes).sum()
    target = np.where(outcomes, (positive + 1) / (positive + 2), 1 / (negative + 2))
    # A soft target is two observations whose weights are its two probabilities.
    oracle = LogisticRegression(C=1e10, tol=1e-10).fit(
        np.tile(scores, 2)[:, None],
        np.repeat([1, 0], 500),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    assert slope == pytest.approx(oracle.coef_[0, 0], rel=1e-3)
    assert offset == pytest.approx(oracle.intercept_[0], abs=1e-3)


@pytest.mark.parametrize("outcomes", [[False] * 4, [True] * 4, [False, False, True, True]])
def test_the_logistic_fit_is_finite_where_scores_separate(outcomes):
    slope, offset = logistic_fit(np.array([-2.0, -1.0, 1.0, 2.0]), np.array(outcomes))
    assert np.isfinite([slope, offset]).all()
    if len(set(outcomes)) == 2:
        assert slope > 0


def test_joint_probabilities_of_all_verdicts_add_up_to_one():
    p = np.array([0.2, 0.7, 0.95])
    sets = np.array(list(itertools.product([False, True], repeat=3)))
    joint = joint_log_probability(np.tile(p, (8, 1)), sets)
    assert np.exp(joint).sum() == pytest.approx(1)


def test_familiarity_is_the_distance_of_mahalanobis_to_the_nearest_class():
    rng = np.random.default_rng(2)
    targets = np.eye(3, dtype=np.float32)[np.repeat([0, 1, 2], 60)]
    hidden = (targets @ rng.normal(size=(3, 5)) * 4 + rng.normal(size=(180, 5))).astype(np.float32)
    fitted = fit_familiarity(torch.from_numpy(hidden), torch.from_numpy(targets))
    means = np.stack([hidden[targets[:, k] == 1].mean(0) for k in range(3)])
    deviations = hidden - np.repeat(means, 60, 0)
    covariance = deviations.T @ deviations / 180
    covariance += 1e-3 * np.diag(covariance).mean() * np.eye(5)
    inverse = np.linalg.inv(covariance)
    points = rng.normal(size=(10, 5)).astype(np.float32) * 5
    expected = [min(mahalanobis(x, mean, inverse) for mean in means) for x in points]
    np.testing.assert_allclose(fitted(torch.from_numpy(points)), expected, rtol=1e-3)


probabilities = st.lists(st.floats(0, 1), min_size=4, max_size=4)


@given(st.lists(probabilities, min_size=1, max_size=5))
def test_a_verdict_is_clean_or_one_or_two_of_the_likeliest_families(rows):
    p = np.array(rows)
    for row, chosen in zip(p, decide(p), strict=True):
        families = np.flatnonzero(chosen[:-1])
        assert chosen[-1] == (len(families) == 0)
        assert len(families) <= 2
        others = [row[i] for i in range(3) if i not in families]
        if len(families):
            assert min(row[families]) >= max(others)
            assert row[-1] <= row[:-1].max()
            assert row[-1] < 0.1 or row[:-1].max() >= 0.5
        if len(families) == 2:
            assert min(row[families]) >= 0.5


@given(st.lists(st.floats(0, 60), min_size=2, max_size=20))
def test_unfamiliarity_grows_with_distance_from_none_to_all(distances):
    grid = np.linspace(0, 1, 101)
    calibration = Calibration(1, 0, 1, 0, 5 + 45 * grid, grid, 2 * grid)
    ranks = calibration.unfamiliarity(np.sort(distances), np.zeros(len(distances)))
    assert (np.diff(ranks) >= 0).all()
    assert 0 <= ranks[0] <= ranks[-1] <= 1
    far = calibration.unfamiliarity(np.array([4.0, 27.5, 51.0]), np.zeros(3))
    assert far == pytest.approx([0, 0.25, 0.5])
    odd = calibration.unfamiliarity(np.array([4.0, 27.5, 51.0]), np.array([-0.5, -0.5, -9.0]))
    assert odd == pytest.approx([0.25, 0.5, 1])


@given(st.floats(-50, 0))
def test_confidence_is_a_probability(joint):
    confidence = Calibration(1, 0, 0.8, 0.1, *np.ones((3, 101))).confidence(np.array([joint]))
    assert 0 <= confidence[0] <= 1
