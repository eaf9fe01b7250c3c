"""What holds for every readout with every option."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snellen.errors import MetricError
from snellen.readouts import READOUTS, Readout, create_readout, list_readouts
from tests.readouts.inside import sums_module

from .definitions import CASES, IDS, READINGS, distance_correlation

READERS = [create_readout(name, **options) for name, options, _ in CASES]
READERS += [create_readout("cosine", reading=r, centred=True) for r in ("position", "channel")]
IDS = [*IDS, "cosine centred", "cosine per channel, centred"]
every_readout = pytest.mark.parametrize("readout", READERS, ids=IDS)

WEIGHTS = {
    "equal": None,
    "different": torch.tensor([0.0, 0.5, 1.0, 2.0]),
    "zero": torch.zeros(4),
}
dead_channel = torch.rand(1, 4, 9, 8)
dead_channel[:, 1] = 0
FEATURES = {
    "texture": torch.rand(2, 4, 9, 8),
    "signed": torch.randn(2, 4, 9, 8),
    "constant": torch.full((1, 4, 9, 8), 0.37),
    "constant channels": torch.rand(1, 4, 1, 1).expand(1, 4, 9, 8),
    "black": torch.zeros(1, 4, 9, 8),
    "dead channel": dead_channel,
    "tiny": torch.rand(1, 4, 9, 8) * 1e-30,
    "large": torch.rand(1, 4, 9, 8) * 1e6,
    "one pixel": torch.rand(1, 4, 1, 1),
    "one channel": torch.rand(1, 1, 9, 8),
}


@every_readout
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("kind", FEATURES)
def test_identity_is_exactly_zero_with_finite_gradients(readout, kind, weights):
    g = FEATURES[kind]
    w = WEIGHTS[weights]
    w = w if w is None else w[: g.shape[1]]
    f = g.clone().requires_grad_()
    distance = readout(f, g, w)
    assert distance.tolist() == [0.0] * len(g)
    distance.sum().backward()
    assert f.grad.isfinite().all()
    assert readout(g, g, w).tolist() == [0.0] * len(g)  # by the path without gradients


def of_every_layout(g):
    """Copies of features, each in a memory layout of its own."""
    yield g.contiguous()
    yield g.contiguous(memory_format=torch.channels_last)
    yield g.transpose(2, 3).contiguous().transpose(2, 3)
    off_by_three = torch.empty(g.numel() + 3)[3:].view(g.shape)
    every_other = torch.empty(*g.shape[:-1], 2 * g.shape[-1])[..., ::2]
    yield off_by_three.copy_(g)
    yield every_other.copy_(g)


@every_readout
@pytest.mark.parametrize("kind", ["random", "constant channels", "equal channels"])
def test_equal_images_are_at_zero_in_any_memory_layout(readout, kind):
    shape = (1, 64, 31, 33)  # long enough sums to be rounded, and some are by other layouts
    g = {
        "random": torch.rand(shape),
        "constant channels": torch.rand(1, 64, 1, 1).expand(shape),
        "equal channels": torch.rand(1, 1, 31, 33).expand(shape),
    }[kind]
    for f in of_every_layout(g):
        assert readout(f, g).item() == 0
        assert readout(f.clone().requires_grad_(), g).item() == 0


@every_readout
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_identity_in_half_precision(readout, dtype):
    g = torch.rand(2, 4, 9, 8).to(dtype)
    f = g.clone().requires_grad_()
    distance = readout(f, g)
    assert distance.tolist() == [0.0, 0.0]
    distance.sum().backward()
    assert f.grad.isfinite().all()


@every_readout
@pytest.mark.parametrize("kind", FEATURES)
def test_distance_of_anything_from_black_has_finite_gradients(readout, kind):
    f = FEATURES[kind].clone().requires_grad_()
    distance = readout(f, torch.zeros_like(f))
    distance.sum().backward()
    assert distance.isfinite().all()
    assert f.grad.isfinite().all()


@every_readout
@given(
    f=arrays("float32", (1, 3, 4, 6), elements=st.floats(-8, 8, width=32)),
    g=arrays("float32", (1, 3, 4, 6), elements=st.floats(-8, 8, width=32)),
)
@settings(max_examples=15)
def test_never_negative_and_symmetric(readout, f, g):
    f, g = torch.from_numpy(f), torch.from_numpy(g)
    one, other = readout(f, g).item(), readout(g, f).item()
    assert one >= 0
    assert one == pytest.approx(other, rel=1e-5, abs=1e-6)


@every_readout
def test_one_image_meets_all_of_the_other_batch(readout):
    f, g = torch.rand(3, 4, 9, 8), torch.rand(1, 4, 9, 8)
    for a, b in ((f, g), (g, f)):
        together = readout(a, b)
        repeated = readout(a.expand(3, -1, -1, -1), b.expand(3, -1, -1, -1))
        torch.testing.assert_close(together, repeated, rtol=1e-6, atol=0)
        recorded = readout(a.clone().requires_grad_(), b)
        torch.testing.assert_close(recorded.detach(), repeated, rtol=1e-6, atol=0)


@every_readout
def test_batch_composition_does_not_matter(readout):
    f, g = torch.rand(5, 4, 9, 8), torch.rand(5, 4, 9, 8)
    alone = torch.cat([readout(f[i : i + 1], g[i : i + 1]) for i in range(5)])
    order = torch.tensor([3, 0, 4, 2, 1])
    torch.testing.assert_close(readout(f, g), alone, rtol=1e-6, atol=0)
    torch.testing.assert_close(readout(f[order], g[order]), alone[order], rtol=1e-6, atol=0)


@every_readout
def test_memory_layout_does_not_matter(readout):
    f, g = torch.rand(2, 4, 9, 8), torch.rand(2, 4, 9, 8)
    last = [t.contiguous(memory_format=torch.channels_last) for t in (f, g)]
    torch.testing.assert_close(readout(*last), readout(f, g), rtol=1e-6, atol=0)


@every_readout
def test_gradients_are_those_of_finite_differences(readout):
    f = torch.rand(1, 3, 4, 4, dtype=torch.float64) + 0.1
    g = torch.rand(1, 3, 4, 4, dtype=torch.float64) + 0.1
    weights = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x: readout(x, g, weights), f.requires_grad_(), eps=1e-7, atol=1e-5
    )


@every_readout
def test_what_is_not_a_number_never_looks_like_no_difference(readout):
    f, g = torch.rand(2, 4, 9, 8), torch.rand(2, 4, 9, 8)
    f[0, 1, 2, 3] = math.nan
    distances = readout(f, g)
    assert not distances[0] >= 0
    assert distances[1] > 0


@every_readout
def test_features_that_do_not_belong_together_are_refused(readout):
    f = torch.rand(2, 4, 9, 8)
    for shape in ((3, 4, 9, 8), (2, 5, 9, 8), (2, 4, 9, 9), (2, 4, 8, 9), (4, 9, 8)):
        with pytest.raises(MetricError, match="features: expected"):
            readout(f, torch.rand(shape))
        with pytest.raises(MetricError, match="features: expected"), torch.inference_mode():
            sums_module.per_position(lambda u, v: (u * v).sum(1), f, torch.rand(shape))


def test_all_pixels_count_in_blocks_as_in_one_piece(monkeypatch):
    f, g = torch.rand(2, 5, 11, 7), torch.rand(1, 5, 11, 7)

    def product(u, v):
        return (u * v).sum(1)

    expected = (f * g).sum(1)
    for size in (1, 4 * 5 * 2, 4 * 5 * 10, 1 << 20):
        monkeypatch.setattr(sums_module, "_BLOCK_BYTES", size)
        with torch.inference_mode():
            blocks = sums_module.per_position(product, f, g)
            torch.testing.assert_close(blocks, expected)
            torch.testing.assert_close(sums_module.per_position(product, g, f), expected)


@pytest.mark.parametrize("name", ["euclidean", "squared", "cosine", "calibrated"])
def test_blocks_do_not_change_a_distance(name, monkeypatch):
    f, g = torch.rand(2, 5, 11, 7), torch.rand(2, 5, 11, 7)
    readout, weights = create_readout(name), torch.rand(5)
    with torch.no_grad():
        whole = readout(f, g, weights), readout.map(f, g, weights)
        monkeypatch.setattr(sums_module, "_BLOCK_BYTES", 4 * 5 * 3)
        torch.testing.assert_close(readout(f, g, weights), whole[0], rtol=1e-6, atol=0)
        torch.testing.assert_close(readout.map(f, g, weights), whole[1], rtol=1e-6, atol=0)


# Layers of one size, concatenated along their channels, and those whose channels are equal in
# number, along their positions.
BY_CHANNEL = [
    ("euclidean", {}), ("euclidean", {"rms": True}), ("squared", {}),
    ("cosine", {"reading": "flattened"}), ("cosine", {"reading": "channel"}),
    ("structure-texture", {}), ("statistics", {"moments": "mean"}),
    ("statistics", {"moments": "mean-std"}), ("wasserstein", {}), ("wasserstein", {"window": 3}),
]  # fmt: skip
BY_POSITION = [
    ("euclidean", {}), ("euclidean", {"rms": True}), ("squared", {}), ("cosine", {}),
    ("calibrated", {}), ("cosine", {"reading": "flattened"}),
]  # fmt: skip


@pytest.mark.parametrize(("axis", "name", "options"), [
    *[(1, *case) for case in BY_CHANNEL], *[(2, *case) for case in BY_POSITION],
])  # fmt: skip
def test_added_sums_are_those_of_concatenated_layers(axis, name, options):
    readout = create_readout(name, **options)
    assert readout.joins
    shapes = [(2, c, 6, 7) for c in (2, 3, 4)] if axis == 1 else [(2, 3, h, 7) for h in (2, 5, 6)]
    layers = [
        (torch.rand(s, dtype=torch.float64), torch.rand(s, dtype=torch.float64)) for s in shapes
    ]
    joined = readout.distance(sum(readout.measure(f, g) for f, g in layers))
    f, g = (torch.cat([layer[i] for layer in layers], dim=axis) for i in (0, 1))
    torch.testing.assert_close(joined, readout(f, g), rtol=1e-12, atol=0)


def test_joined_gram_matrices_are_concatenated_statistics():
    readout = create_readout("statistics", moments="gram")
    layers = [torch.rand(2, 1, c, 6, 7, dtype=torch.float64) for c in (2, 3)]
    joined = readout.distance(sum(readout.measure(f, g) for f, g in layers))
    parts = torch.cat([readout(f, g) for f, g in layers])
    torch.testing.assert_close(joined, parts.norm()[None])


@pytest.mark.parametrize("name", [n for n, readout in READOUTS.items() if readout.has_map])
def test_map_shows_where_the_difference_is(name):
    g = torch.rand(2, 4, 9, 8) + 0.1
    f = g.clone()
    f[0, 2, 3, 4] += 1
    shown = create_readout(name).map(f, g)
    assert shown.shape == (2, 1, 9, 8)
    assert shown.flatten().count_nonzero() == 1
    assert shown[0, 0, 3, 4] > 0


@pytest.mark.parametrize(
    "readout",
    [create_readout(name) for name in ("squared", "calibrated", "structure-texture")]
    + [create_readout("cosine", reading=reading) for reading in READINGS],
)
def test_mean_of_the_map_is_the_distance(readout):
    f, g, weights = torch.rand(2, 4, 9, 8), torch.rand(2, 4, 9, 8), torch.rand(4)
    mean = readout.map(f, g, weights).mean((1, 2, 3))
    torch.testing.assert_close(readout(f, g, weights), mean)
    assert readout.map(f, f, weights).count_nonzero() == 0


def test_a_readout_of_whole_images_says_that_it_has_no_map():
    f = torch.rand(1, 3, 4, 5)
    for readout in (create_readout(n) for n, kind in READOUTS.items() if not kind.has_map):
        with pytest.raises(MetricError, match=r"no map.*`has_map`.*READOUTS"):
            readout.map(f, f)


def test_constant_channels_have_no_structure_to_differ_in():
    # A mean that is off by one rounding would leave noise, whose cosine can be anything.
    f, g = (torch.full((1, 2, 37, 41), value) for value in (0.3, 0.7))
    for reading in ("position", "flattened", "channel"):
        assert create_readout("cosine", reading=reading, centred=True)(f, g).item() == 0
    difference = create_readout("statistics")(f, g).item()
    assert difference == pytest.approx(0.4 * math.sqrt(2), rel=1e-6)


def test_distance_correlation_does_not_see_what_all_channels_share():
    f = torch.rand(1, 5, 6, 6, dtype=torch.float64)
    moved = f + torch.rand(1, 1, 6, 6, dtype=torch.float64)
    assert create_readout("distance-correlation")(f, moved).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("faint", [0, 1e-4, 1e-2])
def test_distance_correlation_of_images_of_unlike_contrast(faint):
    f, g = faint * torch.rand(1, 3, 4, 6) + 6, torch.rand(1, 3, 4, 6)
    expected = distance_correlation(*(t[0].double().numpy() for t in (f, g)))
    for pair in ((f, g), (g, f)):
        assert create_readout("distance-correlation")(*pair).item() == pytest.approx(expected)


def test_deepwsd_of_signed_features_is_a_distance():
    f, g = torch.rand(1, 3, 16, 16), 3 * torch.rand(1, 3, 16, 16)
    distance = create_readout("deepwsd")(-f, -g)
    assert distance > 0.1
    torch.testing.assert_close(distance, create_readout("deepwsd")(f, g))


def test_names_options_and_manifests():
    assert list_readouts() == list(READOUTS)
    for name in list_readouts():
        readout = create_readout(name)
        assert isinstance(readout, Readout)
        assert readout.source
        assert readout.manifest()["name"] == name
        assert type(readout).__doc__.count("\n") > 3
    assert create_readout("wasserstein", window=3).manifest() == {
        "name": "wasserstein",
        "window": 3,
    }
    assert create_readout("cosine") == create_readout("cosine", reading="position")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cosin", {}, "No readout is called 'cosin'; there are euclidean"),
        ("euclidean", {"rsm": True}, "rsm.*Its options: rms"),
        ("squared", {"rms": True}, "Its options: none"),
        ("cosine", {"reading": "rows"}, "reading must be.*'rows'"),
        ("statistics", {"moments": "median"}, "moments must be.*'median'"),
        ("structure-texture", {"c1": 0.0}, "must be positive"),
        ("wasserstein", {"window": 0}, "window must be.*at least 1; got 0"),
        ("deepwsd", {"window": -8}, "window must be"),
        ("symmetric-kl", {"window": 2.5}, "window must be"),
    ],
)
def test_what_makes_no_sense_is_refused(name, options, message):
    with pytest.raises(MetricError, match=message):
        create_readout(name, **options)
