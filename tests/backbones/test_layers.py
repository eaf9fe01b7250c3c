"""What is known of a layer, and how features are laid out as maps."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import BackboneError
from tests.backbones.inside import Field, as_map, is_channels_last_map, layer_stride


@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    extra=st.integers(0, 5),
    patch=st.sampled_from([8, 14, 16, 32]),
)
def test_tokens_are_in_reading_order_after_the_extra_ones(rows, columns, extra, patch):
    grid = torch.arange(rows * columns).reshape(rows, columns).float()
    tokens = torch.cat([torch.full((extra,), -1.0), grid.flatten()])[None, :, None]
    features = as_map(tokens.expand(2, -1, 4), rows * patch, columns * patch, patch)
    assert features.shape == (2, 4, rows, columns)
    assert torch.equal(features, grid.expand(2, 4, -1, -1))


def test_maps_and_vectors():
    x = torch.rand(2, 5, 3, 4)
    assert as_map(x, 9, 9, None) is x
    assert torch.equal(as_map(x[:, :, 0, 0], 9, 9, None), x[:, :, :1, :1])


@pytest.mark.parametrize("stride", [None, 16])
def test_tokens_that_do_not_fill_the_grid(stride):
    with pytest.raises(BackboneError, match="17 tokens for an image of 96x80 pixels"):
        as_map(torch.rand(1, 17, 4), 80, 96, stride)


def test_other_shapes():
    with pytest.raises(BackboneError, match=r"shape \(1, 2, 3, 4, 5\)"):
        as_map(torch.rand(1, 2, 3, 4, 5), 80, 96, 16)


@pytest.mark.parametrize(
    ("shape", "last"),
    [((1, 4, 4, 96), True), ((1, 96, 4, 4), False), ((1, 96, 1, 1), False), ((1, 1, 1, 9), True)],
)
def test_channels_last(shape, last):
    assert is_channels_last_map(torch.Size(shape)) is last


@pytest.mark.parametrize(
    ("shape", "seen", "side", "stride"),
    [
        ((1, 1000), None, 128, None),
        ((1, 65, 192), None, 128, 16),
        ((1, 64, 192), None, 128, 16),
        ((1, 69, 192), None, 128, 16),  # four registers and a class token
        ((1, 257, 384), None, 224, 14),
        ((1, 8, 1, 1), None, 128, None),
        ((1, 8, 23, 23), Field(11, 4), 96, 4),
        ((1, 8, 16, 16), Field(None, None), 128, 8),
        ((1, 16, 16, 8), None, 128, 8),
    ],
)
def test_stride(shape, seen, side, stride):
    assert layer_stride(torch.Size(shape), seen, side) == stride
