import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from snellen.errors import ImageError
from snellen.images import ImagePolicy, as_image_batch, read_image
from tests.images import crafted

sides = st.integers(1, 6)
unit = st.floats(0, 1, width=32)


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def scaled(array, white=255):
    return torch.from_numpy(array.astype(np.float32) / white).permute(2, 0, 1)[None]


class TestFilesAndPillow:
    def test_all_kinds_of_source_agree(self, tmp_path, picture):
        path = tmp_path / "image.png"
        image = Image.fromarray(picture)
        image.save(path)
        sources = [path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), image]
        sources += [Image.open(path), picture, torch.from_numpy(picture).permute(2, 0, 1)]
        for source in sources:
            assert torch.equal(as_image_batch(source), scaled(picture))

    def test_pillow_image_not_yet_loaded_keeps_16_bits(self):
        values = np.random.default_rng(0).integers(0, 65536, (5, 7, 3))
        image = Image.open(io.BytesIO(crafted.png(values, color_type=2)))
        torch.testing.assert_close(as_image_batch(image), scaled(values, 65535))
        assert image.getpixel((0, 0)) == tuple(int(value) >> 8 for value in values[0, 0])

    def test_pillow_image_is_read_by_the_policy(self, picture):
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, "PNG", exif=crafted.exif(6))
        image = Image.open(stream)
        image.load()
        assert torch.equal(as_image_batch(image)[0], read_image(stream.getvalue()))
        plain = as_image_batch(image, ImagePolicy(orientation=False))
        assert torch.equal(plain, scaled(picture))
        with pytest.raises(ImageError, match="reference: 7x5 = 35 pixels"):
            as_image_batch(image, ImagePolicy(max_pixels=34), name="reference")

    @pytest.mark.parametrize(
        ("mode", "color"),
        [
            ("1", 1),
            ("L", 255),
            ("LA", (255, 255)),
            ("La", (255, 255)),
            ("P", 0),
            ("RGB", (255,) * 3),
            ("RGBA", (255,) * 4),
            ("RGBa", (255,) * 4),
            ("RGBX", (255,) * 4),
            ("CMYK", (0,) * 4),
            ("YCbCr", (255, 128, 128)),
            ("HSV", (0, 0, 255)),
            ("LAB", (255, 128, 128)),
            ("I;16", 65535),
            ("F", 1.0),
        ],
    )
    def test_white_of_every_mode_is_white(self, mode, color):
        image = Image.new(mode, (3, 2), color)
        if mode == "P":
            image.putpalette([255, 255, 255])
        batch = as_image_batch(image, ImagePolicy(background=(0, 0, 0)))
        torch.testing.assert_close(batch, torch.ones(1, 3, 2, 3), rtol=0, atol=1.01 / 255)

    @pytest.mark.parametrize("value", [-1, 0, 255, 65535, 65536])
    def test_whole_numbers_without_a_known_range(self, value):
        with pytest.raises(ImageError, match='mode "I" have no known range'):
            as_image_batch(Image.new("I", (2, 2), value))

    def test_empty_pillow_image(self):
        with pytest.raises(ImageError, match="zero size, 0x3"):
            as_image_batch(Image.new("RGB", (0, 3)))


