"""Colours against scikit-image, colorsys and Pillow."""

import colorsys

import numpy as np
import pytest
import scipy.ndimage
import skimage.color
import torch
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import DistortionError
from snellen.images import luma
from tests.distortions.inside import COLOR_TYPES as TYPES
from tests.distortions.inside import (
    FULL,
    STUDIO,
    STUDIO_OFFSET,
    channels,
    inverse,
    lab_to_rgb,
    mix,
    rgb_to_lab,
)

BY_NAME = {one.name: one for one in TYPES}


def _pixels(image):
    return image[0].permute(1, 2, 0).double().numpy()


def test_lab_is_that_of_scikit_image(photos):
    lab = rgb_to_lab(photos[0])
    np.testing.assert_allclose(_pixels(lab), skimage.color.rgb2lab(_pixels(photos[0])), atol=2e-4)


def test_lab_and_back_is_the_same(photos):
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(photos[3])), photos[3], atol=2e-7, rtol=0)


def test_lab_of_colours_within_srgb_is_turned_back_as_scikit_image_does(photos):
    lab = rgb_to_lab(photos[0])
    lab[:, 1:] *= 0.5
    expected = skimage.color.lab2rgb(_pixels(lab))
    np.testing.assert_allclose(_pixels(lab_to_rgb(lab)), expected, atol=1e-5)


def test_colours_beyond_srgb_are_clipped():
    lab = torch.tensor([[50.0, 120, -120], [90.0, -150, 150]]).double().T.reshape(1, 3, 1, 2)
    rgb = lab_to_rgb(lab)[0, :, 0]
    assert rgb.min() == 0
    assert rgb.max() == 1


def test_ycbcr_of_television_is_that_of_scikit_image(photos):
    found = mix(photos[0].double(), STUDIO) + channels(STUDIO_OFFSET, photos[0].double())
    expected = skimage.color.rgb2ycbcr(_pixels(photos[0])) / 255
    np.testing.assert_allclose(_pixels(found), expected, atol=1e-7)


def test_colour_matrices_are_undone_by_their_inverses(photos):
    image = photos[0].double()
    for matrix in (STUDIO, FULL):
        torch.testing.assert_close(mix(mix(image, matrix), inverse(matrix)), image)


def test_gray_is_the_luma_of_jpeg(photos):
    torch.testing.assert_close(luma(photos[0]), mix(photos[0], FULL)[:, :1])


@pytest.mark.parametrize("level", [1, 3, 5])
def test_diffusion_blurs_the_colours_of_lab(photos, level):
    image = photos[2][..., :60, :80]
    amount = BY_NAME["color-diffusion"].strength(level)
    sigma = 1.5 * amount + 2
    lab = skimage.color.rgb2lab(_pixels(image))
    lab[..., 1:] = amount * scipy.ndimage.gaussian_filter(
        lab[..., 1:], (sigma, sigma, 0), mode="nearest", radius=(*[int(np.ceil(2 * sigma))] * 2, 0)
    )
    distorted = BY_NAME["color-diffusion"](image, level)
    # scikit-image clips colours beyond sRGB at another place of the way back.
    expected = lab_to_rgb(torch.from_numpy(lab).permute(2, 0, 1)[None])
    torch.testing.assert_close(distorted, expected, atol=2e-4, rtol=0)


def test_diffusion_spares_grey(photos):
    image = luma(photos[0]).expand(-1, 3, -1, -1)
    torch.testing.assert_close(BY_NAME["color-diffusion"](image, 3), image, atol=1e-3, rtol=0)


def test_shift_moves_green_alone(photos):
    shifted = BY_NAME["color-shift"](photos[0], 3, seed=1)
    assert torch.equal(shifted[:, [0, 2]], photos[0][:, [0, 2]])
    assert not torch.equal(shifted[:, 1], photos[0][:, 1])


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_shift_has_its_length(photos, seed):
    image = photos[4]
    change = (BY_NAME["color-shift"].at(image, 8, seed=seed) - image)[0, 1]
    fits = {}
    for down in range(10):
        for right in range(10):
            moved = image[0, 1].roll((down, right), (0, 1)) - image[0, 1]
            pair = torch.stack([moved[10:, 10:].flatten(), change[10:, 10:].flatten()])
            fits[down, right] = torch.corrcoef(pair)[0, 1].nan_to_num().item()
    assert np.hypot(*max(fits, key=fits.get)) == pytest.approx(8, abs=0.75)
    assert max(fits.values()) > 0.8


def test_shift_leaves_smooth_parts():
    image = torch.zeros(1, 3, 80, 80)
    image[..., 30:50, 30:50] = 1
    change = BY_NAME["color-shift"].at(image, 5, seed=4)[0, 1] - image[0, 1]
    assert change.abs().max() > 0.5
    assert change[:15].abs().max() == 0


def test_shift_of_a_flat_image_changes_nothing():
    flat = torch.full((1, 3, 40, 40), 0.3)
    assert torch.equal(BY_NAME["color-shift"](flat, 5), flat)


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_quantisation_has_its_number_of_colours(photos, level):
    most = int(BY_NAME["color-quantization"].strength(level))
    quantized = BY_NAME["color-quantization"](photos[0], level)
    colors = torch.unique(quantized[0].flatten(1), dim=1).shape[1]
    assert 0.75 * most <= colors <= most
    assert torch.equal(quantized, (quantized * 255).round() / 255)


def test_quantisation_diffuses_its_error(photos):
    quantized = BY_NAME["color-quantization"](photos[0], 5)
    mean_of_blocks = torch.nn.functional.avg_pool2d(quantized - photos[0], 16)
    assert mean_of_blocks.abs().mean() < 0.35 * (quantized - photos[0]).abs().mean()


@pytest.mark.parametrize("factor", [0.4, 0.1, 0, -0.4])
def test_saturation_in_hsv_is_that_of_colorsys(photos, factor):
    image = photos[0][..., 40:60, 40:60]
    expected = []
    for pixel in _pixels(image).reshape(-1, 3):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
        expected.append(colorsys.hsv_to_rgb(hue, saturation * factor, value))
    expected = np.clip(expected, 0, 1).reshape(20, 20, 3)
    found = BY_NAME["saturation-hsv"].at(image, factor)
    np.testing.assert_allclose(_pixels(found), expected, atol=1e-6)


@given(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3))
def test_no_saturation_is_grey_of_the_same_value(pixel):
    image = torch.tensor(pixel).view(1, 3, 1, 1)
    found = BY_NAME["saturation-hsv"].at(image, 0)
    assert torch.equal(found, image.amax(1, keepdim=True).expand(-1, 3, -1, -1))


def test_saturation_in_lab_scales_its_axes(photos):
    lab = skimage.color.rgb2lab(_pixels(photos[2]))
    weak = BY_NAME["saturation-lab"].at(photos[2], 0.5)
    found = skimage.color.rgb2lab(_pixels(weak))
    np.testing.assert_allclose(found, lab * [1, 0.5, 0.5], atol=0.02)


def test_saturation_in_lab_starts_from_the_original(photos):
    torch.testing.assert_close(
        BY_NAME["saturation-lab"](photos[0], 1), photos[0], atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("colors", [1, 300, 8.5])
def test_impossible_palettes_are_refused(photos, colors):
    with pytest.raises(DistortionError, match="expected a whole number from 2 to 256"):
        BY_NAME["color-quantization"].at(photos[0], colors)
