import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

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
from tests.readouts import definitions

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
    sizes = {"vector": (9, 1, 1), "large": (70, 61, 83), "wide": (3, 170, 200)}
    c, h, w = sizes.get(kind, (12, 9, 7))
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


COSINES = {
    Cosine("position"): definitions.cosine_position,
    Cosine("flattened"): definitions.cosine_flattened,
    Cosine("channel"): definitions.cosine_channel,
}


def distance(readout, f, g, **options):
    return readout.distance(readout.from_moments(Moments(f, ReferenceMoments(g), **options))[None])[
        0
    ]


@pytest.mark.parametrize("means", [True, False])
@pytest.mark.parametrize("kind", ["plain", "sparse", "flat", "vector", "large"])
@pytest.mark.parametrize("readout", READOUTS, ids=repr)
def test_moments_give_what_the_readout_gives(readout, kind, means):
    f, g = features(kind)
    got = distance(readout, f, g, means=means)
    torch.testing.assert_close(got.float(), readout(f, g)[0], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("kind", ["plain", "sparse", "flat", "vector", "large"])
def test_a_reference_serves_many_versions(kind):
    f, g = features(kind)
    versions = [f, g.clone(), 0.5 * f, f.flip(3)]
    shared = ReferenceMoments(g)
    for i, version in enumerate(versions):
        moments = Moments(version, shared, means=i > 0)
        alone = Moments(version, ReferenceMoments(g))
        for readout in READOUTS:
            torch.testing.assert_close(
                readout.from_moments(moments), readout.from_moments(alone), rtol=1e-12, atol=0
            )


@given(
    gain=st.sampled_from([1e-4, 0.1, 0.124, 0.126, 0.2, 0.5, 0.999, 1, 1.001, 4, 60, 70, 1e4]),
    noise=st.sampled_from([1e-4, 1e-3, 1e-2, 0.1, 1, 10]),
    size=st.sampled_from([(1, 1, 2), (3, 40, 60), (64, 40, 41)]),
    seed=st.integers(0, 2**16),
)
def test_cosines_are_exact_however_alike_or_unlike(gain, noise, size, seed):
    generator = torch.Generator().manual_seed(seed)
    g = torch.randn(1, *size, generator=generator).relu() + 0.01
    f = gain * (g + noise * torch.randn(1, *size, generator=generator))
    a, b = f[0].double().numpy(), g[0].double().numpy()
    for reading, axis in (("position", 0), ("channel", (1, 2)), ("flattened", None)):
        unit_f, unit_g = (t / np.sqrt((t**2).sum(axis, keepdims=True)) for t in (a, b))
        expected = (((unit_f - unit_g) ** 2).sum(axis) / 2).mean()
        got = distance(Cosine(reading), f, g).item()
        # A change of length alone is no angle: what remains of it is rounding of the difference.
        rounding = 3e-7 * (abs(gain - 1) + noise * gain) ** 2 / gain
        assert got == pytest.approx(expected, rel=1e-5, abs=rounding), reading


@pytest.mark.parametrize("dead", ["f", "g", "both"])
@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("readout", COSINES, ids=repr)
def test_zero_vectors(readout, count, dead):
    f, g = features("large")
    for image in {"f": [f], "g": [g], "both": [f, g]}[dead]:
        image[:, :count] = 0
        image[:, :, 1, 2 : 2 + count] = 0
    torch.testing.assert_close(distance(readout, f, g).float(), readout(f, g)[0], rtol=1e-5, atol=0)


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("readout", COSINES, ids=repr)
def test_vectors_that_nearly_vanish(readout, count):
    f, g = features("large")
    f[:, :count] *= 1e-3
    f[:, :, 1, 2 : 2 + count] *= 1e-4
    expected = COSINES[readout](*(t[0].double().numpy() for t in (f, g)))
    torch.testing.assert_close(distance(readout, f, g).item(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("kind", ["plain", "sparse", "large"])
@pytest.mark.parametrize("gain", [2.0**-45, 2.0**45])
@pytest.mark.parametrize("readout", COSINES, ids=repr)
def test_a_gain_of_both_images_changes_no_cosine(readout, gain, kind):
    f, g = features(kind)
    assert distance(readout, gain * f, gain * g) == distance(readout, f, g)


def test_cosines_of_single_numbers_are_signs():
    g = torch.tensor([3.0, 0.1, 0.0, -7.0, 0.3, 0.0]).view(1, -1, 1, 1)
    f = torch.tensor([0.7, 0.3, 0.2, -0.9, -0.1, 0.0]).view(1, -1, 1, 1)
    assert distance(Cosine("channel"), f[:, [0, 1, 3]], g[:, [0, 1, 3]]) == 0
    assert distance(Cosine("channel"), f, g) == (0.5 + 2) / 6


@pytest.mark.parametrize("readout", READOUTS, ids=repr)
@pytest.mark.parametrize("image", [0, 1])
def test_nan_never_looks_like_no_difference(readout, image):
    pair = features("large")
    pair[image][0, 3, 4, 5] = torch.nan
    assert distance(readout, *pair).isnan()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("readout", READOUTS[:-2], ids=repr)
def test_other_types(readout, dtype):
    f, g = (t.to(dtype) for t in features("large"))
    for means in (True, False):
        got = distance(readout, f, g, means=means)
        torch.testing.assert_close(got.float(), readout(f, g)[0].float(), rtol=1e-5, atol=1e-9)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("kind", ["large", "wide"])
def test_the_number_of_threads_changes_nothing(threads, kind):
    f, g = features(kind)
    found = []
    for number in (1, 2, 3, 20):
        threads(number)
        moments = Moments(f, ReferenceMoments(g))
        found.append([readout.from_moments(moments) for readout in READOUTS[:-2]])
        in_new_thread = []
        thread = threading.Thread(target=lambda: in_new_thread.append(torch.get_num_threads()))  # noqa: B023
        thread.start()
        thread.join()
        assert in_new_thread == [torch.get_num_threads()] == [number]
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=0)


@pytest.mark.parametrize("kind", ["large", "wide"])
def test_sums_can_be_asked_for_outside_of_inference_mode(threads, kind):
    for number in (1, 2):
        threads(number)
        with torch.inference_mode():
            f, g = features(kind)
            moments = Moments(f, ReferenceMoments(g))
        for readout in READOUTS[:-2]:
            assert readout.from_moments(moments).isfinite().all()


def test_gradients_are_not_followed():
    f, g = (t.requires_grad_() for t in features("plain"))
    assert not Cosine("position").from_moments(Moments(f, ReferenceMoments(g))).requires_grad


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
        assert readout.distance(readout.from_moments(moments)[None]).item() == 0


def test_joined_layers_add_up():
    pairs = [features("plain"), features("large")]
    readout = Cosine("flattened")
    total = sum(readout.from_moments(Moments(f, ReferenceMoments(g))) for f, g in pairs)
    f, g = (torch.cat([pair[i].flatten().double() for pair in pairs]) for i in (0, 1))
    expected = 1 - f @ g / (f.norm() * g.norm())
    torch.testing.assert_close(readout.distance(total[None])[0], expected, rtol=1e-5, atol=0)
