import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from snellen.errors import ImageError
from snellen.images import ALIGNMENTS, match_sizes

sides = st.integers(1, 12)


def test_equal_sizes_are_passed_on():
    x, y = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    for align in ALIGNMENTS:
        assert match_sizes(x, y, align) == (x, y)


def test_error_states_both_sizes_and_the_ways_out():
    with pytest.raises(ImageError, match=r'5x4.*7x6.*align="crop".*align="resize"'):
        match_sizes(torch.rand(1, 3, 4, 5), torch.rand(1, 3, 6, 7))


@given(sides, sides, sides, sides)
def test_crop_keeps_the_center(h0, w0, h1, w1):
    rows, columns = torch.arange(h0)[:, None], torch.arange(w0)
    grid = torch.stack([rows.expand(h0, w0), columns.expand(h0, w0), columns.expand(h0, w0)])
    x, y = match_sizes(grid[None].float(), torch.rand(1, 3, h1, w1), "crop")
    assert x.shape == y.shape == (1, 3, min(h0, h1), min(w0, w1))
    for axis, (old, channel) in enumerate(((h0, 0), (w0, 1))):
        middle = (x[0, channel].min() + x[0, channel].max()) / 2
        assert abs(float(middle) - (old - 1) / 2) <= 0.5, axis


@given(sides, sides, sides, sides)
def test_resize_changes_only_the_distorted(h0, w0, h1, w1):
    reference = torch.rand(1, 3, h1, w1)
    x, y = match_sizes(torch.ones(2, 3, h0, w0), reference, "resize")
    assert x.shape == (2, 3, h1, w1)
    assert y is reference
    torch.testing.assert_close(x, torch.ones_like(x))


def test_resize_is_the_bicubic_of_pillow_and_stays_in_range():
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 2, (40, 60)).astype(np.float32))
    x, _ = match_sizes(image.expand(1, 3, -1, -1), torch.rand(1, 3, 17, 31), "resize")
    resized = Image.fromarray(image.numpy()).resize((31, 17), Image.Resampling.BICUBIC)
    expected = torch.from_numpy(np.array(resized)).clamp(0, 1)
    torch.testing.assert_close(x[0, 0], expected, rtol=0, atol=1e-5)


def test_resize_passes_gradients():
    x = torch.full((1, 3, 8, 8), 0.5, requires_grad=True)
    match_sizes(x, torch.rand(1, 3, 5, 5), "resize")[0].sum().backward()
    assert x.grad.sum() == pytest.approx(75, rel=1e-4)


@pytest.mark.parametrize("counts", [(1, 4), (4, 1)])
def test_one_image_serves_many(counts):
    x, y = (torch.rand(count, 3, 4, 5) for count in counts)
    assert match_sizes(x, y) == (x, y)


def test_other_counts_are_an_error():
    with pytest.raises(ImageError, match="2 distorted images and 3 reference images"):
        match_sizes(torch.rand(2, 3, 4, 5), torch.rand(3, 3, 4, 5))


def test_unknown_alignment_names_the_known():
    with pytest.raises(ImageError, match="error, crop, resize; got 'stretch'"):
        match_sizes(torch.rand(1, 3, 4, 5), torch.rand(1, 3, 4, 5), "stretch")
