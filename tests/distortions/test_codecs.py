import io
import math

import numpy as np
import pytest
import torch
from PIL import Image, features

from snellen.distortions import find_distortion, library_versions
from snellen.errors import DistortionError
from tests.distortions.inside import codecs_module as _codecs

# ITU-T T.81, tables K.1 and K.2, in rows.
LUMA = """
16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101
72 92 95 98 112 100 103 99
"""
CHROMA_TOP = "17 18 24 47 18 21 26 66 24 26 56 99 47 66 99 99"


def annex_k():
    chroma = np.full((8, 8), 99)
    chroma[:4, :4] = np.array(CHROMA_TOP.split(), int).reshape(4, 4)
    return [np.array(LUMA.split(), int), chroma.ravel()]


def ijg_tables(quality, most):
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [np.clip((table * scale + 50) // 100, 1, most).tolist() for table in annex_k()]


def tables_of(data):
    with Image.open(io.BytesIO(data)) as image:
        return [image.quantization[0], image.quantization[1]]


@pytest.fixture
def picture(photos):
    return _codecs.to_pil(photos[0])


@pytest.mark.parametrize("quality", [1, 4, 7, 24, 36, 43, 50, 75, 95, 100])
def test_jpeg_files_hold_the_tables_of_their_quality(picture, quality):
    assert tables_of(_codecs.encode_jpeg(picture, quality)) == ijg_tables(quality, 255)
    assert tables_of(_codecs.encode_tid_jpeg(picture, quality)) == ijg_tables(quality, 32767)


def test_jpeg_is_what_pillow_writes(picture, photos):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=24)
    expected = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255
    assert torch.equal(find_distortion("jpeg")(photos[0], 3)[0], expected)


def test_tid_jpeg_gives_the_stored_images_of_tid2013(shared):
    """By the published metric values of each image, the official files have these pixels."""
    folder = shared / "tid2013r"
    for name in ("I03", "I15"):
        reference = Image.open(folder / f"{name}.png").convert("RGB")
        for level in (1, 3, 4, 5):
            stored = Image.open(folder / f"{name.lower()}_10_{level}.jpg").convert("RGB")
            strength = find_distortion("tid-jpeg").strength(level)
            made = _codecs.decode(_codecs.encode_tid_jpeg(reference, strength))
            assert np.array_equal(np.asarray(made), np.asarray(stored)), (name, level)


def test_jpeg2000_has_the_bits_per_pixel_of_its_ratio(picture):
    pixels = picture.width * picture.height
    for ratio in find_distortion("jpeg2000").levels[:3]:
        bits = 8 * len(_codecs.encode_jpeg2000(picture, ratio))
        assert bits / pixels == pytest.approx(24 / ratio, rel=0.03)


def test_tid_jpeg2000_has_its_psnr(photos):
    kind = find_distortion("tid-jpeg2000")
    for photo in photos[:3]:
        for level, decibels in enumerate(kind.levels, start=1):
            error = (kind(photo, level) - photo).square().mean()
            assert -10 * math.log10(error) == pytest.approx(decibels, abs=0.5)


@pytest.mark.parametrize("name", ["jpeg", "jpeg2000", "webp", "avif"])
def test_files_shrink_from_level_to_level(name, picture):
    encoder = getattr(_codecs, f"encode_{name}")
    sizes = [len(encoder(picture, strength)) for strength in find_distortion(name).levels]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 5


@pytest.mark.parametrize(
    ("name", "form"),
    [("jpeg", "JPEG"), ("jpeg2000", "JPEG2000"), ("webp", "WEBP"), ("avif", "AVIF")],
)
def test_files_are_of_their_format_and_the_same_each_time(name, form, picture):
    encoder = getattr(_codecs, f"encode_{name}")
    first, second = (encoder(picture, find_distortion(name).levels[2]) for _ in range(2))
    assert first == second
    with Image.open(io.BytesIO(first)) as image:
        assert image.format == form
        assert image.size == picture.size


@pytest.mark.parametrize("name", ["webp", "avif"])
def test_the_modern_codecs_span_what_jpeg_spans(name, photos):
    """Their levels were chosen so on BSDS500; at the last one they cannot get as bad."""
    from skimage.metrics import structural_similarity

    def ssim(kind, level):
        pairs = [(photo, find_distortion(kind)(photo, level)) for photo in photos]
        return np.mean(
            [
                structural_similarity(x[0].numpy(), y[0].numpy(), channel_axis=0, data_range=1)
                for x, y in pairs
            ]
        )

    for level, allowed in ((1, 0.04), (3, 0.05), (4, 0.12)):
        assert ssim(name, level) == pytest.approx(ssim("jpeg", level), abs=allowed)


def test_a_missing_codec_is_named(monkeypatch, picture):
    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(DistortionError, match=r"without avif; install Pillow's own wheel"):
        _codecs.encode_avif(picture, 30)


def test_what_a_format_cannot_hold_is_an_error():
    wide = Image.new("RGB", (16384, 1))
    with pytest.raises(DistortionError, match=r"WEBP cannot hold this image of 16384x1"):
        _codecs.encode_webp(wide, 30)


def test_versions_are_those_of_pillow():
    versions = library_versions()
    assert versions["pillow"] == Image.__version__
    assert versions["torch"] == torch.__version__
    assert versions["avif"] == features.version("avif")


@pytest.mark.parametrize("name", ["tid-jpeg", "tid-noisy-compression"])
def test_small_images_full_of_noise_are_encoded_too(name, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.MAXBLOCK", 1 << 16)  # Pillow's own, too short for these
    noise = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    kind = find_distortion(name)
    assert kind(noise, 1).shape == noise.shape
    if name == "tid-jpeg":
        grey = noise[:, :1].expand(1, 3, 224, 224)  # of which nothing is lost with the chroma
        assert (kind.at(grey, 100) - grey).abs().mean() < 0.01
