"""TID2013: pixels equal to those of the database's own recipes, and the statistics of its noise."""

import csv
import gzip
import importlib.util
import math

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
import scipy.stats
import torch
from PIL import Image

from snellen.errors import DistortionError
from snellen.images import luma
from tests.distortions.inside import FULL, mix
from tests.distortions.inside import TID_TYPES as TYPES

BY_NAME = {one.name: one for one in TYPES}
RECIPES = {
    "quant": "tid-quantization",
    "shift": "tid-mean-shift",
    "contrast": "tid-contrast",
    "saturate": "tid-saturation",
    "chromshift": "tid-chromatic-aberration",
    "blur:5": "tid-gaussian-blur",
}
IMAGES = ("I01.png", "I13.png", "I23.png")


@pytest.fixture(scope="module")
def recipes(shared):
    """The oracle: the script that rebuilds the images of TID2013, checked by their digests."""
    specification = importlib.util.spec_from_file_location("regen", shared / "regen.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows(shared):
    with (shared / "tid2013r" / "scores.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["reference"] in IMAGES]


def _read(path):
    return np.array(Image.open(path).convert("RGB"))


def _tensor(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("recipe", RECIPES)
def test_pixels_are_those_of_the_database(shared, recipes, rows, recipe):
    references = {name: _tensor(_read(shared / "tid2013r" / name)) for name in IMAGES}
    chosen = [row for row in rows if row["recipe"] == recipe]
    assert len({row["reference"] for row in chosen}) == len(IMAGES)
    for row in chosen:
        expected = _tensor(recipes.load(shared / "tid2013r", row, check=False))
        distorted = BY_NAME[RECIPES[recipe]].at(references[row["reference"]], float(row["param"]))
        assert torch.equal(distorted, expected), row["image"]


@pytest.mark.parametrize(
    "recipe", ["quant", "shift", "contrast", "saturate", "blur:5", "awgn", "colnoise", "hfnoise"]
)
def test_levels_are_the_medians_of_the_database(shared, recipe):
    names = RECIPES | {
        "awgn": "tid-gaussian-noise",
        "colnoise": "tid-color-noise",
        "hfnoise": "tid-high-frequency-noise",
    }
    with (shared / "tid2013r" / "scores.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["recipe"] == recipe]
    for level in range(1, 6):
        values = [float(row["param"]) for row in rows if int(row["level"]) == level]
        assert BY_NAME[names[recipe]].strength(level) == pytest.approx(np.median(values), rel=0.003)


FITTED = {
    "04": "tid-masked-noise",
    "09": "tid-denoise",
    "14": "tid-non-eccentricity-patch",
    "20": "tid-comfort-noise",
    "22": "tid-color-quantization-dither",
    "23": "tid-chromatic-aberration",
    "24": "tid-sparse-sampling",
}


@pytest.fixture(scope="module")
def published(shared):
    """PSNR of the images of TID2013: (reference, number of the type, level) -> decibels."""
    table = shared / "scores" / "zsiqa_tid2013_3000x42metrics.csv.gz"
    with gzip.open(table, "rt", newline="") as file:
        rows = [(row["dis"].upper().split(".")[0], row["psnr"]) for row in csv.DictReader(file)]
    return {tuple(name.split("_")): float(psnr) for name, psnr in rows}


@pytest.mark.parametrize("number", FITTED)
def test_levels_of_our_own_have_the_published_psnr(shared, published, number):
    found, expected = [], []
    for name in IMAGES:
        image = _tensor(_read(shared / "tid2013r" / name))
        distorted = BY_NAME[FITTED[number]](image, 3, seed=1)
        found.append(-10 * math.log10((distorted - image).square().mean().item()))
        expected.append(published[name.removesuffix(".png"), number, "3"])
    # Fitted on the mean of more images than these three, which differ by some decibels each.
    assert np.mean(found) == pytest.approx(np.mean(expected), abs=2)


@pytest.mark.parametrize("one", TYPES, ids=lambda one: one.name)
def test_values_are_those_of_8_bit_files(photos, one):
    distorted = one(photos[1][..., :64, :70], 4, seed=1)
    values = (distorted * 255).round()
    assert torch.equal(distorted, values / 255)


def _noise(name, strength, side=256):
    gray = torch.full((1, 3, side, side), 128 / 255)
    return (BY_NAME[name].at(gray, strength, seed=1) - gray)[0].double() * 255


def test_gaussian_noise_is_normal():
    noise = _noise("tid-gaussian-noise", 16).flatten().numpy()
    # Rounding to whole values adds their 1/12.
    assert noise.var() == pytest.approx(256 + 1 / 12, rel=0.02)
    assert scipy.stats.kurtosis(noise) == pytest.approx(0, abs=0.06)


def test_colour_noise_is_twice_as_strong_in_the_colours():
    noise = mix(_noise("tid-color-noise", 5)[None], FULL)[0]
    deviations = noise.flatten(1).std(1)
    np.testing.assert_allclose(deviations, [5, 10, 10], rtol=0.02)


def test_correlated_noise_has_the_spectrum_of_its_box():
    noise = _noise("tid-correlated-noise", 16)[0]
    assert noise.std().item() == pytest.approx(16, rel=0.02)
    for distance, share in ((1, 2 / 3), (2, 1 / 3), (3, 0)):
        product = (noise[:, distance:] * noise[:, :-distance]).mean() / noise.square().mean()
        assert product.item() == pytest.approx(share, abs=0.03)


def test_high_frequency_noise_is_white_noise_less_its_local_mean():
    noise = _noise("tid-high-frequency-noise", 16)[0]
    assert noise.std().item() == pytest.approx(16, rel=0.02)
    # Variance of n - box(n): 1 - 2/9 + 1/9; its mean over 3 x 3 is box(n) - box(box(n)).
    local = scipy.ndimage.uniform_filter(noise.numpy(), 3)[5:-5, 5:-5]
    single = np.outer([0, 1, 1, 1, 0], [0, 1, 1, 1, 0]) / 9
    twice = np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]) / 81
    share = ((single - twice) ** 2).sum() / (1 - 1 / 9)
    assert local.var() == pytest.approx(256 * share, rel=0.1)


def test_masked_noise_follows_the_contrast_of_the_image():
    image = torch.full((1, 3, 64, 128), 128 / 255)
    image[..., 64:] = torch.where(torch.arange(64) % 2 == 0, 98, 158) / 255
    noise = (BY_NAME["tid-masked-noise"].at(image, 10, seed=1) - image)[0].double() * 255
    smooth, textured = noise[..., 8:56], noise[..., 72:120]
    # Contrast of the stripes 30, of the smooth half none; 1 is added to both.
    assert (textured.std() / smooth.std()).item() > 20
    assert noise.square().mean().sqrt().item() == pytest.approx(10, rel=0.05)


def test_impulses_have_any_value():
    gray = torch.full((1, 3, 256, 256), 128 / 255)
    noisy = BY_NAME["tid-impulse-noise"].at(gray, 0.1, seed=1)
    changed = (noisy[noisy != gray] * 255).round()
    share = changed.numel() / gray.numel()
    assert share == pytest.approx(0.1 * 255 / 256, rel=0.05)
    assert scipy.stats.kstest(changed.numpy() / 255, "uniform").statistic < 0.02


def test_multiplicative_noise_is_in_proportion():
    ramp = torch.arange(4) * 40 / 255
    image = ramp.repeat_interleave(100).view(1, 1, 1, 400).expand(1, 3, 200, 400)
    noise = (BY_NAME["tid-multiplicative-noise"].at(image, 0.1, seed=1) - image)[0].double() * 255
    deviations = noise.reshape(3, 200, 4, 100).std((0, 1, 3))
    expected = [math.sqrt((4.0 * k) ** 2 + (1 / 12 if k else 0)) for k in range(4)]
    np.testing.assert_allclose(deviations, expected, rtol=0.03)


def test_comfort_noise_changes_the_signs_of_small_coefficients(photos):
    image = ((photos[1][..., :160, :192] * 0.4 + 0.3) * 255).round() / 255
    noisy = BY_NAME["tid-comfort-noise"].at(image, 40, seed=1)
    before, after = (_coefficients(luma(one * 255)) for one in (image, noisy))
    # Rounding to 8 bits moves a coefficient by a few tenths.
    np.testing.assert_allclose(abs(after), abs(before), atol=3)
    large = abs(before) >= 41
    large[..., 0, 0] = True
    np.testing.assert_array_equal(np.sign(after[large]), np.sign(before[large]))
    clear = ~large & (abs(before) > 4) & (abs(before) < 39)
    flipped = np.sign(after[clear]) != np.sign(before[clear])
    assert flipped.mean() == pytest.approx(0.5, abs=0.05)


def _coefficients(luma):
    values = luma[0, 0].double().numpy()
    blocks = values.reshape(values.shape[0] // 8, 8, -1, 8).swapaxes(1, 2)
    return scipy.fft.dctn(blocks, axes=(2, 3), norm="ortho")


def test_saturation_0_leaves_grey(photos):
    distorted = BY_NAME["tid-saturation"].at(photos[0], 0)
    assert (distorted.amax(1) - distorted.amin(1)).max() <= 1 / 255


@pytest.mark.parametrize("shift", [0.25, 1, 2.5])
def test_red_and_blue_are_shifted_apart(photos, shift):
    values = (photos[0] * 255).round()[0].double().numpy()
    expected = values.copy()
    columns = np.arange(values.shape[2])
    for channel, side in ((0, -1), (2, 1)):
        places = np.clip(columns + side * shift, 0, len(columns) - 1)
        for row in range(values.shape[1]):
            expected[channel, row] = np.interp(places, columns, values[channel, row])
    found = BY_NAME["tid-chromatic-aberration"].at(photos[0], shift)[0] * 255
    np.testing.assert_allclose(found, np.floor(expected + 0.5), atol=1e-4)


def test_patches_are_those_of_the_image(photos):
    moved = BY_NAME["tid-non-eccentricity-patch"](photos[0], 1, seed=1)
    colors = {tuple(color) for color in photos[0][0].flatten(1).T.tolist()}
    assert {tuple(color) for color in moved[0].flatten(1).T.tolist()} <= colors


@pytest.mark.parametrize("count", [1, 2, 8])
def test_blocks_share_one_energy(count):
    gray = torch.full((1, 3, 256, 320), 100 / 255)
    damaged = BY_NAME["tid-block"].at(gray, count, seed=1)
    change = ((damaged - gray) * 255).round()[0, 0]
    assert (change != 0).sum() == count * 1024
    contrast = min(210 / math.sqrt(count), 155)
    assert change.max().item() == pytest.approx(contrast, abs=1)


def test_samples_that_are_left_stay(photos):
    image = (photos[0][..., :96, :96] * 255).round() / 255
    rebuilt = BY_NAME["tid-sparse-sampling"].at(image, 0.7, seed=1)
    kept = (rebuilt == image).all(1).double().mean().item()
    assert 0.29 <= kept < 0.5


def test_lost_samples_of_a_ramp_come_back():
    ramp = torch.linspace(0.1, 0.9, 96).view(1, 1, 1, 96).expand(1, 3, 64, 96)
    rebuilt = BY_NAME["tid-sparse-sampling"].at(ramp, 0.8, seed=1)
    assert (rebuilt - ramp)[..., 4:-4].abs().mean() < 0.01


def test_denoising_brings_the_image_nearer_than_the_noise(photos):
    errors = [
        (BY_NAME[name].at(photos[0], 25, seed=1) - photos[0]).square().mean()
        for name in ("tid-denoise", "tid-gaussian-noise")
    ]
    assert errors[0] < 0.3 * errors[1]


@pytest.mark.parametrize(
    ("name", "strength"),
    [
        ("tid-quantization", 0),
        ("tid-mean-shift", 300),
        ("tid-block", 0),
        ("tid-sparse-sampling", 1),
        ("tid-chromatic-aberration", -1),
    ],
)
def test_impossible_strengths_are_refused(photos, name, strength):
    with pytest.raises(DistortionError, match=f"{name}: strength {strength}, expected"):
        BY_NAME[name].at(photos[0], strength)
