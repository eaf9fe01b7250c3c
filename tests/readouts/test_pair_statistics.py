"""Statistics of channels in one pass, against numpy in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.readouts.inside import pair_statistics


def expected(f, g):
    f, g = (x.double().numpy() for x in (f, g))
    spread = f.var(0) + g.var(0)
    return f.mean(0) - g.mean(0), f.mean(0), g.mean(0), (f - g).var(0), spread


@given(
    st.integers(1, 5000), st.integers(1, 40), st.floats(0, 3), st.floats(0.01, 1), st.integers(0, 9)
)
def test_as_numpy_has_them(positions, channels, mean, change, seed):
    generator = torch.Generator().manual_seed(seed)
    g = torch.randn(positions, channels, generator=generator) + mean
    f = g + change * torch.randn(positions, channels, generator=generator)
    for found, wanted in zip(pair_statistics(f, g), expected(f, g), strict=True):
        assert found.dtype == torch.float64
        np.testing.assert_allclose(found.numpy(), wanted, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_large_mean_costs_no_digits_of_the_variances(threads):
    generator = torch.Generator().manual_seed(0)
    g = 1000 + torch.randn(300_000, 8, generator=generator)  # more than one thread's share
    f = g + 0.1 * torch.randn(300_000, 8, generator=generator)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        *_, of_gap, spread = pair_statistics(f, g)
    finally:
        torch.set_num_threads(before)
    *_, wanted_gap, wanted_spread = expected(f, g)
    np.testing.assert_allclose(of_gap.numpy(), wanted_gap, rtol=1e-4)
    np.testing.assert_allclose(spread.numpy(), wanted_spread, rtol=1e-4)


def test_a_map_and_itself():
    f = torch.rand(4000, 5)
    gap, mean_f, mean_g, of_gap, _ = pair_statistics(f, f)
    assert torch.equal(mean_f, mean_g)
    assert gap.count_nonzero() == of_gap.count_nonzero() == 0


def test_half_precision_is_widened():
    f, g = torch.rand(2, 5000, 7).bfloat16()
    for found, wanted in zip(pair_statistics(f, g), expected(f.float(), g.float()), strict=True):
        np.testing.assert_allclose(found.numpy(), wanted, rtol=2e-5, atol=2e-6)
