import pytest
import torch

from snellen.readouts import (
    Cosine,
    Euclidean,
    Moments,
    ReferenceMoments,
    Squared,
    Statistics,
    StructureTexture,
    Wasserstein,
)

READOUTS = [
    Euclidean(),
    Euclidean(rms=True),
    Squared(),
    Cosine("position"),
    Cosine("flattened"),
    Cosine("channel"),
    Cosine("channel", centred=True),
    StructureTexture(),
    Statistics("mean"),
    Statistics("mean-std"),
    Statistics("gram"),
    Wasserstein(),
]


def features(kind):
    generator = torch.Generator().manual_seed(0)
    c, h, w = {"vector": (9, 1, 1), "large": (70, 61, 83)}.get(kind, (12, 9, 7))
    g = torch.randn(1, c, h, w, generator=generator)
    f = g + 0.1 * torch.randn(1, c, h, w, generator=generator)
    if kind == "sparse":
        f, g = f.relu(), g.relu()
        f[:, 1], g[:, 2] = 0, 0  # dead in one image
        f[:, 3], g[:, 3] = 0, 0  # dead in both
        f[:, :, 2], g[:, :, 3] = 0, 0
    if kind == "flat":
        f[:, :4], g[:, :4] = 5.25, 5
    return tuple(t.to(memory_format=torch.channels_last) for t in (f, g))


@pytest.mark.parametrize("kind", ["plain", "sparse", "flat", "vector", "large"])
@pytest.mark.parametrize("readout", READOUTS, ids=repr)
def test_moments_give_what_the_readout_gives(readout, kind):
    f, g = features(kind)
    moments = Moments(f, ReferenceMoments(g))
    got = readout.distance(moments.sums(readout)[None])
    torch.testing.assert_close(got.float(), readout(f, g), rtol=1e-5, atol=1e-9)


def test_differences_by_channel():
    f, g = features("plain")
    expected = ((f - g) ** 2).double().mean((0, 2, 3))
    torch.testing.assert_close(
        Moments(f, ReferenceMoments(g)).by_channel, expected, rtol=1e-5, atol=0
    )


@pytest.mark.parametrize("readout", READOUTS, ids=repr)
def test_identical_features_are_at_distance_zero(readout):
    for kind in ("sparse", "flat"):
        _, g = features(kind)
        moments = Moments(g.clone(), ReferenceMoments(g))
        assert readout.distance(moments.sums(readout)[None]).item() == 0


def test_joined_layers_add_up():
    pairs = [features("plain"), features("large")]
    readout = Cosine("flattened")
    total = sum(Moments(f, ReferenceMoments(g)).sums(readout) for f, g in pairs)
    f, g = (torch.cat([pair[i].flatten().double() for pair in pairs]) for i in (0, 1))
    expected = 1 - f @ g / (f.norm() * g.norm())
    torch.testing.assert_close(readout.distance(total[None])[0], expected, rtol=1e-5, atol=0)
