import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dctn

from snellen.distortions import distort
from tests.diagnosis.inside import grid_module as _grid
from tests.diagnosis.inside import pixel_statistics


def eight_bits(x):
    return (x * 255).round() / 255


@settings(max_examples=15)
@given(st.integers(32, 90), st.integers(32, 90), st.sampled_from(["flat", "noise", "black", "bw"]))
def test_statistics_are_finite_and_their_number_does_not_depend_on_the_size(height, width, kind):
    noise = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1))
    x = {
        "flat": torch.full_like(noise, 0.4),
        "noise": noise,
        "black": torch.zeros_like(noise),
        "bw": noise.round(),
    }[kind]
    found = pixel_statistics(eight_bits(x))
    assert found.shape == (2, pixel_statistics(torch.zeros(1, 3, 64, 64)).shape[1])
    assert bool(found.isfinite().all())


def test_an_image_has_the_same_statistics_in_any_batch(photos):
    crops = torch.cat([photo[..., :160, :160] for photo in photos])
    together = pixel_statistics(crops)
    alone = torch.cat([pixel_statistics(crop[None]) for crop in crops])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def test_the_transform_is_the_orthonormal_cosine_transform():
    luma = torch.rand(2, 24, 19, generator=torch.Generator().manual_seed(3))
    found = _grid._coefficients(luma).numpy().reshape(2, 3, 2, 8, 8)
    for n, row, column in np.ndindex(2, 3, 2):
        block = luma[n, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8].numpy() * 255
        np.testing.assert_allclose(found[n, row, column], dctn(block, norm="ortho"), atol=2e-3)


@pytest.mark.parametrize("quality", [10, 40])
def test_jpeg_leaves_a_grid_that_is_measured_where_it_lies(photos, quality):
    for photo in photos:
        coded = eight_bits(distort(photo, f"jpeg@{quality}"))
        before, after = (_grid._steps(x.mean(1), 8)[0] for x in (photo, coded))
        assert after[0] > before[0]
        assert after[2] > before[2]
    moved = _grid._steps(coded[..., 3:, 5:].mean(1), 8)[0]
    still = _grid._steps(coded.mean(1), 8)[0]
    # The corner's grid is gone, the one that stands out most is still there.
    assert moved[0] < still[0]
    assert moved[1] == pytest.approx(float(still[1]), abs=0.05)


def test_a_comb_of_rounded_coefficients_is_heard():
    generator = torch.Generator().manual_seed(0)
    smooth = 60 * torch.randn(1, 4000, generator=generator)
    for step in (8, 13, 32):
        rounded = (smooth / step).round() * step
        assert float(_grid._rounded(rounded)) > 0.9
    assert float(_grid._rounded(smooth)) < 0.3
