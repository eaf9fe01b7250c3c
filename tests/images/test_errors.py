import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from snellen.errors import ImageError
from snellen.images import ImagePolicy, image_size, read_image
from tests.images import crafted

KINDS = ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "JPEG2000", "PPM", "GIF"]


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def noise():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8))


class TestFiles:
    def test_missing(self, tmp_path):
        with pytest.raises(ImageError, match=r"absent\.png: no such file"):
            read_image(tmp_path / "absent.png")

    def test_folder(self, tmp_path):
        with pytest.raises(ImageError, match="is a folder"):
            read_image(tmp_path)

    def test_permission(self, tmp_path, monkeypatch):
        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        path = tmp_path / "locked.png"
        path.write_bytes(b"x")
        monkeypatch.setattr("os.open", refuse)
        with pytest.raises(ImageError, match=r"locked\.png: cannot be opened: Permission denied"):
            read_image(path)

    def test_empty(self, tmp_path):
        path = tmp_path / "empty.png"
        path.touch()
        with pytest.raises(ImageError, match=r"empty\.png: the file is empty \(0 bytes\)"):
            read_image(path)

    def test_impossible_name(self):
        with pytest.raises(ImageError, match="not a file name"):
            read_image("a\0b.png")

    @pytest.mark.parametrize("data", [b"hello", b"<svg></svg>", b"\x01", b"%!PS-Adobe-3.0"])
    def test_not_an_image(self, tmp_path, data):
        path = tmp_path / "text.png"
        path.write_bytes(b"\x00" + data)
        with pytest.raises(ImageError, match=r"text\.png: not an image of a known format"):
            read_image(path)

    @pytest.mark.parametrize("source", [3, None, object()])
    def test_not_a_source(self, source):
        with pytest.raises(ImageError, match="expected a path"):
            read_image(source)