class TestArrays:
    @given(hnp.arrays(np.uint8, st.tuples(sides, sides, st.just(3))))
    def test_bytes_are_divided_by_255(self, array):
        assert torch.equal(as_image_batch(array), scaled(array))

    @given(hnp.arrays(np.uint16, st.tuples(sides, sides)), st.sampled_from("<>"))
    def test_16_bits_in_either_byte_order(self, array, order):
        batch = as_image_batch(array.astype(f"{order}u2"))
        assert torch.equal(batch, scaled(array[..., None].repeat(3, -1), 65535))

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", bool])
    @pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3), (2, 4, 5, 3), (2, 4, 5, 1)])
    def test_floats_and_shapes(self, dtype, shape):
        array = (np.random.default_rng(0).random(shape) > 0.5).astype(dtype)
        batch = as_image_batch(array)
        assert batch.shape == (shape[0] if len(shape) == 4 else 1, 3, 4, 5)
        assert batch.dtype == torch.float32
        expected = array.reshape(-1, 4, 5, 1 if shape[-1] != 3 else 3).astype(np.float32)
        expected = np.broadcast_to(expected, (*expected.shape[:3], 3)).transpose(0, 3, 1, 2)
        assert np.array_equal(batch.numpy(), expected)

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
    def test_alpha_is_composited(self, dtype):
        white = 1 if dtype is np.float64 else np.iinfo(dtype).max
        array = np.array([[[0.2, 0.4, 0.6, 0.8]]]) * white
        batch = as_image_batch(array.astype(dtype), ImagePolicy(background=(0.0, 0.5, 1.0)))
        expected = torch.tensor([0.16, 0.42, 0.68])
        torch.testing.assert_close(batch.flatten(), expected, rtol=0, atol=1.5 / 255)

    def test_views_and_read_only_arrays(self, picture):
        flipped = picture[::-1, ::-1]
        flipped.flags.writeable = False
        assert torch.equal(as_image_batch(flipped), scaled(flipped))
        floats = (flipped / 255).astype(np.float32)
        floats.flags.writeable = False
        assert torch.equal(as_image_batch(floats), scaled(flipped))

    def test_the_callers_array_is_neither_changed_nor_shared(self):
        array = np.full((2, 2, 3), 0.5, dtype=np.float32)
        as_image_batch(array).zero_()
        assert (array == 0.5).all()

    @pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint32, complex, object])
    def test_types_without_a_range(self, dtype):
        with pytest.raises(ImageError, match="no known range"):
            as_image_batch(np.zeros((2, 2, 3), dtype=dtype))

    @pytest.mark.parametrize("shape", [(), (3,), (4, 5, 2), (4, 5, 5), (1, 1, 4, 5, 3)])
    def test_shapes(self, shape):
        with pytest.raises(ImageError, match=r"distorted: expected an array \(H, W\)"):
            as_image_batch(np.zeros(shape), name="distorted")

    def test_channels_first(self):
        with pytest.raises(ImageError, match="channels come first"):
            as_image_batch(np.zeros((3, 4, 5)))


