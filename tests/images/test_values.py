"""Values outside the range are refused at every door, whole and in windows."""

import io
import struct

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from snellen.errors import ImageError
from snellen.images import as_image_batch, as_pixels, read_image
from tests.images import crafted


def in_windows(source):
    """Read as tiles do, piece by piece."""
    pixels = as_pixels(source)
    parts = [pixels.window((row, row + 1, 0, pixels.width)) for row in range(pixels.height)]
    return torch.cat(parts, dim=2)


DOORS = [read_image, as_image_batch, in_windows]


@pytest.mark.parametrize("door", DOORS)
class TestPortableAnymaps:
    @pytest.mark.parametrize(
        "data",
        [
            b"P2 2 1 255 -5 10",
            b"P2 2 1 255 10 -1",
            b"P2 2 1 65535 -65536 10",
            b"P3 1 1 255 0 0 -1",
            b"P2 2 2 100 0 0 0 -1",
        ],
    )
    def test_values_below_zero(self, door, data):
        with pytest.raises(ImageError, match=r"value -[0-9]+ is below 0"):
            door(data)

    @pytest.mark.parametrize(
        "data", [b"P2 2 1 255 256 0", b"P2 1 1 100 65536", b"P6 1 1 9 \1\2\12", b"P3 1 1 1 0 0 2"]
    )
    def test_values_over_the_stated_maximum(self, door, data):
        with pytest.raises(ImageError, match="over its stated maximum"):
            door(data)

    def test_a_large_file_with_few_negative_pixels(self, door):
        values = np.full(600 * 700, 128)
        values[::9000] = -1
        data = b"P2 700 600 255\n" + b" ".join(b"%d" % value for value in values)
        with pytest.raises(ImageError, match="below 0"):
            door(data)


def black_as_light_as_white(kind):
    constant = crafted.parametric_curve(3, 1.0, 0.0, 1.0, 0.0, 0.0)
    curve = constant if kind == "parametric" else crafted.table_curve([1.0, 1.0])
    return crafted.rgb_profile(crafted.SRGB_PRIMARIES, curve), crafted.grey_profile(curve)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", ["parametric", "table"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_profile_whose_black_is_its_white_is_damaged(door, kind, depth, channels, caplog):
    color, grey = black_as_light_as_white(kind)
    values = np.random.default_rng(0).integers(0, 1 << depth, (5, 7, channels))
    data = crafted.png(
        values, color_type=0 if channels == 1 else 2, depth=depth,
        chunks=[crafted.iccp(grey if channels == 1 else color)],
    )  # fmt: skip
    image = door(data).reshape(3, 5, 7)
    expected = torch.from_numpy(values / ((1 << depth) - 1)).float().permute(2, 0, 1)
    torch.testing.assert_close(image, expected.expand(3, -1, -1))
    assert "profile is damaged" in caplog.text


@pytest.mark.parametrize("door", [as_image_batch, in_windows])
class TestPillow:
    def test_whole_numbers_of_32_bits_have_no_range(self, door):
        grey = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) * 20)
        with pytest.raises(ImageError, match='mode "I" have no known range'):
            door(grey.convert("I"))
        with pytest.raises(ImageError, match='mode "I" have no known range'):
            door(Image.fromarray(np.array([[0, 70000]], np.int32)))

    @pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG2000"])
    @pytest.mark.parametrize("loaded", [False, True])
    def test_files_of_16_bits_stay_right(self, door, form, loaded):
        values = np.random.default_rng(0).integers(0, 65536, (32, 33)).astype(np.uint16)
        stream = io.BytesIO()
        Image.fromarray(values).save(stream, form)
        image = Image.open(stream)
        if loaded:
            image.load()
        expected = torch.from_numpy(values.astype(np.float32) / 65535).expand(1, 3, -1, -1)
        torch.testing.assert_close(door(image), expected)

    @pytest.mark.parametrize("loaded", [False, True])
    def test_pgm_of_16_bits_stays_right(self, door, loaded):
        values = np.random.default_rng(0).integers(0, 65536, (4, 5)).astype(">u2")
        image = Image.open(io.BytesIO(b"P5 5 4 65535 " + values.tobytes()))
        if loaded:
            image.load()
        expected = torch.from_numpy(values.astype(np.float32) / 65535).expand(1, 3, -1, -1)
        torch.testing.assert_close(door(image), expected)

    @pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), float("inf")])
    def test_floats(self, door, value):
        with pytest.raises(ImageError, match="floating-point values"):
            door(Image.new("F", (3, 4), value))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("value", [-1e-3, 1.001, np.nan, np.inf])
def test_floating_point_tiff(door, tmp_path, value):
    values = np.full((5, 7), 0.5, np.float32)
    values[4, 6] = value
    tifffile.imwrite(tmp_path / "float.tif", values)
    with pytest.raises(ImageError, match=r"float\.tif: floating-point values"):
        door(tmp_path / "float.tif")


@pytest.mark.parametrize("door", [as_image_batch, in_windows])
@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["array", "tensor", "alpha"])
def test_values_in_memory(door, value, kind):
    values = np.full((5, 7, 4 if kind == "alpha" else 3), 0.5)
    values[4, 6, -1] = value
    source = torch.from_numpy(values).permute(2, 0, 1) if kind == "tensor" else values
    with pytest.raises(ImageError, match="expected"):
        door(source)


def test_a_grey_profile_that_gives_no_numbers_is_damaged(caplog):
    curve = b"para\0\0\0\0" + struct.pack(">HH4i", 1, 0, -(1 << 16), 0, 1 << 16, 0)
    values = np.arange(0, 65536, 4096).reshape(4, 4, 1)
    data = crafted.png(values, color_type=0, chunks=[crafted.iccp(crafted.grey_profile(curve))])
    image = read_image(data)
    assert image.isfinite().all()
    assert image.min() >= 0
    assert image.max() <= 1
