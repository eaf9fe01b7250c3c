"""Reduced-reference metrics: what is transmitted, what is compared, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snellen.errors import ImageError, MetricError
from snellen.metrics import (
    Descriptor,
    ReducedReferenceMetric,
    create_metric,
    create_metrics,
    find_row,
)
from tests.metrics.inside import Pooling

NETWORKS = ("rr-gabor", "rr-squeezenet1_1")
GABOR = create_metric("rr-gabor")
TERMS = GABOR.terms()


@pytest.fixture(scope="module", params=NETWORKS)
def metric(request):
    weights = None if request.param == "rr-gabor" else "random"
    return create_metric(request.param, weights=weights)


def images(seed, count=3, height=48, width=64):
    """Random blobs: images with structure at several scales."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 8, generator=generator)
    fine = torch.rand(count, 3, height, width, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return (0.8 * smooth + 0.2 * fine).clamp(0, 1)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(17, 60), st.integers(17, 60))
def test_equal_images_are_at_distance_0_and_distances_are_symmetric(seed, height, width):
    x, y = (images(s, 2, height, width) for s in (seed, seed + 1))
    assert torch.equal(GABOR(x, x), torch.zeros(2))
    assert torch.equal(GABOR(x, y), GABOR(y, x))
    assert (GABOR(x, y) > 0).all()


def test_a_descriptor_stands_for_its_reference_to_the_bit(metric):
    x, y = images(1), images(2)
    sent = metric.describe(y)
    assert isinstance(metric, ReducedReferenceMetric)
    assert sent.values.shape == (3, 16)
    assert sent.values.dtype == torch.float16
    assert torch.equal(metric(x, sent), metric(x, y))
    assert torch.equal(metric(x, Descriptor.from_json(sent.to_json())), metric(x, y))
    assert torch.equal(metric(y, sent), torch.zeros(3))


def test_the_distance_is_the_euclidean_one_of_the_values(metric):
    x, y = images(1), images(2)
    ours, theirs = (metric.describe(t).values.double() for t in (x, y))
    expected = torch.linalg.vector_norm(ours - theirs, dim=1)
    torch.testing.assert_close(metric(x, y).double(), expected, rtol=1e-6, atol=0)


def test_values_are_the_definition_written_out(photos):
    """Means, deviations, logarithm and projection, in numpy."""
    metric = create_metric("rr-gabor", values=5, readout_options={"type": "float32"})
    pooled = []
    for f in (metric.backbone(photos[0], metric.layers)[name] for name in metric.layers):
        maps = f[0].double().flatten(1).numpy()
        pooled += [maps.mean(1), maps.std(1)]
    pooled = np.concatenate(pooled)
    pooled = np.sign(pooled) * np.abs(pooled) ** 0.5
    centre, matrix = (t.double().numpy() for t in (metric.projection.centre,
                                                   metric.projection.matrix))  # fmt: skip
    expected = (pooled - centre) @ matrix[:, :5]
    np.testing.assert_allclose(metric.describe(photos[0]).values[0], expected, rtol=1e-4, atol=1e-5)


def test_an_image_has_one_descriptor_whatever_the_batch_it_comes_in(metric):
    batch = images(3, count=5)
    whole = metric.describe(batch).values
    order = torch.tensor([4, 1, 3, 0, 2])
    assert torch.equal(metric.describe(batch[order]).values, whole[order])
    for i in range(5):
        assert torch.equal(metric.describe(batch[i]).values[0], whole[i])
    assert torch.equal(metric(batch, batch[:1]), metric(batch, metric.describe(batch[:1])))
    assert torch.equal(metric(batch[:1], batch), metric(batch, batch[:1]))


@pytest.mark.parametrize(("kind", "each"), [("float16", 2), ("float32", 4)])
@pytest.mark.parametrize("values", [1, 2, 16, 64])
def test_the_bytes_are_those_of_the_values(kind, each, values):
    metric = create_metric("rr-gabor", values=values, readout_options={"type": kind})
    sent = metric.describe(images(1, count=2))
    assert sent.nbytes == 2 * values * each == len(sent.values.numpy().tobytes())
    assert metric.nbytes == metric.manifest()["bytes"] == values * each
    assert json.loads(sent.to_json())["bytes"] == sent.nbytes


def test_fewer_values_are_the_first_of_more():
    x = images(1)
    few, many = (create_metric("rr-gabor", values=k).describe(x).values for k in (4, 64))
    assert torch.equal(few, many[:, :4])


def test_rounding_to_float16_is_what_it_costs():
    x, y = images(1), images(2)
    exact = create_metric("rr-gabor", readout_options={"type": "float32"})
    rounded = create_metric("rr-gabor")
    largest = exact.describe(torch.cat([x, y])).values.abs().max()
    bound = 2 * 2**-11 * largest * 16**0.5
    assert (exact(x, y) - rounded(x, y)).abs().max() <= bound


