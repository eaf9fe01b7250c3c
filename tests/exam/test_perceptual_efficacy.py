"""Efficacy and its groups: arithmetic, published scales, invariances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snellen.errors import MetricError
from snellen.vision import find_csf
from tests.exam.inside import (
    efficacy_weights,
    frequency_sensitivity,
    gain_normalized,
    group_distances,
    high_group,
    low_group,
    orientation_sensitivity,
    perceptual_efficacy,
    random_groups,
    top_group,
)

FREQUENCIES = np.linspace(0.1, 30, 300)
VALUES = arrays(np.float64, st.integers(2, 60), elements=st.floats(0, 1e3, allow_subnormal=False))


def band(center, sigma=0.8, gain=1.0):
    return gain * np.exp(-(np.log2(FREQUENCIES / center) ** 2) / (2 * sigma**2))[None]


def test_published_scale_of_mu1_on_other_csfs():
    """The printed numbers over those recomputed from the paper's curves, by CSF.

    Research on the digitised figure 2(b): .93 with Mannos-Sakrison, .89 with the plotted curve
    brought to a peak of 1, .62 to .70 with it as plotted (peak 1.335).
    """
    plotted, other = find_csf("tariq"), find_csf("mannos-sakrison")
    top = plotted(FREQUENCIES).max()
    curves = np.concatenate([band(f) for f in (3, 4.5, 6.5, 8, 10, 14)])
    as_printed = frequency_sensitivity(curves, FREQUENCIES, other)
    unit = frequency_sensitivity(curves, FREQUENCIES, lambda f: plotted(f) / top)
    as_plotted = frequency_sensitivity(curves, FREQUENCIES, lambda f: plotted(f) * 1.335 / top)
    assert np.mean(as_printed / unit) == pytest.approx(0.89 / 0.93, abs=0.03)
    np.testing.assert_allclose(as_plotted / unit, 1.335)
    assert 0.62 < 0.89 / 1.335 < 0.70


def test_published_scale_of_mu2():
    """With 1-degree steps a cosine lobe of height h sums to 181 h^2 3/8, printed in millions."""
    angles = np.deg2rad(np.arange(-90, 91))
    height = 300.0
    curve = height * (1 + np.cos(2 * angles)) / 2
    expected = height**2 * (180 * 3 / 8 + 1)  # both ends of the range are the same minimum
    assert orientation_sensitivity(curve[None])[0] == pytest.approx(expected)
    assert 1 < expected / 1e6 < 10


@given(center=st.floats(3, 12), density=st.sampled_from([2, 3]))
def test_the_finite_difference_hardly_depends_on_the_sampling(center, density):
    csf, curve = find_csf("tariq"), band(center)
    dense = frequency_sensitivity(curve, FREQUENCIES, csf)[0]
    sparse = frequency_sensitivity(curve[:, ::density], FREQUENCIES[::density], csf)[0]
    assert sparse == pytest.approx(dense, rel=0.03)
    per_cpd = frequency_sensitivity(curve, FREQUENCIES, csf, derivative="per-cpd")[0]
    coarse = frequency_sensitivity(
        curve[:, ::density], FREQUENCIES[::density], csf, derivative="per-cpd"
    )[0]
    assert coarse == pytest.approx(per_cpd / density, rel=0.05)


@given(gain=st.floats(0.01, 100))
def test_efficacy_grows_with_the_third_power_of_the_gain(gain):
    csf = find_csf("tariq")
    curves = np.concatenate([band(4), band(8)])
    bars = np.array([[1.0, 3, 2], [2, 2, 5]])
    scale = np.array([[gain], [1.0]])

    def product(rings, bars):
        return frequency_sensitivity(rings, FREQUENCIES, csf) * orientation_sensitivity(bars)

    ratio = product(curves * scale, bars * scale) / product(curves, bars)
    np.testing.assert_allclose(ratio, [gain**3, 1])
    same = product(gain_normalized(curves * scale), gain_normalized(bars * scale))
    np.testing.assert_allclose(same, product(gain_normalized(curves), gain_normalized(bars)))


def test_efficacy_of_dead_layers_is_zero():
    np.testing.assert_array_equal(perceptual_efficacy([0, 0], [1, 2]), 0)
    np.testing.assert_array_equal(gain_normalized(np.zeros((2, 3))), 0)


def test_wrong_frequencies_are_refused():
    with pytest.raises(MetricError, match="growing frequencies"):
        frequency_sensitivity([[1, 2]], [2, 1], find_csf("tariq"))
    with pytest.raises(MetricError, match="'per-octave'"):
        frequency_sensitivity([[1, 2]], [1, 2], find_csf("tariq"), derivative="per-octave")


@given(values=VALUES, x=st.floats(1, 99))
def test_groups_are_percentiles(values, x):
    high, low = high_group(values, x), low_group(values, x)
    assert high.any()
    assert low.any()
    assert values[high].min() >= values[~high].max(initial=-np.inf)
    assert values[low].max() <= values[~low].min(initial=np.inf)
    np.testing.assert_array_equal(high_group(-values, x), low)
    assert high.sum() >= np.floor(x / 100 * len(values))


def test_groups_of_distinct_values_have_x_percent():
    values = np.random.default_rng(0).permutation(128)
    assert [int(high_group(values, x).sum()) for x in (2, 5, 10, 25, 50)] == [3, 7, 13, 32, 64]
    assert set(np.flatnonzero(top_group(values, 3))) == set(np.argsort(values)[-3:])


def test_random_groups_have_their_size_and_every_channel_its_turn():
    masks = random_groups(20, 5, 4000, [0, 1])
    assert (masks.sum(1) == 5).all()
    np.testing.assert_allclose(masks.mean(0), 0.25, atol=0.04)
    np.testing.assert_array_equal(masks, random_groups(20, 5, 4000, [0, 1]))
    assert (masks != random_groups(20, 5, 4000, [0, 2])).any()


def test_distances_are_means_over_the_group():
    by_channel = np.random.default_rng(1).random((6, 4))
    masks = np.array([[True, False, True, False], [True] * 4])
    found = group_distances(by_channel, masks)
    np.testing.assert_allclose(found[:, 0], by_channel[:, [0, 2]].mean(1))
    np.testing.assert_allclose(found[:, 1], by_channel.mean(1))


def test_weights_have_mean_one():
    efficacy = {"a": np.array([0.1, 0.2, 0.3, 0.4])}
    (soft,) = efficacy_weights(efficacy)
    np.testing.assert_allclose(soft.weights, [0.4, 0.8, 1.2, 1.6])
    (hard,) = efficacy_weights(efficacy, group="H", x=50)
    np.testing.assert_allclose(hard.weights, [0, 0, 2, 2])
    (low,) = efficacy_weights(efficacy, group="L", x=25)
    np.testing.assert_allclose(low.weights, [4, 0, 0, 0])


def test_wrong_groups_are_refused():
    with pytest.raises(MetricError, match="above 0 and below 100"):
        high_group([1, 2], 100)
    with pytest.raises(MetricError, match="'soft', 'H' or 'L'"):
        efficacy_weights({"a": [1.0]}, group="M")
    with pytest.raises(MetricError, match="a: no channel has any efficacy"):
        efficacy_weights({"a": [0.0, 0.0]})
