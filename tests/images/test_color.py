import io
import json
import logging

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

from snellen.errors import ImageError
from snellen.images import ImagePolicy, read_image
from tests.images import crafted

IGNORE = ImagePolicy(color="ignore")
ADOBE = crafted.rgb_profile(crafted.ADOBE_PRIMARIES, crafted.gamma_curve(563 / 256))
SWAPPED = crafted.rgb_profile(crafted.SRGB_PRIMARIES[::-1], crafted.SRGB_CURVE)
STANDARD = crafted.rgb_profile(crafted.SRGB_PRIMARIES, crafted.SRGB_CURVE)
GREY_22 = crafted.grey_profile(crafted.gamma_curve(2.2))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def colors(rng):
    return rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def by_imagecms(image, icc):
    """Convert with lcms, as another program would."""
    converted = ImageCms.profileToProfile(
        image,
        io.BytesIO(icc),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return torch.from_numpy(np.asarray(converted).astype(np.float32) / 255).permute(2, 0, 1)


def scaled(array, white=255):
    values = torch.from_numpy(array.astype(np.float32) / white)
    return values.permute(2, 0, 1) if values.ndim == 3 else values.expand(3, -1, -1)


class TestEightBits:
    @pytest.mark.parametrize("icc", [ADOBE, SWAPPED], ids=["adobe", "swapped"])
    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
    def test_profile_is_converted_as_lcms_does(self, colors, icc, kind):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(Image.fromarray(colors), kind, icc_profile=icc, **options)
        with Image.open(io.BytesIO(data)) as stored:
            expected = by_imagecms(stored.convert("RGB"), icc)
        assert torch.equal(read_image(data), expected)
        assert (read_image(data) - read_image(data, IGNORE)).abs().max() > 0.05

    def test_swapped_primaries_swap_the_channels(self, colors):
        data = encoded(Image.fromarray(colors), icc_profile=SWAPPED)
        expected = scaled(colors[..., ::-1].copy())
        torch.testing.assert_close(read_image(data), expected, rtol=0, atol=1.1 / 255)

    @pytest.mark.parametrize("kind", ["crafted", "lcms"])
    def test_srgb_leaves_every_bit_alone(self, colors, kind):
        made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        icc = STANDARD if kind == "crafted" else made
        data = encoded(Image.fromarray(colors), icc_profile=icc)
        assert torch.equal(read_image(data), scaled(colors))

    def test_gamma_22_is_not_taken_for_srgb(self, colors):
        icc = crafted.rgb_profile(crafted.SRGB_PRIMARIES, crafted.gamma_curve(2.2))
        data = encoded(Image.fromarray(colors), icc_profile=icc)
        assert torch.equal(read_image(data), by_imagecms(Image.fromarray(colors), icc))
        assert not torch.equal(read_image(data), scaled(colors))

    def test_grey_profile(self):
        ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
        data = encoded(Image.fromarray(ramp), icc_profile=GREY_22)
        image = read_image(data)
        assert torch.equal(image, image[:1].expand(3, -1, -1))
        expected = by_imagecms(Image.fromarray(ramp), GREY_22)
        torch.testing.assert_close(image, expected, rtol=0, atol=2 / 255)
        assert (image - scaled(ramp)).abs().max() > 0.02

    def test_grey_image_with_a_color_profile(self):
        ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
        data = encoded(Image.fromarray(ramp), "JPEG", quality=100, icc_profile=ADOBE)
        with Image.open(io.BytesIO(data)) as stored:
            expected = by_imagecms(stored.convert("RGB"), ADOBE)
        assert torch.equal(read_image(data), expected)

    def test_palette_image(self, colors):
        palette = Image.fromarray(colors).quantize(16)
        data = encoded(palette, icc_profile=ADOBE)
        assert torch.equal(read_image(data), by_imagecms(palette.convert("RGB"), ADOBE))

    @pytest.mark.parametrize("icc", [b"not a profile", ADOBE[:200], GREY_22])
    def test_useless_profile_is_logged_and_ignored(self, tmp_path, colors, icc, caplog):
        path = tmp_path / "odd.png"
        Image.fromarray(colors).save(path, icc_profile=icc)
        with caplog.at_level(logging.WARNING):
            image = read_image(path)
        assert torch.equal(image, scaled(colors))
        assert "odd.png" in caplog.text
        assert "profile" in caplog.text


class TestSixteenBits:
    CURVES = (
        crafted.gamma_curve(563 / 256),
        crafted.table_curve(np.linspace(0, 1, 1024) ** 1.8),
        crafted.parametric_curve(0, 1.8),
        crafted.parametric_curve(1, 2.0, 1.05, -0.05),
        crafted.parametric_curve(2, 2.0, 1.05, -0.05, 0.0),
        crafted.parametric_curve(4, 2.2, 0.95, 0.05, 0.1, 0.04, 0.0, 0.0),
        b"curv" + bytes(8),
    )
    RAISED = (  # black is not zero, so black point compensation has something to do
        crafted.parametric_curve(1, 2.0, 0.9, 0.1),
        crafted.parametric_curve(2, 2.0, 0.9, 0.05, 0.0975),
    )

    @pytest.mark.parametrize("curve", CURVES + RAISED)
    @pytest.mark.parametrize("kind", ["color", "grey"])
    def test_agrees_with_lcms_at_eight_bits(self, rng, curve, kind):
        shape = (32, 32, 3) if kind == "color" else (32, 32, 1)
        bytes_ = rng.integers(0, 256, shape)
        icc = crafted.rgb_profile(crafted.ADOBE_PRIMARIES, curve)
        icc = icc if kind == "color" else crafted.grey_profile(curve)
        chunks = [crafted.iccp(icc)]
        data = crafted.png(bytes_ * 257, color_type=2 if kind == "color" else 0, chunks=chunks)
        expected = by_imagecms(Image.fromarray(bytes_.astype("u1").squeeze()), icc)
        image, tolerance = read_image(data), 1.2 / 255
        if kind == "grey" or curve in self.RAISED:
            # there lcms interpolates in coarse tables, ten levels off near the ends of the range
            sure = (expected > 0.25) & (expected < 0.95)
            image, expected, tolerance = image[sure], expected[sure], 2 / 255
        torch.testing.assert_close(image, expected, rtol=0, atol=tolerance)

    def test_is_finer_than_eight_bits(self):
        ramp = np.arange(65536).reshape(256, 256, 1)
        data = crafted.png(ramp, color_type=0, chunks=[crafted.iccp(GREY_22)])
        image = read_image(data)[0].flatten()
        linear = (torch.arange(65536, dtype=torch.float64) / 65535) ** (round(2.2 * 256) / 256)
        toe, power = 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
        expected = torch.where(linear <= 0.0031308, toe, power).float()
        torch.testing.assert_close(image, expected, rtol=0, atol=1e-6)

    def test_white_stays_white_and_black_black(self):
        values = np.array([[[0, 0, 0], [65535, 65535, 65535]]])
        data = crafted.png(values, color_type=2, chunks=[crafted.iccp(ADOBE)])
        expected = scaled(values, 65535)
        torch.testing.assert_close(read_image(data), expected, rtol=0, atol=2e-4)

    def test_srgb_leaves_every_bit_alone(self, rng):
        values = rng.integers(0, 65536, (9, 7, 3))
        data = crafted.png(values, color_type=2, chunks=[crafted.iccp(STANDARD)])
        assert torch.equal(read_image(data), scaled(values, 65535))

    def test_profile_of_tables_is_refused(self, rng):
        values = rng.integers(0, 65536, (4, 4, 3))
        icc = crafted.table_profile(crafted.ADOBE_PRIMARIES, crafted.gamma_curve(2.2))
        data = crafted.png(values, color_type=2, chunks=[crafted.iccp(icc)])
        with pytest.raises(ImageError, match="colour profile made of tables"):
            read_image(data)
        assert torch.equal(read_image(data, IGNORE), scaled(values, 65535))

    def test_profile_of_tables_at_eight_bits(self, colors):
        icc = crafted.table_profile(crafted.ADOBE_PRIMARIES, crafted.gamma_curve(2.2))
        data = encoded(Image.fromarray(colors), icc_profile=icc)
        expected = by_imagecms(Image.fromarray(colors), icc)
        assert torch.equal(read_image(data), expected)


class TestOtherModels:
    def test_cmyk_without_profile_is_the_documented_formula(self, rng):
        ink = rng.integers(0, 256, (8, 8, 4), dtype=np.uint8)
        data = encoded(Image.frombytes("CMYK", (8, 8), ink.tobytes()), "TIFF")
        paper = 1 - ink / 255
        expected = torch.from_numpy(paper[..., :3] * paper[..., 3:]).permute(2, 0, 1).float()
        torch.testing.assert_close(read_image(data), expected, rtol=0, atol=1.01 / 255)

    def test_cmyk_jpeg_of_adobe_kind(self):
        ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
        image = read_image(encoded(ink, "JPEG", quality=100))
        assert image[0].min() > 0.95
        assert image[1:].max() < 0.05

    @pytest.mark.parametrize("icc", [b"damaged", ADOBE])
    def test_cmyk_with_a_useless_profile_is_logged(self, icc, caplog):
        ink = Image.new("CMYK", (4, 4), (255, 0, 0, 0))
        data = encoded(ink, "TIFF", icc_profile=icc)
        assert torch.equal(read_image(data), read_image(data, IGNORE))
        assert "profile" in caplog.text

    def test_lab_tiff(self):
        lab = Image.new("LAB", (2, 2), (137, 128, 128))  # L* = 53.7: the grey of sRGB 128
        image = read_image(encoded(lab, "TIFF"))
        torch.testing.assert_close(image, torch.full((3, 2, 2), 128 / 255), rtol=0, atol=1.1 / 255)

    def test_ycbcr_tiff(self, colors):
        image = Image.fromarray(colors).resize((32, 32))
        data = encoded(image.convert("YCbCr"), "TIFF", compression="jpeg", quality=100)
        expected = scaled(np.asarray(image))
        torch.testing.assert_close(read_image(data), expected, rtol=0, atol=0.05)


class TestAlpha:
    @pytest.mark.parametrize("background", [(1.0, 1.0, 1.0), (0.2, 0.4, 0.6)])
    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
    def test_compositing_is_the_closed_form(self, rng, kind, background):
        rgba = rng.integers(0, 256, (8, 8, 4), dtype=np.uint8)
        rgba[..., 3] |= 1  # WebP may drop colour that cannot be seen
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(Image.fromarray(rgba), kind, **options)
        self.check(read_image(data, ImagePolicy(background=background)), rgba, 255, background)

    def test_16_bits(self, rng):
        rgba = rng.integers(0, 65536, (8, 8, 4))
        self.check(read_image(crafted.png(rgba, color_type=6)), rgba, 65535, (1, 1, 1))

    def test_16_bit_grey(self, rng):
        pairs = rng.integers(0, 65536, (8, 8, 2))
        rgba = pairs[..., [0, 0, 0, 1]]
        self.check(read_image(crafted.png(pairs, color_type=4)), rgba, 65535, (1, 1, 1))

    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    def test_premultiplied_tiff(self, tmp_path, rng, dtype):
        white = np.iinfo(dtype).max
        rgba = rng.integers(0, white + 1, (8, 8, 4)).astype(dtype)
        stored = rgba.copy()
        stored[..., :3] = np.round(rgba[..., :3] * (rgba[..., 3:] / white))
        path = tmp_path / "image.tif"
        tifffile.imwrite(path, stored, photometric="rgb", extrasamples=["assocalpha"])
        self.check(read_image(path), rgba, white, (1, 1, 1), 1.6 / white)

    def test_unspecified_fourth_channel_is_no_alpha(self, tmp_path, rng):
        values = rng.integers(0, 65536, (8, 8, 4)).astype(np.uint16)
        path = tmp_path / "image.tif"
        tifffile.imwrite(path, values, photometric="rgb", extrasamples=["unspecified"])
        assert torch.equal(read_image(path), scaled(values[..., :3], 65535))

    def test_grey_with_alpha(self):
        image = Image.merge("LA", [Image.new("L", (2, 2), 51), Image.new("L", (2, 2), 102)])
        expected = 0.2 * 0.4 + 1 * 0.6
        torch.testing.assert_close(read_image(encoded(image)), torch.full((3, 2, 2), expected))

    def test_transparent_palette_entry(self):
        image = Image.new("P", (2, 1), 0)
        image.putpalette([255, 0, 0, 0, 0, 255])
        image.putpixel((1, 0), 1)
        result = read_image(encoded(image, transparency=0))
        assert result[:, 0, 0].tolist() == [1, 1, 1]
        assert result[:, 0, 1].tolist() == [0, 0, 1]

    @pytest.mark.parametrize(("depth", "key"), [(2, 2), (4, 9), (8, 77), (16, 4321)])
    def test_transparent_grey(self, depth, key):
        values = np.array([[[key], [0]]])
        chunk = (b"tRNS", key.to_bytes(2, "big"))
        image = read_image(crafted.png(values, color_type=0, depth=depth, chunks=[chunk]))
        assert image[:, 0].tolist() == [[1, 0]] * 3

    @pytest.mark.parametrize("depth", [8, 16])
    def test_transparent_color(self, depth):
        key = (3, 2, 1) if depth == 8 else (259, 2, 1)
        near = (key[0] - 1, *key[1:])
        chunk = (b"tRNS", b"".join(value.to_bytes(2, "big") for value in key))
        values = np.array([[key, near]])
        image = read_image(crafted.png(values, color_type=2, depth=depth, chunks=[chunk]))
        assert image[:, 0, 0].tolist() == [1, 1, 1]
        expected = torch.tensor(near) / (2**depth - 1)
        torch.testing.assert_close(image[:, 0, 1], expected)

    def test_profile_comes_before_the_background(self):
        rgba = np.array([[[200, 30, 60, 128]]], dtype=np.uint8)
        data = encoded(Image.fromarray(rgba), icc_profile=SWAPPED)
        opacity = 128 / 255
        expected = [value / 255 * opacity + 1 - opacity for value in (60, 30, 200)]
        torch.testing.assert_close(
            read_image(data)[:, 0, 0], torch.tensor(expected), rtol=0, atol=1.1 / 255
        )

    @staticmethod
    def check(image, rgba, white, background, tolerance=1e-6):
        opacity = rgba[..., 3:] / white
        expected = rgba[..., :3] / white * opacity + np.array(background) * (1 - opacity)
        expected = torch.from_numpy(expected).permute(2, 0, 1).float()
        torch.testing.assert_close(image, expected, rtol=0, atol=tolerance)


class TestPolicy:
    def test_manifest_is_plain_json(self):
        policy = ImagePolicy(background=(0, 0.5, 1), max_pixels=None, color="ignore")
        manifest = json.loads(json.dumps(policy.manifest()))
        assert manifest["background"] == [0.0, 0.5, 1.0]
        assert manifest["max_pixels"] is None
        assert manifest["color"] == "ignore"
        assert manifest["orientation"] is True

    @pytest.mark.parametrize(
        "values",
        [
            {"background": (0, 0)},
            {"background": (0, 0, 255)},
            {"background": (0, 0, float("nan"))},
            {"background": "red"},
            {"background": None},
            {"max_pixels": 0},
            {"max_pixels": 1.5},
            {"max_pixels": True},
            {"color": "p3"},
            {"orientation": 1},
        ],
    )
    def test_bad_values_name_the_field(self, values):
        with pytest.raises(ImageError, match=next(iter(values))):
            ImagePolicy(**values)

    def test_equal_policies_are_equal_and_hashable(self):
        assert len({ImagePolicy(), ImagePolicy(background=[1, 1, 1])}) == 1