def floats(kind):
    return st.floats(width=int(kind[5:]), allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("kind", ["float16", "float32"])
@given(st.data())
def test_json_keeps_values_to_the_bit(kind, data):
    count = data.draw(st.integers(1, 20))
    shape = (data.draw(st.integers(1, 3)), count)
    values = data.draw(arrays(kind, shape, elements=floats(kind)))
    sent = Descriptor(
        torch.from_numpy(values), (480, 640), {**TERMS, "values": count, "type": kind}
    )
    text = sent.to_json()
    back = Descriptor.from_json(text)
    assert back.values.numpy().tobytes() == values.tobytes()
    assert (back.size, back.terms, back.to_json()) == (sent.size, sent.terms, text)


def test_files_come_back_and_can_be_read_by_people(tmp_path):
    sent = create_metric("rr-gabor", values=4).describe(images(1, count=1))
    path = tmp_path / "deep" / "reference.json"
    sent.save(path)
    assert torch.equal(Descriptor.load(path).values, sent.values)
    assert [file.name for file in path.parent.iterdir()] == ["reference.json"]
    document = json.loads(path.read_text())
    assert document["image"] == {"width": 64, "height": 48}
    assert document["terms"]["metric"] == "rr-gabor"
    assert len(document["terms"]["projection"]["sha256"]) == 64
    assert f"\n    {document['values'][0]}\n" in path.read_text()


def tampered(text, change):
    document = json.loads(text)
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["values"][0].__setitem__(0, 9.0), "changed after it was written"),
        (lambda d: d["terms"].__setitem__("metric", "rr-vgg16"), "changed after it was written"),
        (lambda d: d["image"].__setitem__("width", 9), "changed after it was written"),
        (lambda d: d.pop("sha256"), "changed after it was written"),
        (lambda d: d.__setitem__("sha256", "0" * 64), "changed after it was written"),
        (lambda d: d["values"][0].pop(), "no whole descriptor.*rows of 16 values"),
        (lambda d: d.__setitem__("values", []), "no whole descriptor"),
        (lambda d: d["values"][0].__setitem__(0, 1e9), "no whole descriptor.*not finite"),
        (lambda d: d["values"][0].__setitem__(0, "a"), "no whole descriptor"),
        (lambda d: d.pop("terms"), "no whole descriptor.*terms"),
        (lambda d: d.pop("image"), "no whole descriptor.*image"),
        (lambda d: d["terms"].__setitem__("type", "float8"), "no whole descriptor.*float8"),
        (lambda d: d.__setitem__("snellen_descriptor", 99), "version 99.*reads version 1"),
        (lambda d: d.pop("snellen_descriptor"), "is no descriptor.*snellen describe"),
    ],
)
def test_a_changed_descriptor_is_refused(change, message):
    text = create_metric("rr-gabor").describe(images(1, count=1)).to_json()
    with pytest.raises(MetricError, match=f"(?s)from-sender.*{message}"):
        Descriptor.from_json(tampered(text, change), name="from-sender")


@pytest.mark.parametrize("text", ["", "[1, 2]", "null", '{"values": [1]}', "{", "[" * 100_000])
def test_other_json_is_refused(text, tmp_path):
    with pytest.raises(MetricError, match=r"descriptor: is no (JSON|descriptor)"):
        Descriptor.from_json(text)
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(MetricError, match=r"other\.json: is no"):
        Descriptor.load(path)


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(MetricError, match=r"gone\.json: cannot be read"):
        Descriptor.load(tmp_path / "gone.json")
    (tmp_path / "image.json").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(MetricError, match=r"image\.json: cannot be read"):
        Descriptor.load(tmp_path / "image.json")


@pytest.mark.parametrize(
    ("name", "options", "difference"),
    [
        ("rr-gabor", {"values": 8}, "values: 16 there, 8 here"),
        ("rr-gabor", {"resize": "half"}, "protocol.resize: native there, half here"),
        ("rr-gabor", {"readout_options": {"type": "float32"}}, "type: float16 there"),
        ("rr-gabor", {"readout_options": {"transform": "log"}}, "pooling.transform: sqrt there"),
        ("rr-gabor", {"layer": "complex1"}, "layers: opponent, .* there, complex1 here"),
        ("rr-gabor", {"precision": "float64"}, "backbone.precision: float32 there"),
        ("rr-squeezenet1_1", {"weights": "random"}, "metric: rr-gabor there, rr-squeezenet1_1"),
    ],
)
def test_a_descriptor_on_other_terms_is_refused_and_they_are_named(name, options, difference):
    x = images(1)
    sent = create_metric("rr-gabor").describe(x)
    with pytest.raises(MetricError, match=f"{name} cannot use .*{difference}"):
        create_metric(name, **options)(x, sent)