class TestTensors:
    @given(hnp.arrays(np.float32, st.tuples(sides, st.just(3), sides, sides), elements=unit))
    def test_a_batch_is_passed_on_without_a_copy(self, array):
        tensor = torch.from_numpy(array)
        batch = as_image_batch(tensor)
        assert torch.equal(batch, tensor)
        assert batch.data_ptr() == tensor.data_ptr()

    @given(st.integers(1, 3), sides, sides, st.sampled_from([1, 3]), st.booleans())
    def test_shapes(self, count, height, width, channels, single):
        shape = (channels, height, width) if single else (count, channels, height, width)
        batch = as_image_batch(torch.rand(shape))
        assert batch.shape == (1 if single else count, 3, height, width)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_gradients_flow(self, dtype):
        tensor = torch.rand(2, 3, 4, 5, dtype=dtype, requires_grad=True)
        batch = as_image_batch(tensor)
        assert batch.dtype == torch.float32
        batch.sum().backward()
        assert torch.equal(tensor.grad, torch.ones_like(tensor))

    def test_a_rounding_over_the_range_is_set_right_and_keeps_its_gradient(self):
        values = torch.tensor([-1e-7, 1.0000001, 0.5]).view(3, 1, 1).requires_grad_()
        batch = as_image_batch(values)
        assert batch.flatten().tolist() == [0.0, 1.0, 0.5]
        batch.sum().backward()
        assert values.grad.flatten().tolist() == [1.0, 1.0, 1.0]

    @pytest.mark.parametrize(
        ("dtype", "white"), [(torch.uint8, 255), (torch.uint16, 65535), (torch.bool, 1)]
    )
    def test_whole_numbers_are_scaled(self, dtype, white):
        tensor = torch.tensor([0, 1, white]).to(dtype).view(3, 1, 1)
        assert as_image_batch(tensor).flatten().tolist() == pytest.approx([0, 1 / white, 1])

    @given(
        st.floats(allow_nan=True, allow_infinity=True, width=32),
        st.integers(0, 3 * 4 * 5 - 1),
    )
    def test_any_single_value_out_of_range_is_refused(self, value, position):
        tensor = torch.full((3, 4, 5), 0.5)
        tensor.view(-1)[position] = value
        if -1e-6 <= value <= 1 + 1e-6:
            assert as_image_batch(tensor).aminmax().max <= 1
        else:
            with pytest.raises(ImageError, match=r"^image: .*expected \[0, 1\]"):
                as_image_batch(tensor)
            with pytest.raises(ImageError, match=r"^image: .*expected \[0, 1\]"):
                as_image_batch(tensor.permute(1, 2, 0).numpy())

    @pytest.mark.parametrize(
        ("low", "high", "hint"),
        [
            (0, 255, "from 0 to 255, .*looks like 0-255: divide by 255"),
            (3, 60000, "looks like 0-65535: divide by 65535"),
            (-1, 1, r"from -1 to 1, .*looks like \[-1, 1\]: use \(x \+ 1\) / 2"),
            (-0.9, 0.2, r"looks like \[-1, 1\]"),
            (-2.1, 2.6, "mean and deviation"),
            (-0.01, 1.2, "clamp"),
            (0, float("nan"), "NaN or infinite"),
            (float("-inf"), 1, "NaN or infinite"),
        ],
    )
    def test_the_message_says_what_it_looks_like(self, low, high, hint):
        tensor = torch.linspace(0, 1, 60).view(3, 4, 5)
        tensor[0, 0, 0], tensor[2, 3, 4] = low, high
        with pytest.raises(ImageError, match=hint):
            as_image_batch(tensor)

    @pytest.mark.parametrize("shape", [(4, 5, 3), (2, 4, 5, 3), (4, 5, 1)])
    def test_channels_last(self, shape):
        with pytest.raises(ImageError, match=r"reference: .*channels come last.*permute"):
            as_image_batch(torch.rand(shape), name="reference")

    @pytest.mark.parametrize(
        ("shape", "reason"),
        [
            ((4, 5), "expected a tensor"),
            ((1, 1, 3, 4, 5), "expected a tensor"),
            ((2, 4, 5), "expected 1 or 3 channels"),
            ((4, 6, 5), "alpha"),
            ((0, 3, 4, 5), "zero size"),
            ((3, 0, 5), "zero size"),
        ],
    )
    def test_other_shapes(self, shape, reason):
        with pytest.raises(ImageError, match=reason):
            as_image_batch(torch.zeros(shape))

    def test_integers_without_a_range(self):
        with pytest.raises(ImageError, match="no known range"):
            as_image_batch(torch.zeros(3, 2, 2, dtype=torch.int64))


class TestLists:
    def test_mixed_kinds_are_stacked(self, picture):
        sources = [picture, Image.fromarray(picture), scaled(picture).repeat(2, 1, 1, 1)]
        assert torch.equal(as_image_batch(sources), scaled(picture).repeat(4, 1, 1, 1))

    def test_different_sizes_are_both_named(self):
        sources = (torch.rand(3, 4, 5), torch.rand(3, 4, 5), torch.rand(3, 6, 7))
        with pytest.raises(ImageError, match=r"image\[0\] is 5x4 and image\[2\] is 7x6"):
            as_image_batch(sources)

    def test_an_error_names_the_item(self):
        with pytest.raises(ImageError, match=r"reference\[1\]: .*0-255"):
            as_image_batch([torch.rand(3, 2, 2), torch.full((3, 2, 2), 9.0)], name="reference")

    @pytest.mark.parametrize("source", [[], ()])
    def test_empty(self, source):
        with pytest.raises(ImageError, match="empty list"):
            as_image_batch(source)

    @pytest.mark.parametrize("source", [None, 3, {"a": 1}])
    def test_anything_else(self, source):
        with pytest.raises(ImageError, match="image: expected a path"):
            as_image_batch(source)