class TestDamage:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
    def test_truncated(self, tmp_path, noise, kind, part):
        data = encoded(noise, kind)
        path = tmp_path / "cut"
        path.write_bytes(data[: int(len(data) * part)])
        with pytest.raises(ImageError, match=f"cut: damaged or truncated {kind} file"):
            read_image(path)

    @pytest.mark.parametrize("color_type", [2, 4, 6])
    def test_truncated_16_bit_png(self, color_type):
        channels = {2: 3, 4: 2, 6: 4}[color_type]
        values = np.random.default_rng(0).integers(0, 65536, (30, 30, channels))
        data = crafted.png(values, color_type=color_type)
        with pytest.raises(ImageError, match="damaged or truncated PNG"):
            read_image(data[: len(data) // 2])

    def test_truncated_16_bit_ppm(self):
        with pytest.raises(ImageError, match="expected 12 values, found 3"):
            read_image(b"P6 2 2 65535 " + bytes(7))

    def test_ppm_over_its_own_maximum(self):
        with pytest.raises(ImageError, match="value 200 is over its stated maximum of 100"):
            read_image(b"P5 1 1 100 " + bytes([200]))

    @pytest.mark.parametrize("kind", KINDS)
    def test_flipped_bytes_never_escape_as_another_error(self, noise, kind):
        data = bytearray(encoded(noise.resize((8, 8)), kind))
        rng = np.random.default_rng(0)
        for _ in range(60):
            broken = bytearray(data)
            for position in rng.integers(0, len(data), 3):
                broken[position] = rng.integers(0, 256)
            try:
                image = read_image(bytes(broken), ImagePolicy(max_pixels=10_000))
            except (ImageError, UserWarning):
                continue
            assert image.shape[0] == 3


class TestSize:
    @pytest.mark.parametrize(("width", "height"), [(0, 3), (3, 0)])
    def test_zero_size(self, width, height):
        data = bytearray(crafted.png(np.zeros((1, 1, 1)), color_type=0, depth=8))
        data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
        with pytest.raises(ImageError, match=f"zero size, {width}x{height}"):
            read_image(bytes(data))

    @pytest.mark.parametrize("kind", KINDS)
    def test_pixel_limit(self, tmp_path, noise, kind):
        path = tmp_path / "large"
        path.write_bytes(encoded(noise, kind))
        message = r"large: 50x40 = 2000 pixels, over the limit of 1999.*ImagePolicy\(max_pixels"
        with pytest.raises(ImageError, match=message):
            read_image(path, ImagePolicy(max_pixels=1999))
        assert read_image(path, ImagePolicy(max_pixels=2000)).shape == (3, 40, 50)
        assert read_image(path, ImagePolicy(max_pixels=None)).shape == (3, 40, 50)

    @pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF"])
    def test_limit_is_checked_before_decoding(self, kind):
        start = encoded(Image.new("L", (1, 1)), kind)
        data = bytearray(start)
        if kind == "PNG":
            data = bytearray(_png_of_size(60000, 60000))
        elif kind == "BMP":
            data[18:26] = (60000).to_bytes(4, "little") * 2
        else:
            data[6:10] = (60000).to_bytes(2, "little") * 2
        with pytest.raises(ImageError, match="60000x60000 = 3600000000 pixels, over the limit"):
            read_image(bytes(data))


class TestDepth:
    def test_hdr_float_is_refused(self, tmp_path):
        path = tmp_path / "bright.tif"
        tifffile.imwrite(path, np.array([[0.0, 3.5]], dtype=np.float32))
        with pytest.raises(ImageError, match=r"bright\.tif: floating-point values from 0 to 3\.5"):
            read_image(path)

    def test_nan_is_refused(self, tmp_path):
        path = tmp_path / "nan.tif"
        tifffile.imwrite(path, np.array([[0.0, np.nan]], dtype=np.float32))
        with pytest.raises(ImageError, match="floating-point values"):
            read_image(path)

    @pytest.mark.parametrize("dtype", ["uint32", "int32", "int16"])
    def test_integers_without_a_known_range(self, tmp_path, dtype):
        path = tmp_path / "image.tif"
        tifffile.imwrite(path, np.array([[0, 1]], dtype=dtype))
        with pytest.raises(ImageError, match=r"image\.tif: (32-bit|signed) whole numbers"):
            read_image(path)

    @pytest.mark.parametrize("compression", [None, "zlib"])
    def test_planar_16_bit_tiff(self, tmp_path, compression):
        path = tmp_path / "image.tif"
        values = np.zeros((3, 5, 7), dtype=np.uint16)
        options = {"planarconfig": "separate", "photometric": "rgb", "compression": compression}
        tifffile.imwrite(path, values, **options)
        with pytest.raises(ImageError, match="without losing bits"):
            read_image(path)

    def test_deep_jpeg2000_color(self, noise):
        data = bytearray(encoded(noise, "JPEG2000", no_jp2=True, irreversible=False))
        for component in range(3):
            assert data[42 + 3 * component] == 7
            data[42 + 3 * component] = 11
        with pytest.raises(ImageError, match="12-bit RGB in JPEG2000 cannot be decoded without"):
            read_image(bytes(data))

    @pytest.mark.parametrize(("flags", "bits"), [(0x40, 10), (0x60, 12)])
    def test_deep_avif(self, noise, flags, bits):
        data = bytearray(encoded(noise, "AVIF"))
        data[data.index(b"av1C") + 6] |= flags
        with pytest.raises(ImageError, match=rf"({bits}-bit RGB in AVIF cannot|damaged)"):
            read_image(bytes(data))


class TestImageSize:
    @pytest.mark.parametrize("kind", KINDS)
    def test_needs_only_the_header(self, noise, kind):
        data = encoded(noise, kind)
        assert image_size(data) == (40, 50)
        if kind not in ("AVIF", "WEBP", "TIFF"):  # their headers point behind the pixels
            assert image_size(data[: len(data) * 2 // 3]) == (40, 50)

    def test_errors_are_those_of_reading(self, tmp_path):
        with pytest.raises(ImageError, match="no such file"):
            image_size(tmp_path / "absent.png")


def _png_of_size(width, height):
    data = crafted.png(np.zeros((1, 1, 1)), color_type=0, depth=8)
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]