def test_other_weights_are_named_by_their_hash():
    one, other = (create_metric("rr-squeezenet1_1", weights="random", seed=s) for s in (0, 1))
    with pytest.raises(MetricError, match=r"backbone\.weights\.sha256: [0-9a-f]{12}\.\.\. there"):
        other(images(1), one.describe(images(1)))


def test_options_of_a_descriptor_make_the_receivers_metric():
    x, y = images(1), images(2)
    options = {"pooling": "mean", "transform": "sqrt", "type": "float32", "seed": 3}
    metric = create_metric(
        "rr-squeezenet1_1", weights="random", values=7, layers=["fire2", "relu1"], resize="half",
        readout_options=options,
    )  # fmt: skip
    sent = Descriptor.from_json(metric.describe(y).to_json())
    receiver = create_metric(sent.metric, weights="random", **sent.options())
    assert receiver.terms() == metric.terms()
    assert torch.equal(receiver(x, sent), metric(x, y))


def test_options_of_a_descriptor_keep_the_shipped_projection():
    sent = GABOR.describe(images(1))
    assert sent.terms["projection"]["kind"] == "fitted"
    assert create_metric(sent.metric, **sent.options()).terms() == GABOR.terms()


def test_sizes_are_those_of_the_reference_unless_asked_otherwise():
    y, smaller = images(1), images(1, height=40, width=56)
    sent = create_metric("rr-gabor").describe(y)
    with pytest.raises(ImageError, match="distorted is 56x40, reference is 64x48"):
        create_metric("rr-gabor")(smaller, sent)
    resized = create_metric("rr-gabor", align="resize")
    assert torch.equal(resized(smaller, sent), resized(smaller, y))
    cropped = create_metric("rr-gabor", align="crop")
    with pytest.raises(ImageError, match="would cut the reference"):
        cropped(smaller, sent)
    assert torch.equal(cropped(y, sent), torch.zeros(3))
    assert cropped(smaller, y).shape == (3,)


def test_numbers_of_images_have_to_fit(metric):
    with pytest.raises(ImageError, match="3 distorted images and 2 reference images"):
        metric(images(1), metric.describe(images(1, count=2)))


@pytest.mark.parametrize("values", [0, -1, 2.0, True, 1000])
def test_a_wrong_number_of_values_is_refused(values):
    with pytest.raises(MetricError, match="values must be a whole number from 1 to 64"):
        create_metric("rr-gabor", values=values)
    with pytest.raises(MetricError, match=r"values must be a whole number from 1 to 64, .*"):
        create_metric("rr-squeezenet1_1", weights="random", layer="relu1", values=values,
                      readout_options={"pooling": "mean"})  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "dfb",
            {"values": 8},
            r"dfb compares .*: values cannot be set; values is for reduced-reference",
        ),
        (
            "psnr",
            {"values": 8},
            "psnr has no network: values cannot be set; values is for reduced-reference",
        ),
        ("rr-gabor", {"readout": "cosine"}, "rr-gabor compares descriptors"),
        ("rr-gabor", {"combine": "sum"}, "rr-gabor compares descriptors"),
        ("rr-gabor", {"channel_weights": {}}, "rr-gabor compares descriptors"),
        ("rr-gabor", {"readout_options": {"reading": "channel"}}, "no option reading; there are"),
        ("rr-gabor", {"readout_options": {"pooling": "max"}}, "pooling must be one of mean"),
        ("rr-gabor", {"readout_options": {"transform": "exp"}}, "transform must be one of none"),
        ("rr-gabor", {"readout_options": {"type": "int8"}}, "type must be one of float16"),
        ("rr-vgg61", {}, "No metric is called 'rr-vgg61'"),
    ],
)
def test_wrong_options_are_refused(name, options, message):
    with pytest.raises(MetricError, match=message):
        create_metric(name, **options)


def test_it_has_no_map(metric):
    x = images(1)
    for reference in (x, metric.describe(x)):
        with pytest.raises(MetricError, match="no map"):
            metric(x, reference, spatial=True)
    assert not metric.has_map


def test_their_kind_is_known():
    assert find_row("rr-resnet50").kind == "reduced-reference"
    assert create_metric("rr-gabor").kind == "reduced-reference"
    assert create_metric("rr-gabor").lower_better


