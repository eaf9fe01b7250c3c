"""Windows of an image against the image batch of the whole."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from snellen.errors import ImageError
from snellen.images import ImagePolicy, as_image_batch, as_pixels, read_image

WINDOWS = [(0, 5, 0, 7), (3, 23, 2, 31), (10, 11, 30, 31)]


def check(source, policy=ImagePolicy()):  # noqa: B008 - frozen
    pixels, whole = as_pixels(source, policy), as_image_batch(source, policy)
    assert (pixels.height, pixels.width) == tuple(whole.shape[2:])
    for top, bottom, left, right in WINDOWS:
        window = pixels.window((top, bottom, left, right))
        assert torch.equal(window, whole[:, :, top:bottom, left:right])
    assert torch.equal(pixels.batch(), whole)


@pytest.fixture
def colour():
    return np.random.default_rng(0).integers(0, 256, (23, 31, 3), dtype=np.uint8)


def saved(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


class TestFiles:
    def test_colour(self, colour):
        check(saved(Image.fromarray(colour)))

    def test_grey(self, colour):
        check(saved(Image.fromarray(colour[..., 0])))

    def test_opacity(self, colour):
        alpha = np.zeros((23, 31, 1), np.uint8)
        alpha[8:, 9:] = 255
        alpha[12:, 12:] = 97
        check(saved(Image.fromarray(np.concatenate([colour, alpha], -1))), ImagePolicy((0, 1, 0)))

    def test_sixteen_bits(self):
        values = np.random.default_rng(1).integers(0, 65536, (23, 31), dtype=np.uint16)
        check(saved(Image.fromarray(values)))

    @pytest.mark.parametrize("turn", range(1, 9))
    def test_orientation(self, colour, turn):
        image = Image.fromarray(colour if turn < 5 else colour.swapaxes(0, 1).copy())
        exif = Image.Exif()
        exif[0x0112] = turn
        check(saved(image, exif=exif))

    def test_profile(self, colour):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        check(saved(Image.fromarray(colour), icc_profile=profile.tobytes()))

    def test_a_profile_that_cannot_be_used_is_told_once(self, colour, caplog):
        pixels = as_pixels(saved(Image.fromarray(colour), icc_profile=b"damaged"))
        for window in WINDOWS:
            pixels.window(window)
        assert len(caplog.records) == 1


def test_large_images_are_copied_in_bands(monkeypatch, colour):
    from tests.images.inside import samples_module as _samples

    expected = [read_image(saved(Image.fromarray(c))) for c in (colour, colour[..., 0])]
    monkeypatch.setattr(_samples, "_BAND_PIXELS", 100)
    got = [read_image(saved(Image.fromarray(c))) for c in (colour, colour[..., 0])]
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


class TestValues:
    def test_arrays(self, colour):
        check(colour)
        check(colour[None])
        check(colour[..., 0])
        check((colour / 255).astype(np.float32))

    def test_tensors(self, colour):
        planes = torch.from_numpy(colour).permute(2, 0, 1)
        check(planes)
        check(planes[None].float() / 255)
        check(planes[:1])

    def test_pillow(self, colour):
        check(Image.fromarray(colour))

    def test_lists_of_one(self, colour):
        check([colour])

    def test_stored_as_they_are(self, colour):
        pixels = as_pixels(colour)
        colour[:] = 0
        assert float(pixels.batch().max()) == 0


def test_centre_is_that_of_crop(colour):
    from snellen.images import match_sizes

    whole = as_image_batch(colour)
    cut = as_pixels(colour).centre(10, 15).centre(9, 12)
    expected, _ = match_sizes(match_sizes(whole, torch.zeros(1, 3, 10, 15), "crop")[0],
                              torch.zeros(1, 3, 9, 12), "crop")  # fmt: skip
    assert torch.equal(cut.batch(), expected)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (torch.zeros(2, 3, 4, 5), "expected one image, got 2"),
        (np.zeros((2, 3, 4, 3), np.uint8), "expected one image, got 2"),
        ([b"", b""], "expected one image.* got 2 images"),
        (torch.zeros(4, 5), "expected a tensor"),
        (np.zeros((3, 3, 3, 3, 3)), "expected an array"),
        (torch.zeros(1, 5, 4, 4), "expected 1 or 3 channels"),
        (np.zeros((4, 4), np.int32), "no known range"),
        (torch.zeros(3, 0, 4), "zero size"),
        (3.5, "got float"),
        ("gone.png", "gone.png: no such file"),
    ],
)
def test_refused(source, words):
    with pytest.raises(ImageError, match=words):
        as_pixels(source)
