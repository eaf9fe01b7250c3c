import json
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from snellen.errors import ImageError
from snellen.images import read_image
from snellen.vision import (
    AliasingWarning,
    Grating,
    Viewing,
    render_gratings,
    stimulus_set,
    uniform_field,
    write_stimuli,
)
from tests.vision.inside import LUMA, decode_srgb


def spectrum_peak(image):
    """Return the strongest frequency (x, y) in cycles per pixel of the first channel."""
    plane = image[0].double().numpy()
    power = np.abs(np.fft.fft2(plane - plane.mean()))
    row, column = np.unravel_index(power.argmax(), power.shape)
    return abs(np.fft.fftfreq(plane.shape[1])[column]), abs(np.fft.fftfreq(plane.shape[0])[row])


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [(0, (0.125, 0)), (90, (0, 0.125)), (45, (0.0884, 0.0884)), (-30, (0.1083, 0.0625))],
)
def test_frequency_and_orientation_are_those_of_the_wave_vector(orientation, expected):
    image = Grating(7.5, orientation, size=128).render()
    assert spectrum_peak(image) == pytest.approx(expected, abs=1 / 128)


def test_clockwise_on_screen():
    """At 30 degrees the crest through the middle goes down to the left, up to the right."""
    image = Grating(4.0, 30.0, size=65).render()[0]
    down_right = (round(32 + 5 * np.sin(np.radians(120))), round(32 + 5 * np.cos(np.radians(120))))
    assert image[down_right] > 0.7  # along the crest, 120 degrees from the x axis
    assert image[32, 32] == image.max()


@given(
    st.floats(0.5, 20), st.floats(-180, 180), st.floats(0, 1), st.floats(0.05, 0.5),
    st.sampled_from(["achromatic", "red-green", "blue-yellow"]),
    st.sampled_from(["code", "linear"]),
)  # fmt: skip
def test_stimuli_are_images(frequency, orientation, contrast, mean, color, encoding):
    image = Grating(
        frequency, orientation, contrast, mean, color=color, encoding=encoding, size=(16, 24)
    ).render()
    assert image.shape == (3, 16, 24)
    assert image.dtype == torch.float32
    assert 0 <= image.min() <= image.max() <= 1


def test_code_contrast_is_exact():
    grating = Grating(3.75, contrast=0.4, mean=0.5, size=64, phase=90)
    image = grating.render()
    x = np.arange(64) - 31.5
    expected = 0.5 * (1 + 0.4 * np.cos(2 * np.pi * x / 16 + np.pi / 2))
    assert image[1, 7].numpy() == pytest.approx(expected, abs=1e-7)
    assert image.mean().item() == pytest.approx(0.5, abs=1e-6)
    assert grating.contrasts()["code"] == pytest.approx(0.4)


def test_linear_contrast_is_that_of_light():
    grating = Grating(3.75, contrast=0.6, encoding="linear", size=64)
    light = decode_srgb(grating.render()[0].numpy())
    assert light.mean() == pytest.approx(decode_srgb(0.5), rel=1e-5)
    assert np.ptp(light) / 2 / light.mean() == pytest.approx(0.6 * np.cos(np.pi / 16), rel=1e-4)
    contrasts = grating.contrasts()
    assert [contrasts["luminance"], contrasts["cones"]] == pytest.approx([0.6, 0.6])
    assert contrasts["code"] < 0.6


@pytest.mark.parametrize("encoding", ["code", "linear"])
def test_reported_contrasts_are_those_of_the_image(encoding):
    grating = Grating(3.75, contrast=0.5, encoding=encoding, size=(4, 16), phase=11.25)
    image = grating.render().double().numpy()
    light = np.tensordot(LUMA, decode_srgb(image), 1)
    contrasts = grating.contrasts()
    assert (image.max() - image.min()) / (image.max() + image.min()) == pytest.approx(
        contrasts["code"], rel=1e-5
    )
    assert (light.max() - light.min()) / (light.max() + light.min()) == pytest.approx(
        contrasts["luminance"], rel=1e-5
    )


def test_opponent_gratings_keep_luma_or_luminance():
    for color in ("red-green", "blue-yellow"):
        code = Grating(4.0, color=color, size=32).render().double().numpy()
        luma = np.tensordot(LUMA, code, 1)
        assert np.ptp(luma) < 1e-6
        assert np.ptp(code[0] - code[1] if color == "red-green" else code[2]) > 0.4
        linear = Grating(4.0, color=color, encoding="linear", size=32)
        assert linear.contrasts()["luminance"] < 0.02 < linear.contrasts()["cones"]


def test_rings_have_all_orientations():
    rings = Grating(6.0, None, size=65).render()[0]
    assert torch.equal(rings, rings.T)
    assert torch.equal(rings, rings.flip(0))
    assert rings[32, 32] == rings.max()
    # Along a radius the profile is that of a grating.
    assert torch.allclose(rings[32], Grating(6.0, size=65).render()[0, 32], atol=1e-6)