def test_sets_share_networks_and_keep_what_each_needs(distorted_pairs):
    _, x, y = distorted_pairs[0]
    names = ["dfb-gabor", "rr-gabor", "euclidean-gabor", "psnr"]
    metrics = create_metrics(names, values=8, layers=None)
    together = metrics(x, y)
    assert metrics["dfb-gabor"].backbone is metrics["rr-gabor"].backbone
    assert torch.equal(together["rr-gabor"], create_metric("rr-gabor", values=8)(x, y))
    prepared = metrics.prepare(y)
    metrics["rr-gabor"].backbone.forward = None
    assert torch.equal(metrics(x, prepared)["rr-gabor"], together["rr-gabor"])
    assert torch.equal(metrics["rr-gabor"](x, prepared), together["rr-gabor"])


def test_the_reference_is_described_once(monkeypatch):
    metric = create_metric("rr-gabor")
    x, y = images(1, count=4), images(2, count=1)
    seen = []
    stream = type(metric.backbone).stream
    monkeypatch.setattr(
        type(metric.backbone), "stream",
        lambda self, batch, layers: (seen.append(len(batch)), stream(self, batch, layers))[1],
    )  # fmt: skip
    metric(x, y)
    assert seen == [1] * 5
    prepared = metric.prepare(y)
    seen.clear()
    metric(x, prepared)
    assert seen == [1] * 4
    seen.clear()
    metric(x, metric.describe(y))
    assert seen == [1] * 5


def test_gradients_pass_the_rounding(metric):
    x, y = images(1, count=1).requires_grad_(), images(2, count=1)
    score = metric(x, y)
    score.sum().backward()
    assert x.grad.isfinite().all()
    step = 0.02 * x.grad / x.grad.abs().max()
    assert metric((x.detach() - step).clamp(0, 1), y) < score
    same = y.clone().requires_grad_()
    metric(same, metric.describe(y)).sum().backward()
    assert (same.grad == 0).all()
    flat = torch.full_like(y, 0.5).requires_grad_()
    metric(flat, y).sum().backward()
    assert flat.grad.isfinite().all()


def test_the_manifest_says_it_all():
    manifest = create_metric("rr-gabor", values=8).manifest()
    json.dumps(manifest)
    assert manifest["projection"]["kind"] == "fitted"
    assert (manifest["values"], manifest["bytes"], manifest["type"]) == (8, 16, "float16")
    other = create_metric("rr-gabor", layer="complex1").manifest()
    assert other["projection"] == {"kind": "seeded", "seed": 0}


def test_worse_images_are_farther(metric, photos):
    noise = torch.randn(photos[0].shape, generator=torch.Generator().manual_seed(5))
    blurred = [torch.nn.functional.avg_pool2d(photos[0], k, 1, k // 2) for k in (3, 7)]
    noisy = [(photos[0] + sigma * noise).clamp(0, 1) for sigma in (0.02, 0.1)]
    for mild, strong in (blurred, noisy):
        assert 0 < metric(mild, photos[0]) < metric(strong, photos[0])


@pytest.mark.parametrize("statistics", ["mean", "mean-std", "std"])
@pytest.mark.parametrize("transform", ["none", "sqrt", "log"])
def test_pooling_is_that_of_numpy(statistics, transform):
    features = torch.randn(2, 5, 7, 3)
    maps = features.double().flatten(2).numpy()
    parts = {"mean": [maps.mean(2)], "std": [maps.std(2)]}
    parts["mean-std"] = parts["mean"] + parts["std"]
    expected = np.concatenate(parts[statistics], 1)
    change = {"none": np.abs, "sqrt": lambda v: np.abs(v) ** 0.5,
              "log": lambda v: np.log1p(np.abs(v) / 0.01)}[transform]  # fmt: skip
    pooling = Pooling(statistics, transform)
    found = pooling(features)
    np.testing.assert_allclose(found, np.sign(expected) * change(expected), rtol=1e-12)
    assert found.shape[1] == 5 * pooling.per_channel


def test_values_that_their_type_cannot_hold_are_refused():
    metric = create_metric("rr-gabor", values=4)
    metric.projection = replace(metric.projection, matrix=1e8 * metric.projection.matrix)
    with pytest.raises(MetricError, match=r"outside of float16 \(largest 65504\)"):
        metric.describe(images(1))
    exact = create_metric("rr-gabor", values=4, readout_options={"type": "float32"})
    exact.projection = metric.projection
    assert exact.describe(images(1)).values.isfinite().all()


def test_a_descriptor_says_what_it_is():
    sent = create_metric("rr-gabor", values=4).describe(images(1, count=2))
    manifest = sent.manifest()
    json.dumps(manifest)
    assert len(sent) == 2
    assert (manifest["width"], manifest["height"], manifest["bytes"]) == (64, 48, 16)
    assert manifest["backbone"]["weights"]["sha256"]
    assert manifest["projection"]["sha256"]
