"""Noises: moments, spectra and densities in closed form, and the denoiser against scipy."""

import math

import numpy as np
import pytest
import scipy.fft
import scipy.stats
import skimage.color
import torch

from snellen.errors import DistortionError
from tests.distortions.inside import NOISE_TYPES as TYPES
from tests.distortions.inside import generator, hard_threshold, in_blocks, normal, uniform

BY_NAME = {one.name: one for one in TYPES}
LEVELS = [1, 2, 3, 4, 5]


@pytest.fixture
def gray():
    """Mid-grey, so that no noise is clipped; large enough for moments good to a percent or two."""
    return torch.full((1, 3, 200, 200), 0.5)


def test_a_seed_gives_the_same_numbers_in_every_batch():
    batch = torch.zeros(4, 3, 5, 7)
    together = normal(batch, [5, 6, 5, 7], "type")
    assert torch.equal(together[0], together[2])
    assert torch.equal(together[1:2], normal(batch[:1], [6], "type"))


def test_types_draw_independent_numbers():
    batch = torch.zeros(1, 3, 100, 100)
    one, other = (normal(batch, [0], stream).flatten() for stream in ("one", "other"))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


def test_seeds_of_any_size_are_taken():
    drawn = {float(torch.rand((), generator=generator(s, "t"))) for s in (-1, 0, 1, 2**80)}
    assert len(drawn) == 4


def test_uniform_numbers_are_uniform():
    draws = uniform(torch.zeros(1, 3, 100, 100), [0], "type").flatten()
    assert scipy.stats.kstest(draws.numpy(), "uniform").pvalue > 1e-3


@pytest.mark.parametrize("level", LEVELS)
def test_white_noise_is_normal_with_the_published_variance(gray, level):
    noise = (BY_NAME["white-noise"](gray, level, seed=1) - gray).flatten().double().numpy()
    assert noise.var() == pytest.approx(BY_NAME["white-noise"].strength(level), rel=0.03)
    assert abs(noise.mean()) < 4 * noise.std() / math.sqrt(noise.size)
    assert scipy.stats.kurtosis(noise) == pytest.approx(0, abs=0.06)


def test_white_noise_is_uncorrelated(gray):
    noise = (BY_NAME["white-noise"](gray, 3, seed=2) - gray)[0].double()
    power = noise.square().mean()
    neighbours = [
        noise[:, 1:] * noise[:, :-1],
        noise[..., 1:] * noise[..., :-1],
        noise[0] * noise[1],
    ]
    for product in neighbours:
        assert abs(product.mean() / power) < 0.025


@pytest.mark.parametrize("level", LEVELS)
def test_noise_in_ycbcr_has_equal_variance_in_its_three_channels(gray, level):
    noisy = BY_NAME["white-noise-ycbcr"](gray, level, seed=1)[0].permute(1, 2, 0).double().numpy()
    noise = skimage.color.rgb2ycbcr(noisy) / 255
    variance = BY_NAME["white-noise-ycbcr"].strength(level)
    np.testing.assert_allclose(noise.var((0, 1)), variance, rtol=0.05)
    covariance = np.cov(noise.reshape(-1, 3).T)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=0.03 * variance)


def test_no_noise_in_ycbcr_leaves_the_image(photos):
    torch.testing.assert_close(
        BY_NAME["white-noise-ycbcr"].at(photos[0], 0), photos[0], atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("level", LEVELS)
def test_impulses_are_black_and_white_in_equal_shares(level):
    gray = torch.full((1, 3, 400, 400), 0.5)
    noisy = BY_NAME["impulse-noise"](gray, level, seed=1)
    density = BY_NAME["impulse-noise"].strength(level)
    assert set(noisy.unique().tolist()) == {0, 0.5, 1}
    for value in (0, 1):
        spread = math.sqrt(density / 2 * gray.numel())
        assert (noisy == value).sum().item() == pytest.approx(
            density / 2 * gray.numel(), abs=4 * spread
        )


def test_impulses_hit_each_channel_by_itself():
    gray = torch.full((1, 3, 400, 400), 0.5)
    hit = BY_NAME["impulse-noise"].at(gray, 0.1, seed=1)[0] != 0.5
    both = (hit[0] & hit[1]).double().mean().item()
    assert both == pytest.approx(0.01, rel=0.15)


@pytest.mark.parametrize("level", LEVELS)
def test_speckle_is_uniform_and_in_proportion(gray, level):
    factor = BY_NAME["multiplicative-noise"](gray, level, seed=1) / gray - 1
    variance = BY_NAME["multiplicative-noise"].strength(level)
    values = factor.flatten().double().numpy()
    assert values.var() == pytest.approx(variance, rel=0.03)
    assert scipy.stats.kurtosis(values) == pytest.approx(-1.2, abs=0.03)
    half = BY_NAME["multiplicative-noise"](gray / 2, level, seed=1) / (gray / 2) - 1
    torch.testing.assert_close(half, factor, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_noise_of_strength_0_leaves_the_image(photos, name):
    torch.testing.assert_close(BY_NAME[name].at(photos[1], 0), photos[1], atol=2e-6, rtol=0)


def test_denoising_brings_the_image_nearer_than_the_noise(photos):
    noisy = BY_NAME["white-noise"].at(photos[0], 0.01)
    denoised = BY_NAME["denoise"].at(photos[0], 0.01)
    errors = [(image - photos[0]).square().mean() for image in (denoised, noisy)]
    assert errors[0] < 0.3 * errors[1]


def _shrunk_block(block, threshold):
    coefficients = scipy.fft.dctn(block, norm="ortho")
    small = abs(coefficients) < threshold
    small[0, 0] = False
    return scipy.fft.idctn(np.where(small, 0, coefficients), norm="ortho")


def test_the_denoiser_averages_shrunk_blocks(photos):
    image = photos[1][:, :1, :21, :19].double()
    padded = np.pad(image[0, 0].numpy(), 8, mode="symmetric")
    total, count = np.zeros_like(padded), np.zeros_like(padded)
    for top in range(0, padded.shape[0] - 7, 4):
        for left in range(0, padded.shape[1] - 7, 4):
            window = (slice(top, top + 8), slice(left, left + 8))
            total[window] += _shrunk_block(padded[window], 0.1)
            count[window] += 1
    expected = (total / np.maximum(count, 1))[8:-8, 8:-8]
    found = hard_threshold(image, 0.1, step=4)[0, 0]
    # Beyond 16 both edges of the padded image have the same blocks.
    np.testing.assert_allclose(found[:16, :16], expected[:16, :16], atol=1e-12)


@pytest.mark.parametrize("step", [1, 2, 4, 8])
def test_a_threshold_of_0_keeps_the_image(photos, step):
    image = photos[2][..., :37, :50].double()
    torch.testing.assert_close(hard_threshold(image, 0, step), image, atol=1e-12, rtol=0)


def test_an_infinite_threshold_leaves_the_means_of_blocks(photos):
    image = photos[2][..., :40, :48].double()
    means = in_blocks(image, lambda c: c * (torch.arange(64) == 0))
    expected = image.unfold(2, 8, 8).unfold(3, 8, 8).mean((4, 5))
    torch.testing.assert_close(means[..., ::8, ::8], expected)


@pytest.mark.parametrize(("name", "strength"), [("white-noise", -0.1), ("impulse-noise", 1.5)])
def test_impossible_strengths_are_refused(gray, name, strength):
    with pytest.raises(DistortionError, match=f"{name}: strength"):
        BY_NAME[name].at(gray, strength)