def test_gabors_fade_to_the_mean():
    gabor = Grating(4.0, sigma=0.25, contrast=1.0, size=256).render()
    assert gabor[:, 0].numpy() == pytest.approx(0.5, abs=1e-6)
    assert gabor.max() > 0.98
    x = np.arange(256) - 127.5
    expected = 0.5 + 0.5 * np.exp(-((x / 15) ** 2) / 2 - (0.5 / 15) ** 2 / 2) * np.cos(
        2 * np.pi * x / 15
    )
    assert gabor[0, 128].numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("frequency", "orientation", "aliased"),
    [(30, 0, False), (30.1, 0, True), (42, 45, False), (42.5, 45, True), (30, None, False),
     (31, None, True), (34, 30, False), (35, 30, True)],
)  # fmt: skip
def test_the_limit_depends_on_the_orientation(frequency, orientation, aliased):
    grating = Grating(frequency, orientation, size=16)
    assert grating.aliased is aliased
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        grating.render()
    assert [w.category for w in caught] == [AliasingWarning] * aliased


def test_beyond_the_limit_another_grating_is_shown():
    with pytest.warns(AliasingWarning, match="limit is 30"):
        beyond = Grating(45.0, size=64).render()
    assert spectrum_peak(beyond)[0] == pytest.approx(0.25)
    # Oblique ones below their own, higher limit are shown truly.
    oblique = Grating(36.0, 45.0, size=64).render()
    assert spectrum_peak(oblique) == pytest.approx((0.424, 0.424), abs=1 / 64)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contrast": 0.8, "mean": 0.8}, "not clipped; the largest is 0.25"),
        ({"contrast": 1.2}, "contrast in"),
        ({"mean": 0.0}, "mean must lie"),
        ({"frequency": -1}, "frequency must be"),
        ({"orientation": float("nan")}, "orientation"),
        ({"color": "green"}, "expected a color of"),
        ({"encoding": "log"}, "'log'"),
        ({"sigma": 0.0}, "sigma must be positive"),
        ({"size": 0}, "size and sigma"),
    ],
)
def test_what_cannot_be_shown_is_refused(options, message):
    with pytest.raises(ImageError, match=message):
        Grating(**{"frequency": 4.0, **options})


def test_sums_are_not_clipped_either():
    grating = Grating(4.0, contrast=0.0, size=16)
    with pytest.raises(ImageError, match="not clipped"):
        grating.show(1.5 * grating.wave())
    plaid = grating.show(0.5 * grating.wave() + 0.5 * Grating(4.0, 90.0, size=16).wave())
    assert plaid.max() > 0.95


def test_phases_average_out():
    phases = Grating(4.0, contrast=0.7, size=(8, 13)).phases(3)
    assert [g.phase for g in phases] == [0, 120, 240]
    batch = render_gratings(phases)
    assert batch.shape == (3, 3, 8, 13)
    assert batch.mean(0).numpy() == pytest.approx(0.5, abs=1e-6)
    squares = (batch - 0.5).square().mean(0)
    assert squares.numpy() == pytest.approx((0.35**2) / 2, abs=1e-6)
    with pytest.raises(ImageError, match="at least one phase"):
        Grating(4.0).phases(0)


def test_batches_need_one_size():
    with pytest.raises(ImageError, match="one size"):
        render_gratings([Grating(4.0, size=8), Grating(4.0, size=9)])
    with pytest.raises(ImageError, match="one size"):
        render_gratings([])


def test_the_field_is_uniform():
    assert torch.equal(uniform_field(0.25, (4, 6)), torch.full((3, 4, 6), 0.25))


def test_area_is_that_of_the_image_or_the_envelope():
    assert Grating(4.0, size=(60, 120), viewing=Viewing(60)).area == pytest.approx(2)
    assert Grating(4.0, sigma=0.5).area == pytest.approx(np.pi / 4)


@pytest.mark.parametrize("bits", [8, 16])
def test_files_hold_what_the_network_would_see(tmp_path, bits):
    template = Grating(4.0, contrast=0.3, size=(24, 36))
    chosen = stimulus_set(template, frequencies=(2.0, 8.0), orientations=(0.0, 45.0))
    written = write_stimuli(chosen, tmp_path, bits=bits)
    document = json.loads((tmp_path / "manifest.json").read_text())
    assert len(written) == len(chosen) == len(document["stimuli"]) == 10
    for path, grating, entry in zip(written, chosen.values(), document["stimuli"], strict=True):
        with Image.open(path) as image:
            assert image.size == (36, 24)
            image.verify()
        error = (read_image(path).reshape(3, 24, 36) - grating.render()).abs().max().item()
        assert error <= 0.5 / (2**bits - 1) + 1e-7
        assert entry["rounding"] == pytest.approx(error, abs=1e-7)
        assert entry["contrasts"]["code"] == pytest.approx(0.3)
        assert entry["viewing"] == {"pixels_per_degree": 60.0}


def test_files_need_a_known_depth(tmp_path):
    with pytest.raises(ImageError, match="8 or 16 bits"):
        write_stimuli({"a": Grating(4.0)}, tmp_path, bits=12)
