"""HEIC and JPEG XL: read where their packages are, named where they are not."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from snellen.errors import ImageError
from snellen.images import ImagePolicy, as_pixels, image_size, list_images, read_image
from tests.images import crafted
from tests.images.inside import files_module, jxl_size, plugins_module

HEIC = b"\0\0\0\x1cftypheix\0\0\0\0mif1heixmiaf" + bytes(100)
JXL = b"\xff\x0a" + bytes(100)
P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (22, 31, 3), dtype=np.uint8)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def jxl():
    pytest.importorskip("pillow_jxl", reason="JPEG XL needs the extra 'jxl'")
    return lambda image, **options: encoded(image, "JXL", **{"lossless": True, **options})


@pytest.fixture
def heic():
    heif = pytest.importorskip("pillow_heif", reason="HEIC needs the extra 'heif'")

    def write(*images, **options):
        stream = io.BytesIO()
        made = heif.HeifFile()
        for image in images:
            made.add_from_pillow(image)
        made.save(stream, quality=-1, chroma=444, matrix_coefficients=0, **options)
        return stream.getvalue()

    return write


class TestMissing:
    @pytest.mark.parametrize(
        ("data", "said"),
        [(HEIC, r"is HEIC, .*snellen\[heif\]"), (JXL, r"is JPEG XL, .*snellen\[jxl\]")],
    )
    def test_is_named_with_its_remedy(self, data, said, monkeypatch, tmp_path):
        monkeypatch.setattr(plugins_module, "find_spec", lambda package: None)
        (tmp_path / "x.bin").write_bytes(data)
        with pytest.raises(ImageError, match=rf"x\.bin: {said}"):
            read_image(tmp_path / "x.bin")

    def test_folders_tell_what_they_pass_over(self, tmp_path):
        names = "a.png b.HEIC c.heif d.jxl e.psd f.CR2 g.cr2 notes.txt table.csv .hidden.heic"
        for name in names.split():
            (tmp_path / name).write_bytes(crafted.png(np.zeros((2, 2, 1)), color_type=0))
        code = (
            "import sys, importlib.util as u; find = u.find_spec\n"
            "u.find_spec = lambda n, *a: None if n.startswith('pillow_') else find(n, *a)\n"
            "from snellen.images import list_images, passed_over_text as t\n"
            "found = list_images(sys.argv[1]); print([p.name for p in found.paths])\n"
            "print(t(found.passed_over)); print('torch' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
        )
        images, told, _ = done.stdout.splitlines()
        assert images == "['a.png']"
        assert told == (
            "passed over: 2 .cr2, 1 .heic, 1 .heif, 1 .jxl, 1 .psd; "
            "pip install 'snellen[heif,jxl]' reads more of them"
        )

    def test_other_files_are_no_images(self, tmp_path):
        for name in ("notes.txt", "table.csv", "README", "x.json"):
            (tmp_path / name).touch()
        assert list_images(tmp_path).passed_over == {}


class TestJxl:
    @pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
    def test_lossless_pixels_are_exact(self, jxl, pixels, mode):
        image = Image.fromarray(pixels).convert(mode)
        read = read_image(jxl(image))
        assert torch.equal(read, read_image(encoded(image, "PNG")))
        assert image_size(jxl(image)) == (22, 31)

    def test_16_bits_of_grey(self, jxl):
        values = np.random.default_rng(0).integers(0, 65536, (16, 17)).astype(np.uint16)
        read = read_image(jxl(Image.fromarray(values)))
        linear = values / 65535  # what the plug-in says of 16 bits, in the profile it writes
        wanted = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        torch.testing.assert_close(read[0], torch.from_numpy(wanted).float(), rtol=0, atol=1e-6)

    @pytest.mark.parametrize("container", [False, True])
    @settings(max_examples=20)
    @given(width=st.integers(1, 3000), height=st.integers(1, 40), turned=st.booleans())
    def test_size_without_decoding(self, container, width, height, turned):
        pytest.importorskip("pillow_jxl", reason="JPEG XL needs the extra 'jxl'")
        size = (height, width) if turned else (width, height)
        options = {"lossless": True, "effort": 1, "use_container": container}
        data = encoded(Image.new("L", size), "JXL", **options)
        assert jxl_size(io.BytesIO(data)) == size
        assert image_size(data) == size[::-1]

    @pytest.mark.parametrize(
        "size",
        [(64, 64), (96, 80), (96, 72), (96, 64), (128, 72), (100, 80), (128, 64), (640, 480),
         (1, 1), (8, 8)],
    )  # fmt: skip
    def test_size_by_ratio(self, jxl, size):
        assert jxl_size(io.BytesIO(jxl(Image.new("L", size)))) == size

    def test_limit_before_decoding(self, jxl, pixels, monkeypatch):
        data = jxl(Image.fromarray(pixels))
        monkeypatch.setattr(files_module, "FORMATS", {"JXL": None})
        with pytest.raises(ImageError, match="31x22 = 682 pixels, over the limit of 681"):
            read_image(data, ImagePolicy(max_pixels=681))

    @pytest.mark.parametrize("part", [0.02, 0.5, 0.9])
    def test_truncated(self, jxl, pixels, part, tmp_path):
        data = jxl(Image.fromarray(pixels), use_container=True)
        (tmp_path / "cut").write_bytes(data[: int(len(data) * part)])
        with pytest.raises(ImageError, match="cut: "):
            read_image(tmp_path / "cut")


class TestHeic:
    def test_pixels(self, heic, pixels):
        data = heic(Image.fromarray(pixels))
        expected = torch.from_numpy(pixels / 255).permute(2, 0, 1).float()
        assert (read_image(data) - expected).abs().mean() < 0.01
        assert image_size(data) == (22, 31)
        window = as_pixels(data).window((3, 9, 2, 8))
        torch.testing.assert_close(window[0], read_image(data)[:, 3:9, 2:8])

    def test_profile_is_converted(self, heic, pixels):
        icc = crafted.rgb_profile(P3, crafted.SRGB_CURVE)
        image = Image.fromarray(pixels)
        plain = read_image(heic(image))
        with_profile = read_image(heic(image, icc_profile=icc))
        png = Image.fromarray((plain.permute(1, 2, 0) * 255).round().byte().numpy())
        expected = read_image(encoded(png, "PNG", icc_profile=icc))
        torch.testing.assert_close(with_profile, expected)
        assert (with_profile - plain).abs().max() > 0.05

    def test_10_bits_are_refused(self, heic):
        heif = sys.modules["pillow_heif"]
        values = np.random.default_rng(0).integers(0, 1024, (16, 16, 3)).astype(np.uint16) << 6
        stream = io.BytesIO()
        heif.from_bytes("RGB;16", (16, 16), values.tobytes()).save(stream, quality=-1)
        with pytest.raises(ImageError, match="10-bit RGB in HEIF cannot be decoded without losing"):
            read_image(stream.getvalue())

    def test_several(self, heic, pixels, caplog):
        image = Image.fromarray(pixels)
        read_image(heic(image))
        assert not caplog.records
        read_image(heic(image, image))
        assert "holds several images or frames" in caplog.text

    @pytest.mark.parametrize("part", [0.05, 0.5, 0.9])
    def test_truncated(self, heic, pixels, part, tmp_path):
        data = heic(Image.fromarray(pixels))
        (tmp_path / "cut").write_bytes(data[: int(len(data) * part)])
        with pytest.raises(ImageError, match="cut: "):
            read_image(tmp_path / "cut")


def test_avif_stays_avif(pixels):
    assert plugins_module.plugin_format(encoded(Image.fromarray(pixels), "AVIF")[:64]) is None
    assert plugins_module.plugin_format(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") is None
    assert plugins_module.plugin_format(b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf") == "HEIF"
