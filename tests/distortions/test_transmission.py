import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from snellen.distortions import find_distortion
from tests.distortions.inside import decode, generator, nearest_psnr, psnr
from tests.distortions.inside import transmission_module as _transmission

STREAMS = {"jpeg": _transmission.jpeg_stream, "jpeg2000": _transmission.jpeg2000_stream}
NAMES = ("tid-jpeg-transmission", "tid-jpeg2000-transmission", "tid-noisy-compression")

both = pytest.mark.parametrize("form", STREAMS)


@pytest.fixture
def picture(photos):
    return Image.fromarray((photos[0][0].permute(1, 2, 0) * 255).byte().numpy())


def errors_of(stream, seed=1):
    return _transmission.bit_errors(stream, generator(seed, "test"))


@both
def test_without_errors_the_image_arrives(form, picture):
    data, segments = STREAMS[form](picture)
    assert psnr(decode(data), picture) > 34
    assert segments == sorted(segments)
    assert all(0 < begin <= end <= following for (begin, end), (following, _) in pairwise(segments))


def test_segments_of_jpeg_are_what_lies_between_restart_markers(picture):
    data, segments = STREAMS["jpeg"](picture)
    blocks = math.ceil(picture.width / 8) * math.ceil(picture.height / 8)
    assert len(segments) == math.ceil(blocks / 8)
    for number, ((_, end), (begin, _)) in enumerate(pairwise(segments)):
        assert data[end:begin] == bytes([0xFF, 0xD0 + number % 8])
    assert data[segments[-1][1] :] == b"\xff\xd9"


def test_packets_of_jpeg2000_fill_the_codestream(picture):
    data, _ = STREAMS["jpeg2000"](picture)
    lengths, start, resolutions = _transmission._packets(data)
    assert data[start + lengths.sum() :] == b"\xff\xd9"
    squares = math.ceil(picture.width / 64) * math.ceil(picture.height / 64)
    assert len(lengths) == resolutions * 3 * squares
    assert resolutions == 6


@both
def test_errors_fall_into_segments_and_make_no_markers(form, picture):
    data, segments = STREAMS[form](picture)
    errors = errors_of((data, segments))
    begins = np.array([begin for begin, _ in segments])
    own = np.searchsorted(begins, errors[:, 0], side="right") - 1
    assert np.all(errors[:, 0] < np.array(segments)[own, 1])
    assert len(np.unique(errors[:, 0])) == len(errors)
    flipped = _transmission.flipped(data, errors)
    different = np.frombuffer(flipped, np.uint8) ^ np.frombuffer(data, np.uint8)
    assert sorted(np.flatnonzero(different)) == sorted(errors[:, 0])
    assert np.array_equal(np.unpackbits(different).sum(), len(errors))
    if form == "jpeg":
        assert [flipped.count(bytes([0xFF, code])) for code in (0, *range(0xD0, 0xDA))] == [
            data.count(bytes([0xFF, code])) for code in (0, *range(0xD0, 0xDA))
        ]


@both
def test_damage_in_jpeg_stays_between_markers_and_elsewhere_is_local(form, picture):
    data, segments = STREAMS[form](picture)
    errors = errors_of((data, segments))[:1]
    clean, hit = (np.asarray(decode(d), int) for d in (data, _transmission.flipped(data, errors)))
    rows, columns = np.nonzero(np.abs(clean - hit).max(axis=2))
    assert 0 < len(rows) < clean[..., 0].size / 2
    if form == "jpeg":
        assert np.ptp(rows) < 16
        assert np.ptp(columns) < picture.width


@settings(max_examples=15)
@given(
    st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32), st.sampled_from(sorted(STREAMS))
)
def test_no_damage_stops_the_decoders(width, height, seed, form):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    stream = STREAMS[form](Image.fromarray(pixels))
    errors = errors_of(stream, seed)
    for count in {0, len(errors) // 50, len(errors)}:
        received = decode(_transmission.flipped(stream[0], errors[:count]))
        assert received.size == (width, height)


@pytest.mark.parametrize("name", NAMES)
def test_levels_have_the_psnr_of_the_database(name, photos):
    kind = find_distortion(name)
    for level, decibels in enumerate(kind.levels, start=1):
        found = [
            -10 * math.log10((kind(photo, level, seed=4) - photo).square().mean())
            for photo in photos[:2]
        ]
        assert np.mean(found) == pytest.approx(decibels, abs=0.6)


@pytest.mark.parametrize("name", NAMES)
def test_flat_images_come_through(name):
    flat = torch.full((1, 3, 40, 40), 0.5)
    distorted = find_distortion(name)(flat, 5)
    assert distorted.shape == flat.shape


def test_the_search_finds_the_amount_of_damage():
    reference = Image.new("L", (64, 64), 128)

    def shifted(amount):
        return Image.new("L", (64, 64), 128 + round(amount))

    def search(decibels):
        nearest, beyond = nearest_psnr(shifted, reference, decibels, (1, 100), whole=True)
        return nearest.amount, beyond and beyond.amount

    assert search(30.06)[0] == 8  # 20 log10(255 / 8) = 30.07 dB
    assert search(31.0) == (7, 8)  # 31.2 dB and 30.07 dB
    assert search(99.0) == (1, 1)
    assert search(1.0) == (100, None)


def test_psnr_is_that_of_scikit_image(picture):
    from skimage.metrics import peak_signal_noise_ratio

    other = decode(_transmission.jpeg_stream(picture)[0])
    expected = peak_signal_noise_ratio(np.asarray(picture), np.asarray(other), data_range=255)
    assert psnr(other, picture) == pytest.approx(expected)
    assert psnr(picture, picture) == math.inf
