"""Every readout against a direct float64 computation of its definition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from snellen.readouts import create_readout, list_readouts

from . import definitions as direct
from .definitions import CASES, IDS, READINGS

# Channel weights enter these in their own way, tested one by one.
OWN_WEIGHTS = ("calibrated", "structure-texture")


def features(n=3, c=6, h=13, w=10, distance=0.5):
    """Features after a ReLU, of the distorted and of the reference images."""
    y = torch.randn(n, c, h, w, dtype=torch.float64)
    x = y + distance * torch.randn_like(y)
    return x.relu() + 0.05, y.relu() + 0.05  # cosines of very short vectors meet LPIPS's 1e-10


def directly(definition, f, g):
    return [definition(u, v) for u, v in zip(f.double().numpy(), g.double().numpy(), strict=True)]


def test_every_readout_has_a_case():
    assert {name for name, _, _ in CASES} == set(list_readouts())


@pytest.mark.parametrize(("name", "options", "definition"), CASES, ids=IDS)
@pytest.mark.parametrize("distance", [1e-2, 0.5])
def test_definition_in_float64(name, options, definition, distance):
    f, g = features(distance=distance)
    got = create_readout(name, **options)(f, g)
    assert got.dtype == torch.float64
    np.testing.assert_allclose(got, directly(definition, f, g), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "options", "definition"), CASES, ids=IDS)
def test_definition_in_float32(name, options, definition):
    f, g = (t.float() for t in features(distance=0.1))
    got = create_readout(name, **options)(f, g)
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got, directly(definition, f, g), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "options", "definition"), CASES, ids=IDS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_features_are_computed_with_in_float32(name, options, definition, dtype):
    f, g = (t.to(dtype) for t in features())
    got = create_readout(name, **options)(f, g)
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got, directly(definition, f, g), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "definition"),
    [case for case in CASES if case[0] not in OWN_WEIGHTS],
    ids=[name for name, case in zip(IDS, CASES, strict=True) if case[0] not in OWN_WEIGHTS],
)
def test_weights_enter_as_square_roots_on_both_features(name, options, definition):
    f, g = features()
    weights = torch.tensor([0.0, 0.3, 1.0, 2.0, 5.0, 0.01], dtype=torch.float64)
    if options.get("reading") == "channel":
        weights[0] = 0.1  # scipy has no cosine of zero vectors
    roots = weights.sqrt().view(1, -1, 1, 1)
    got = create_readout(name, **options)(f, g, weights)
    np.testing.assert_allclose(got, directly(definition, f * roots, g * roots), rtol=1e-9)


def test_weights_of_half_precision_features_are_not_rounded():
    f, g = (t.half() for t in features())
    weights = torch.full((6,), 1e10)  # float16 ends at 65504
    distance = create_readout("euclidean")(f, g, weights)
    torch.testing.assert_close(distance, 1e5 * create_readout("euclidean")(f, g))


def test_weights_of_calibrated_multiply_squared_differences():
    f, g = features()
    weights = torch.rand(6, dtype=torch.float64)
    expected = directly(lambda u, v: direct.calibrated(u, v, weights.numpy()), f, g)
    np.testing.assert_allclose(create_readout("calibrated")(f, g, weights), expected, rtol=1e-9)


@pytest.mark.parametrize("rows", [1, 2])
def test_weights_of_structure_texture_are_alpha_and_beta(rows):
    f, g = features()
    weights = torch.rand(2, 6, dtype=torch.float64)
    alpha, beta = (weights[0], weights[rows - 1])

    def expected(u, v):
        return direct.structure_texture(u, v, alpha.numpy(), beta.numpy())

    got = create_readout("structure-texture")(f, g, weights if rows == 2 else weights[0])
    np.testing.assert_allclose(got, directly(expected, f, g), rtol=1e-9)


@pytest.mark.parametrize("reading", READINGS)
def test_centred_cosine_removes_channel_means_first(reading):
    f, g = features()
    centred = [t - t.mean((2, 3), keepdim=True) for t in (f, g)]
    got = create_readout("cosine", reading=reading, centred=True)(f, g)
    np.testing.assert_allclose(got, directly(READINGS[reading], *centred), rtol=1e-9)


def test_centred_cosine_per_channel_is_the_structure_term():
    f, g = features()
    f, g = ((t - t.mean((2, 3), keepdim=True)) / t.std((2, 3), keepdim=True) for t in (f, g))
    cosine = create_readout("cosine", reading="channel", centred=True)(f + 3, g + 5)
    # Of channels with zero mean and equal variance, texture is 1 and only structure is left.
    structure = 2 * create_readout("structure-texture", c1=1e-12, c2=1e-12)(f, g)
    torch.testing.assert_close(cosine, structure, rtol=1e-6, atol=0)


def test_per_position_cosine_is_half_of_unweighted_lpips():
    f, g = features()
    half = create_readout("calibrated")(f, g) / 2
    torch.testing.assert_close(create_readout("cosine")(f, g), half, rtol=1e-12, atol=0)


@pytest.mark.parametrize("reading", READINGS)
def test_cosine_of_nearly_equal_features_keeps_its_digits(reading):
    g = torch.rand(1, 8, 9, 9) + 0.5
    f = g * (1 + 1e-5 * torch.randn(1, 8, 9, 9))
    got = create_readout("cosine", reading=reading)(f, g).item()
    wide = [t[0].double().numpy() for t in (f, g)]
    # 1 - cos, as written, is right to 1e-16 in float64 and has no right digit in float32.
    assert got == pytest.approx(READINGS[reading](*wide), rel=1e-2)
    assert 0 < got < 1e-9


def test_a_zero_vector_is_half_a_distance_from_any_other():
    zero, other = torch.zeros(1, 4, 5, 5), torch.rand(1, 4, 5, 5) + 0.1
    for reading in READINGS:
        readout = create_readout("cosine", reading=reading)
        assert readout(zero, other).item() == pytest.approx(0.5, rel=1e-6)
        assert readout(zero, zero).item() == 0


@given(arrays(np.float64, (2, 3, 5, 6), elements=st.floats(0, 100, width=32)))
@settings(max_examples=30)
def test_wasserstein_is_the_optimal_assignment(values):
    f, g = values
    expected = []
    for u, v in zip(f, g, strict=True):
        cost = (u.reshape(-1, 1) - v.reshape(1, -1)) ** 2
        expected.append(cost[linear_sum_assignment(cost)].mean())
    got = create_readout("wasserstein")(torch.tensor(f)[None], torch.tensor(g)[None])
    np.testing.assert_allclose(got, np.mean(expected), rtol=1e-9, atol=1e-9)


def test_wasserstein_without_window_does_not_see_where_values_are():
    f, g = features(n=1, h=8, w=8)
    moved = f.flatten(2)[:, :, torch.randperm(64)].view_as(f)
    plain, windows = create_readout("wasserstein"), create_readout("wasserstein", window=4)
    torch.testing.assert_close(plain(moved, g), plain(f, g))
    assert windows(moved, g) > 1.2 * windows(f, g)


def test_a_map_smaller_than_the_window_is_one_window():
    f, g = features(h=3, w=7)
    windowed = create_readout("wasserstein", window=4)(f, g)
    torch.testing.assert_close(windowed, create_readout("wasserstein")(f, g))
