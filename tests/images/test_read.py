import io
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import skimage.io
import tifffile
import torch
from PIL import Image, ImageOps

from snellen.images import ImagePolicy, image_size, read_image
from tests.images import crafted

LOSSLESS = [
    ("png", {}),
    ("webp", {"lossless": True}),
    ("tif", {}),
    ("tif", {"compression": "tiff_lzw"}),
    ("bmp", {}),
    ("jp2", {"irreversible": False}),
    ("ppm", {}),
]
LOSSY = [("jpg", {"quality": 95}), ("avif", {"quality": 95}), ("jp2", {"quality_layers": [2]})]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def picture(rng):
    small = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return np.asarray(small.resize((37, 23), Image.Resampling.BICUBIC))


def planes(array, white=255):
    array = np.asarray(array)
    array = array if array.ndim == 3 else np.repeat(array[..., None], 3, axis=-1)
    return torch.from_numpy((array.astype(np.float64) / white).transpose(2, 0, 1)).float()


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


class TestFormats:
    @pytest.mark.parametrize(("suffix", "options"), LOSSLESS)
    def test_lossless_formats_give_the_stored_numbers(self, tmp_path, picture, suffix, options):
        path = tmp_path / f"image.{suffix}"
        Image.fromarray(picture).save(path, **options)
        image = read_image(path)
        assert image.dtype == torch.float32
        assert image.is_contiguous()
        torch.testing.assert_close(image, planes(picture), rtol=0, atol=0)

    @pytest.mark.parametrize(("suffix", "options"), LOSSY)
    def test_lossy_formats_agree_with_another_reader(self, tmp_path, picture, suffix, options):
        path = tmp_path / f"image.{suffix}"
        Image.fromarray(picture).save(path, **options)
        expected = planes(skimage.io.imread(path))
        torch.testing.assert_close(read_image(path), expected, rtol=0, atol=0)
        assert (read_image(path) - planes(picture)).abs().mean() < 0.1

    def test_gif_gives_the_first_frame(self, tmp_path):
        frames = [Image.new("P", (6, 4), index) for index in (1, 2)]
        for frame in frames:
            frame.putpalette([0, 0, 0, 255, 128, 0, 0, 0, 255])
        path = tmp_path / "image.gif"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        expected = torch.tensor([1.0, 128 / 255, 0.0])[:, None, None].expand(3, 4, 6)
        torch.testing.assert_close(read_image(path), expected)

    def test_multi_page_tiff_gives_the_first_page(self, tmp_path, picture):
        path = tmp_path / "image.tif"
        pages = [Image.fromarray(picture), Image.fromarray(255 - picture)]
        pages[0].save(path, save_all=True, append_images=pages[1:])
        torch.testing.assert_close(read_image(path), planes(picture))

    @pytest.mark.parametrize("as_source", [bytes, bytearray, io.BytesIO])
    def test_bytes_and_streams(self, picture, as_source):
        source = as_source(encoded(Image.fromarray(picture), "PNG"))
        torch.testing.assert_close(read_image(source), planes(picture))

    def test_a_stream_that_cannot_seek(self, picture):
        class Pipe(io.RawIOBase):
            def __init__(self, data):
                self.rest = io.BytesIO(data)

            def readable(self):
                return True

            def readinto(self, buffer):
                return self.rest.readinto(buffer)

        pipe = Pipe(encoded(Image.fromarray(picture), "PNG"))
        torch.testing.assert_close(read_image(pipe), planes(picture))

    def test_wrong_suffix_does_not_matter(self, tmp_path, picture):
        path = tmp_path / "image.jpg"
        path.write_bytes(encoded(Image.fromarray(picture), "PNG"))
        torch.testing.assert_close(read_image(path), planes(picture))

    def test_shared_photographs_agree_with_another_reader(self, shared):
        for name in ("bikes.png", "jp2k_img101.webp", "jpeg_img100.jpg"):
            path = shared / "live_r" / name
            expected = planes(skimage.io.imread(path))
            torch.testing.assert_close(read_image(path), expected, rtol=0, atol=0)
            assert image_size(path) == tuple(expected.shape[1:])

    def test_many_threads_read_what_one_reads(self, rng):
        values = [rng.integers(0, 65536, (9, 7, 3)) for _ in range(16)]
        files = [crafted.png(value, color_type=2) for value in values]
        with ThreadPoolExecutor(8) as pool:
            images = list(pool.map(read_image, files))
        for image, value in zip(images, values, strict=True):
            torch.testing.assert_close(image, planes(value, 65535))


