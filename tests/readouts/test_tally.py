"""Readouts tile by tile against the whole layer."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.errors import MetricError
from snellen.readouts import create_readout

TILEABLE = [
    ("cosine", {"reading": "position"}),
    ("cosine", {"reading": "flattened"}),
    ("cosine", {"reading": "flattened", "centred": True}),
    ("cosine", {"reading": "channel"}),
    ("cosine", {"reading": "channel", "centred": True}),
    ("euclidean", {}),
    ("euclidean", {"rms": True}),
    ("squared", {}),
    ("calibrated", {}),
    ("structure-texture", {}),
    ("statistics", {"moments": "mean"}),
    ("statistics", {"moments": "mean-std"}),
    ("statistics", {"moments": "gram"}),
    ("distance-correlation", {}),
]


def tiled(readout, f, g, weights, rows, columns):
    tally = readout.tally(weights)
    for top, bottom in zip([0, *rows], [*rows, f.shape[2]], strict=True):
        for left, right in zip([0, *columns], [*columns, f.shape[3]], strict=True):
            tally.add(f[:, :, top:bottom, left:right], g[:, :, top:bottom, left:right])
    return readout.distance(tally.sums())


def features(seed, offset=0.0, channels=5, height=13, width=9):
    generator = torch.Generator().manual_seed(seed)
    f, noise = torch.rand(2, 2, channels, height, width, generator=generator)
    ramp = torch.linspace(0, 2, width)  # so that tiles differ in their means
    return f + ramp + offset, f + ramp + offset + 0.1 * noise


@pytest.mark.parametrize(("name", "options"), TILEABLE)
@pytest.mark.parametrize("with_weights", [False, True])
@settings(max_examples=15)
@given(
    seed=st.integers(0, 1000),
    rows=st.sets(st.integers(1, 12), max_size=3).map(sorted),
    columns=st.sets(st.integers(1, 8), max_size=3).map(sorted),
)
def test_tiles_make_the_whole(name, options, with_weights, seed, rows, columns):
    readout = create_readout(name, **options)
    f, g = (t.double() for t in features(seed))
    weights = torch.rand(5) if with_weights else None
    whole = readout.distance(readout.measure(f, g, weights))
    assert torch.allclose(
        tiled(readout, f, g, weights, rows, columns), whole, rtol=1e-8, atol=1e-14
    )


@pytest.mark.parametrize(("name", "options"), TILEABLE)
def test_in_float32(name, options):
    readout = create_readout(name, **options)
    f, g = features(7)
    whole = readout.distance(readout.measure(f, g))
    assert torch.allclose(tiled(readout, f, g, None, [4, 9], [5]), whole, rtol=2e-6)


@pytest.mark.parametrize(("name", "options"), TILEABLE)
def test_equal_images_are_at_distance_zero(name, options):
    readout = create_readout(name, **options)
    f, _ = features(0)
    assert torch.equal(tiled(readout, f, f, None, [4, 8], [3]), torch.zeros(2, dtype=torch.float64))


@pytest.mark.parametrize("name", ["structure-texture", "statistics"])
def test_a_large_mean_costs_no_digits(name):
    """Merged moments: raw sums of squares would lose 1e8 / 1e-2 of the 1e16 that float64 holds."""
    readout = create_readout(name)
    f, g = (t.double() for t in features(3, offset=1e4))
    whole = readout.distance(readout.measure(f, g))
    assert torch.allclose(tiled(readout, f, g, None, [5], [2, 6]), whole, rtol=1e-9)


def test_weights_by_term_of_structure_and_texture():
    readout = create_readout("structure-texture")
    f, g = features(1)
    weights = torch.rand(2, 5)
    whole = readout.distance(readout.measure(f, g, weights))
    assert torch.allclose(tiled(readout, f, g, weights, [6], [4]), whole, rtol=2e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cosine", {"reading": "position", "centred": True}),
        ("wasserstein", {}),
        ("deepwsd", {}),
        ("symmetric-kl", {}),
    ],
)
def test_readouts_that_need_all_positions_say_so(name, options):
    with pytest.raises(MetricError, match=f"'{name}' needs all positions .* tile by tile"):
        create_readout(name, **options).tally()
