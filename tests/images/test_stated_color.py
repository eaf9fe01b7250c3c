"""Colours that a file states in numbers, against the formulas of the standards."""

import io
import logging
import struct

import numpy as np
import pytest
import torch
from PIL import Image

from snellen.images import ImagePolicy, as_image_batch, as_pixels, read_image
from tests.images import crafted

RGB = np.random.default_rng(0).integers(0, 256, (9, 8, 3))

# x, y of red, green, blue; white is D65. Rec. ITU-R BT.709 and BT.2020, SMPTE EG 432-1 with D65.
CORNERS = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
D65 = (0.3127, 0.3290)
# Matrix from linear Display P3 to linear sRGB, as CSS Color 4 prints it.
P3_TO_SRGB = np.array(
    [
        [1.2249401762805598, -0.22494017628055996, 0.0],
        [-0.042056954709688163, 1.0420569547096881, 0.0],
        [-0.019637554590334432, -0.078636045550631889, 1.0982736001409663],
    ]
)


def cicp(*points):
    return b"cICP", bytes(points)


def gama(gamma):
    return b"gAMA", struct.pack(">I", round(gamma * 100000))


def chrm(corners):
    return b"cHRM", struct.pack(">8I", *(round(v * 100000) for v in np.ravel([D65, *corners])))


def png(*chunks, values=RGB, depth=8):
    kind = {1: 0, 2: 4, 3: 2}[values.shape[-1]]
    return crafted.png(values, color_type=kind, depth=depth, chunks=chunks)


def to_xyz(corners):
    """Linear RGB to XYZ by the textbook: columns scaled so that they add up to white."""
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (*corners, D65)]).T
    return xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])