class TestDepth:
    RAMP = np.arange(65536).reshape(256, 256, 1)

    def test_every_16_bit_grey_survives(self):
        image = read_image(crafted.png(self.RAMP, color_type=0))
        assert torch.equal(image[0], image[1])
        assert torch.equal(image[0], image[2])
        assert image[0].unique().numel() == 65536
        torch.testing.assert_close(image, planes(self.RAMP[..., 0], 65535))

    @pytest.mark.parametrize("interlaced", [False, True])
    @pytest.mark.parametrize(("color_type", "channels"), [(2, 3), (6, 4), (4, 2)])
    def test_16_bit_color_png_is_exact(self, rng, color_type, channels, interlaced):
        values = rng.integers(0, 65536, (19, 13, channels))
        if channels in (2, 4):
            values[..., -1] = 65535
        image = read_image(crafted.png(values, color_type=color_type, interlaced=interlaced))
        color = values[..., 0] if channels == 2 else values[..., :3]
        torch.testing.assert_close(image, planes(color, 65535), rtol=0, atol=1e-7)

    def test_every_16_bit_value_survives_in_color(self):
        values = np.concatenate([self.RAMP, self.RAMP[::-1], self.RAMP.transpose(1, 0, 2)], axis=-1)
        image = read_image(crafted.png(values, color_type=2))
        assert all(plane.unique().numel() == 65536 for plane in image)

    @pytest.mark.parametrize("byteorder", ["<", ">"])
    @pytest.mark.parametrize(
        "options",
        [{}, {"compression": "zlib"}, {"compression": "zlib", "predictor": 2}, {"tile": (16, 16)}],
        ids=["plain", "deflate", "predictor", "tiles"],
    )
    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_16_bit_tiff_is_exact(self, tmp_path, rng, byteorder, options, channels):
        values = rng.integers(0, 65536, (40, 37, channels)).astype(np.uint16)
        if channels == 4:
            values[..., 3] = 65535
            options = {**options, "extrasamples": ["unassalpha"]}
        kind = "minisblack" if channels == 1 else "rgb"
        path = tmp_path / "image.tif"
        tifffile.imwrite(path, values.squeeze(), photometric=kind, byteorder=byteorder, **options)
        color = values[..., 0] if channels == 1 else values[..., :3]
        torch.testing.assert_close(read_image(path), planes(color, 65535), rtol=0, atol=1e-7)

    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    def test_tiff_where_zero_is_white(self, tmp_path, rng, dtype):
        white = np.iinfo(dtype).max
        values = rng.integers(0, white + 1, (5, 7)).astype(dtype)
        path = tmp_path / "image.tif"
        tifffile.imwrite(path, values, photometric="miniswhite")
        torch.testing.assert_close(read_image(path), planes(white - values, white))

    def test_12_bit_tiff_is_divided_by_its_own_range(self, tmp_path):
        values = [0, 1, 2048, 4095]
        packed = bytes.fromhex("".join(f"{value:03x}" for value in values))
        path = tmp_path / "image.tif"
        tifffile.imwrite(path, np.frombuffer(packed, "u1")[None], photometric="minisblack")
        data = bytearray(path.read_bytes())
        _edit_tiff(data, 256, 4)
        _edit_tiff(data, 258, 12)
        torch.testing.assert_close(read_image(bytes(data)), planes([values], 4095))

    def test_float_tiff_within_range(self, tmp_path, rng):
        values = rng.random((5, 7), dtype=np.float32)
        path = tmp_path / "image.tif"
        tifffile.imwrite(path, values, photometric="minisblack")
        assert torch.equal(read_image(path)[1], torch.from_numpy(values))

    @pytest.mark.parametrize("plain", [False, True])
    @pytest.mark.parametrize("channels", [1, 3])
    @pytest.mark.parametrize("white", [1, 15, 100, 255, 1023, 65535])
    def test_netpbm_of_any_range_is_exact(self, rng, plain, channels, white):
        values = rng.integers(0, white + 1, (5, 4, channels))
        values.flat[0] = white
        kind = {(False, 1): 5, (False, 3): 6, (True, 1): 2, (True, 3): 3}[plain, channels]
        if plain:
            body = "\n".join(f"{value} # note" for value in values.ravel()).encode()
        else:
            body = values.astype("u1" if white < 256 else ">u2").tobytes()
        image = read_image(b"P%d\n# a comment\n4 5\n%d\n" % (kind, white) + body)
        expected = planes(values[..., 0] if channels == 1 else values, white)
        torch.testing.assert_close(image, expected, rtol=0, atol=1e-7)

    @pytest.mark.parametrize("depth", [1, 2, 4])
    def test_few_bits_fill_the_range(self, depth):
        values = np.arange(1 << depth).reshape(1, -1, 1).repeat(2, axis=0)
        image = read_image(crafted.png(values, color_type=0, depth=depth))
        torch.testing.assert_close(image, planes(values[..., 0], (1 << depth) - 1))

    def test_16_bit_jpeg2000_grey_is_exact(self, rng):
        values = rng.integers(0, 65536, (32, 32)).astype(np.uint16)
        data = encoded(Image.fromarray(values), "JPEG2000", irreversible=False)
        torch.testing.assert_close(read_image(data), planes(values, 65535))

    def test_12_bit_jpeg2000_grey_is_divided_by_its_own_range(self, rng):
        values = rng.integers(0, 4096, (32, 32)).astype(np.uint16)
        values[0, 0] = 4095
        # stored about the middle of the range, so relabelling 16 bits as 12 moves the middle
        moved = values + np.uint16(32768 - 2048)
        data = encoded(Image.fromarray(moved), "JPEG2000", irreversible=False, no_jp2=True)
        data = bytearray(data)
        assert data[42] == 15
        data[42] = 11
        torch.testing.assert_close(read_image(bytes(data)), planes(values, 4095))


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
    def test_all_orientations_agree_with_pillow(self, picture, kind, orientation):
        tags = Image.Exif()
        tags[0x0112] = orientation
        data = encoded(Image.fromarray(picture), kind, exif=tags)
        with Image.open(io.BytesIO(data)) as stored:
            expected = planes(ImageOps.exif_transpose(stored).convert("RGB"))
        assert torch.equal(read_image(data), expected)
        assert image_size(data) == tuple(expected.shape[1:])

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_orientation_can_be_left_alone(self, picture, kind, orientation):
        tags = Image.Exif()
        tags[0x0112] = orientation
        data = encoded(Image.fromarray(picture), kind, exif=tags)
        policy = ImagePolicy(orientation=False)
        torch.testing.assert_close(read_image(data, policy), planes(picture))
        assert image_size(data, policy) == picture.shape[:2]

    @pytest.mark.parametrize("where", ["chunks", "trailing"])
    @pytest.mark.parametrize("orientation", [1, 3, 6])
    def test_16_bit_png_with_exif_before_or_behind_the_pixels(self, rng, where, orientation):
        values = rng.integers(0, 65536, (4, 7, 3))
        turned = {1: values, 3: values[::-1, ::-1], 6: np.rot90(values, -1)}[orientation]
        chunk = (b"eXIf", crafted.exif(orientation))
        data = crafted.png(values, color_type=2, **{where: [chunk]})
        torch.testing.assert_close(read_image(data), planes(turned, 65535))
        assert image_size(data) == turned.shape[:2]

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("shape", [(1, 7, 3), (7, 1, 3), (1, 1, 3)])
    def test_images_of_one_row_or_column(self, rng, orientation, shape):
        image = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))
        tags = Image.Exif()
        tags[0x0112] = orientation
        data = encoded(image, "PNG", exif=tags)
        with Image.open(io.BytesIO(data)) as stored:
            expected = planes(ImageOps.exif_transpose(stored).convert("RGB"))
        assert torch.equal(read_image(data), expected)

    @pytest.mark.parametrize("orientation", [2, 6])
    def test_16_bit_tiff(self, tmp_path, rng, orientation):
        values = rng.integers(0, 65536, (4, 7, 3)).astype(np.uint16)
        path = tmp_path / "image.tif"
        tifffile.imwrite(path, values, extratags=[(274, "H", 1, orientation, True)])
        turned = values[:, ::-1] if orientation == 2 else np.rot90(values, -1)
        torch.testing.assert_close(read_image(path), planes(turned, 65535))
        left = read_image(path, ImagePolicy(orientation=False))
        torch.testing.assert_close(left, planes(values, 65535))

    def test_damaged_exif_is_logged_and_ignored(self, picture, caplog):
        data = encoded(Image.fromarray(picture), "PNG", exif=b"Exif\0\0II*\0\xff")
        torch.testing.assert_close(read_image(data), planes(picture))
        assert "damaged EXIF" in caplog.text


class TestPixelLimit:
    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF", "BMP", "JPEG", "PPM"])
    def test_own_limit_replaces_that_of_pillow(self, monkeypatch, picture, kind):
        data = encoded(Image.fromarray(picture), kind)
        expected = read_image(data)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert torch.equal(read_image(data), expected)
        assert Image.MAX_IMAGE_PIXELS == 10


def _edit_tiff(data, tag, value):
    """Overwrite the value of a tag in a little-endian TIFF of one page."""
    start = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[start : start + 2], "little")
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if int.from_bytes(data[entry : entry + 2], "little") == tag:
            data[entry + 8 : entry + 12] = value.to_bytes(4, "little")