def encoded(linear):
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def decoded_srgb(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def decoded_bt709(v):
    return np.where(v < 0.081243, v / 4.5, ((v + 0.099297) / 1.099297) ** (1 / 0.45))


DECODE = {
    1: decoded_bt709,
    4: lambda v: v**2.2,
    8: lambda v: v,
    13: decoded_srgb,
    14: decoded_bt709,
}


def expected(values, corners, decode, white=255):
    matrix = np.linalg.solve(to_xyz(CORNERS[1]), to_xyz(corners))
    planes = encoded(decode(values / white) @ matrix.T)
    return torch.from_numpy(planes).permute(2, 0, 1).float()


def plain(values=RGB, white=255):
    return torch.from_numpy(values / white).permute(2, 0, 1).float().expand(3, -1, -1)


class TestCodePoints:
    @pytest.mark.parametrize("transfer", DECODE)
    @pytest.mark.parametrize("primaries", CORNERS)
    @pytest.mark.parametrize("depth", [8, 16])
    def test_known_ones_follow_the_formulas(self, primaries, transfer, depth, caplog):
        white = (1 << depth) - 1
        values = np.random.default_rng(1).integers(0, white + 1, (6, 5, 3))
        image = read_image(png(cicp(primaries, transfer, 0, 1), values=values, depth=depth))
        wanted = expected(values, CORNERS[primaries], DECODE[transfer], white)
        torch.testing.assert_close(image, wanted, rtol=0, atol=1e-3)
        assert not caplog.records

    def test_display_p3_by_the_matrix_of_css(self):
        linear = decoded_srgb(RGB / 255) @ P3_TO_SRGB.T
        wanted = torch.from_numpy(encoded(linear)).permute(2, 0, 1).float()
        image = read_image(png(cicp(12, 13, 0, 1)))
        torch.testing.assert_close(image, wanted, rtol=0, atol=1e-3)

    def test_srgb_leaves_every_bit_alone(self):
        assert torch.equal(read_image(png(cicp(1, 13, 0, 1))), read_image(png()))

    def test_white_stays_white_and_grey_grey(self):
        values = np.arange(256).reshape(16, 16, 1)
        image = read_image(png(cicp(9, 1, 0, 1), values=values.repeat(3, -1)))
        assert image.amax() == 1
        assert (image.amax(0) - image.amin(0)).max() < 1e-3
        grey = read_image(png(cicp(9, 1, 0, 1), values=values))
        torch.testing.assert_close(grey, image, rtol=0, atol=1e-3)

    @pytest.mark.parametrize(
        ("points", "said"),
        [
            ((9, 16, 0, 1), "PQ is of high dynamic range"),
            ((9, 18, 0, 1), "HLG is of high dynamic range"),
            ((99, 13, 0, 1), "not known"),
            ((1, 200, 0, 1), "not known"),
            ((12, 13, 1, 1), "not of RGB in full range"),
            ((12, 13, 0, 0), "not of RGB in full range"),
        ],
    )
    def test_others_are_told_and_read_as_srgb(self, points, said, tmp_path, caplog):
        path = tmp_path / "odd.png"
        path.write_bytes(png(cicp(*points)))
        assert torch.equal(read_image(path), plain())
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "odd.png: colours (primaries" in record.message
        assert said in record.message

    def test_they_go_before_a_profile(self):
        adobe = crafted.rgb_profile(crafted.ADOBE_PRIMARIES, crafted.gamma_curve(563 / 256))
        data = png(crafted.iccp(adobe), cicp(1, 13, 0, 1))
        assert torch.equal(read_image(data), plain())

    def test_a_profile_serves_where_they_cannot(self, caplog):
        adobe = crafted.rgb_profile(crafted.ADOBE_PRIMARIES, crafted.gamma_curve(563 / 256))
        image = read_image(png(crafted.iccp(adobe), cicp(9, 16, 0, 1)))
        assert torch.equal(image, read_image(png(crafted.iccp(adobe))))
        assert "read by its embedded profile" in caplog.text

    def test_of_avif(self):
        stream = io.BytesIO()
        Image.fromarray(RGB.astype(np.uint8)).save(stream, "AVIF", quality=100)
        data = bytearray(stream.getvalue())
        place = data.index(b"colrnclx") + 8
        before = read_image(bytes(data))
        assert data[place : place + 4] == b"\0\1\0\15"
        data[place : place + 4] = b"\0\14\0\15"
        values = before.permute(1, 2, 0).numpy() * 255
        wanted = expected(values, CORNERS[12], decoded_srgb)
        torch.testing.assert_close(read_image(bytes(data)), wanted, rtol=0, atol=1e-3)

    def test_windows_are_those_of_the_whole(self):
        data = png(cicp(12, 1, 0, 1))
        window = as_pixels(data).window((2, 7, 1, 6))
        torch.testing.assert_close(window, read_image(data)[None, :, 2:7, 1:6])

    def test_pillow_image_not_yet_loaded(self):
        data = png(cicp(12, 1, 0, 1))
        assert torch.equal(as_image_batch(Image.open(io.BytesIO(data)))[0], read_image(data))

    def test_policy_ignores_them(self, caplog):
        data = png(cicp(9, 16, 0, 1), gama(1))
        assert torch.equal(read_image(data, ImagePolicy(color="ignore")), plain())
        assert not caplog.records


class TestGamma:
    @pytest.mark.parametrize("gamma", [1.0, 0.5555, 0.3])
    @pytest.mark.parametrize("depth", [8, 16])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_is_undone(self, gamma, depth, channels):
        white = (1 << depth) - 1
        values = np.random.default_rng(1).integers(0, white + 1, (6, 5, channels))
        image = read_image(png(gama(gamma), values=values, depth=depth))
        wanted = encoded((values / white) ** (1 / gamma))
        wanted = torch.from_numpy(wanted).permute(2, 0, 1).float().expand(3, -1, -1)
        torch.testing.assert_close(image, wanted, rtol=0, atol=1e-3)

    def test_with_chromaticities(self):
        image = read_image(png(gama(256 / 563), chrm(ADOBE)))
        # A gamma like that of sRGB is taken for it: the primaries are what is converted.
        wanted = expected(RGB, ADOBE, decoded_srgb)
        torch.testing.assert_close(image, wanted, rtol=0, atol=1e-3)
        image = read_image(png(gama(1 / 1.8), chrm(ADOBE)))
        wanted = expected(RGB, ADOBE, lambda v: v**1.8)
        torch.testing.assert_close(image, wanted, rtol=0, atol=1e-3)

    @pytest.mark.parametrize(
        "chunks",
        [
            (gama(0.45455),),
            (gama(1 / 2.2), chrm(CORNERS[1])),
            (chrm(CORNERS[1]),),
            ((b"sRGB", b"\0"), gama(1.0)),
        ],
    )
    def test_what_means_srgb_leaves_every_bit_alone(self, chunks, caplog):
        assert torch.equal(read_image(png(*chunks)), plain())
        assert not caplog.records

    def test_a_profile_goes_before_it(self):
        srgb = crafted.rgb_profile(crafted.SRGB_PRIMARIES, crafted.SRGB_CURVE)
        assert torch.equal(read_image(png(crafted.iccp(srgb), gama(1))), plain())

    @pytest.mark.parametrize(
        ("chunks", "said"),
        [
            ((gama(0),), "a gamma of 0"),
            ((gama(1), (b"cHRM", bytes(32))), "chromaticities that do not exist"),
            ((gama(1), chrm(((0.3, 0.3), (0.4, 0.4), (0.5, 0.5)))), "lie on one line"),
            ((chrm(ADOBE),), "chromaticities without a gamma"),
            ((gama(0.00001),), "out of all measure"),
        ],
    )
    def test_what_makes_no_sense_is_told(self, chunks, said, tmp_path, caplog):
        path = tmp_path / "odd.png"
        path.write_bytes(png(*chunks))
        assert torch.equal(read_image(path), plain())
        assert "odd.png: gamma or chromaticities ignored" in caplog.text
        assert said in caplog.text

    def test_pillow_image_in_memory(self):
        image = Image.open(io.BytesIO(png(gama(1))))
        image.load()
        assert torch.equal(as_image_batch(image)[0], read_image(png(gama(1))))


class TestFrames:
    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "GIF", "TIFF"])
    def test_several_are_told_and_the_first_is_read(self, kind, tmp_path, caplog):
        frames = [Image.new("RGB", (16, 16), (level,) * 3) for level in (0, 100, 200)]
        path = tmp_path / "moving"
        frames[0].save(path, kind, save_all=True, append_images=frames[1:])
        assert read_image(path).amax() < 0.02
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "moving: holds several images or frames; only the first is read" in record.message

    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "GIF", "TIFF", "JPEG"])
    def test_one_needs_no_word(self, kind, tmp_path, caplog):
        Image.new("RGB", (16, 16)).save(tmp_path / "still", kind)
        read_image(tmp_path / "still")
        assert not caplog.records
