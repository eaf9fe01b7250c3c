"""Responses to degradations: what they are, and that sharing passes changes nothing."""

import json

import pytest
import torch

from snellen.backbones import Backbone, create_backbone
from snellen.distortions import distort, list_distortions
from snellen.errors import DistortionError, MetricError
from snellen.metrics import (
    DegradationMetric,
    MetricSet,
    create_metric,
    create_metrics,
    find_row,
    list_metrics,
)
from snellen.readouts import create_readout

ALIASED = "ddr-noise"


@pytest.fixture(scope="module")
def network():
    return create_backbone("squeezenet1_1", "random")


@pytest.fixture
def images(photos):
    return torch.cat([photo[..., 40:104, 40:112] for photo in photos[:3]])


@pytest.fixture
def passes(monkeypatch):
    """Number of images in every pass through a network."""
    counted, stream = [], Backbone.stream

    def count(self, batch, layers):
        counted.append(len(batch))
        return stream(self, batch, layers)

    monkeypatch.setattr(Backbone, "stream", count)
    return counted


def test_the_response_is_the_distance_of_the_features_of_image_and_degraded_image(images, network):
    layers = ["fire3", "fire5"]
    metric = create_metric("ddr-jpeg@35", backbone=network, layers=layers)
    assert isinstance(metric, DegradationMetric)
    degraded = distort(images, "jpeg@35")
    readout = create_readout("cosine", reading="position")
    theirs, ours = (network(batch, layers) for batch in (degraded, images))
    expected = torch.stack([readout(theirs[n], ours[n]) for n in layers]).mean(0)
    torch.testing.assert_close(metric(images), expected.float())
    full = create_metric(
        "dfb-squeezenet1_1",
        backbone=network,
        layers=layers,
        readout="cosine",
        readout_options={"reading": "position"},
    )
    torch.testing.assert_close(metric(images), full(degraded, images))


def test_a_type_is_the_mean_of_its_levels_and_levels_can_be_chosen(images):
    single = [create_metric(f"ddr-gaussian-blur:{level}")(images) for level in range(1, 6)]
    torch.testing.assert_close(create_metric("ddr-blur")(images), torch.stack(single).mean(0))
    two = create_metric("ddr-blur", levels=(2, 4))
    torch.testing.assert_close(two(images), torch.stack([single[1], single[3]]).mean(0))
    assert two.row.degradations == ("gaussian-blur:2", "gaussian-blur:4")


@pytest.mark.parametrize(
    "spec", ["mean-shift@0", "gamma-contrast@1", "mean-shift@0+gamma-contrast@1"]
)
@pytest.mark.parametrize("readout", ["cosine", "euclidean", "structure-texture"])
def test_the_response_to_what_does_nothing_is_0(images, spec, readout):
    assert torch.equal(distort(images, spec), images)
    metric = create_metric(f"ddr-{spec}", readout=readout)
    assert torch.equal(metric(images), torch.zeros(len(images)))


@pytest.mark.parametrize("name", ["ddr-white-noise:4", "ddr-impulse-noise:5", "ddr-jitter:3"])
def test_what_a_degradation_draws_does_not_depend_on_the_batch(images, name):
    metric = create_metric(name)
    together = metric(images)
    alone = torch.cat([metric(image) for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(metric(images.flip(0)), together.flip(0), rtol=1e-5, atol=1e-7)
    assert torch.equal(metric(images), together)


def test_the_seed_decides_what_is_drawn_and_is_told(images):
    first, second = (create_metric(ALIASED, degradation_seed=seed) for seed in (0, 1))
    assert not torch.equal(first(images), second(images))
    assert torch.equal(second(images), create_metric(ALIASED, degradation_seed=1)(images))
    assert [made["seed"] for made in second.manifest()["degradations"]] == [1] * 5


def test_metrics_of_a_set_score_as_alone_and_share_every_pass(images, passes):
    names = ["ddr-blur:3", "ddr-blur", "ddr-jpeg:2", "ddr-blur:3+jpeg:2"]
    metrics = create_metrics(names)
    passes.clear()
    scores = metrics(images)
    # the image, five blurs, JPEG, and both
    assert passes == [len(images)] * 8
    for name in names:
        torch.testing.assert_close(scores[name], create_metric(name)(images), rtol=0, atol=0)


def test_a_set_may_ask_for_other_layers_of_one_network(images, network):
    one = create_metric("ddr-blur:4", backbone=network, layer="fire5")
    other = create_metric("ddr-gaussian-blur:4", backbone=network, layers=["relu1", "fire3"])
    scores = MetricSet([one, other])(images)
    torch.testing.assert_close(scores["ddr-blur:4"], one(images))
    torch.testing.assert_close(scores["ddr-gaussian-blur:4"], other(images))


def test_seeds_and_protocols_share_no_pass(images):
    one, other = (
        create_metric("ddr-noise:3"),
        create_metric("ddr-white-noise:3", degradation_seed=9),
    )
    scores = MetricSet([one, other])(images)
    assert not torch.equal(scores["ddr-noise:3"], scores["ddr-white-noise:3"])
    torch.testing.assert_close(scores["ddr-white-noise:3"], other(images))


def test_metrics_with_and_without_reference_form_a_set(images):
    y = images[:1]
    scores = create_metrics(["dfb", "ddr-blur:3", "psnr"])(images, y)
    torch.testing.assert_close(scores["ddr-blur:3"], create_metric("ddr-blur:3")(images))
    many = create_metrics(["ddr-blur:3", "psnr"])(images[:1], images)
    assert many["ddr-blur:3"].shape == (len(images),)


@pytest.mark.parametrize(
    ("name", "layer"), [("gaussian-blur:4", "complex2"), ("noise:3", "complex1"), ("jpeg", None)]
)
def test_the_response_falls_with_the_level_on_photographs(photos, name, layer):
    metric = create_metric(f"ddr-{name}", layer=layer)
    kind = metric.row.degradations[0].partition(":")[0]
    for photo in photos[:3]:
        # Level 1 of blur, sigma 0.1, changes nothing.
        levels = range(2 if kind == "gaussian-blur" else 1, 6)
        versions = [photo, *(distort(photo, f"{kind}:{n}", seed=5) for n in levels)]
        found = metric(torch.cat([version[..., :144, :144] for version in versions]))
        assert (found.diff() < 0).all(), found
    assert metric.lower_better is False


def test_what_jpeg_has_done_at_a_quality_it_does_not_do_again(photos):
    metric = create_metric("ddr-jpeg@24")
    x = photos[0]
    again, other = (float(metric(distort(x, f"jpeg@{quality}"))) for quality in (24, 30))
    assert again < 0.05 * other < 0.05 * float(metric(x))


def test_every_type_of_the_catalogue_has_a_response():
    for one in list_distortions():
        row = find_row(f"ddr-{one.name}")
        assert row.degradations == tuple(f"{one.name}:{level}" for level in range(1, 6))
        assert (row.kind, row.lower_better) == ("no-reference", False)
        assert one.name in row.title
    assert {"ddr", "ddr-*"} <= set(list_metrics(kind="no-reference"))


def test_the_manifest_says_what_is_done_to_the_image():
    metric = create_metric("ddr-blur:3+jpeg@35")
    manifest = metric.manifest()
    (made,) = manifest["degradations"]
    assert made["spec"] == "gaussian-blur:3+jpeg@35"
    assert [step["strength"] for step in made["steps"]] == [1.0, 35.0]
    assert manifest["definition"]["degradations"] == ("gaussian-blur:3+jpeg@35",)
    json.dumps(manifest)


def test_another_network_by_name(images):
    metric = create_metric("ddr-blur:3", backbone="squeezenet1_1", weights="random", seed=3)
    assert metric.manifest()["backbone"]["weights"]["seed"] == 3
    assert metric.row.backbone == "squeezenet1_1"
    both = create_metrics(
        ["ddr-blur:3", "ddr-jpeg:3"], backbone="squeezenet1_1", weights="random", seed=3
    )
    assert both["ddr-blur:3"].backbone is both["ddr-jpeg:3"].backbone
    torch.testing.assert_close(both(images)["ddr-blur:3"], metric(images))


def test_gradients_flow_through_the_images_own_features(images):
    x = images[:1].clone().requires_grad_()
    create_metric("ddr-blur:4")(x).sum().backward()
    assert x.grad.isfinite().all()
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("ddr-blurr", {}, MetricError, "No metric is called 'ddr-blurr'.*did you mean blur"),
        ("ddr-jpeg:9", {}, MetricError, "level 9"),
        ("ddr-", {}, MetricError, "No metric is called 'ddr-'"),
        ("ddr-*", {}, MetricError, "No metric is called"),
        ("ddr-blur+jpeg:3", {}, MetricError, "expected TYPE:LEVEL"),
        ("ddr-blur", {"levels": (6,)}, DistortionError, "level 6"),
        ("ddr-blur", {"levels": ()}, MetricError, "levels must be several numbers"),
        ("ddr-blur", {"levels": 3}, MetricError, "levels must be several numbers"),
        ("ddr-blur:3", {"levels": (3,)}, MetricError, "this name says itself"),
        ("ddr-blur", {"head_weights": "x"}, MetricError, "without learned weights"),
        ("ddr-blur", {"values": 3}, MetricError, "ddr-blur compares an .*: values cannot be set"),
        ("ddr-blur", {"prompts": []}, MetricError, "has no option prompts"),
        ("ddr-blur", {"readout": "l3"}, MetricError, "No readout is called 'l3'"),
        ("ddr-blur", {"readout": "deepwsd", "combine": "join"}, MetricError, "cannot be taken"),
        (
            "dfb",
            {"levels": (3,)},
            MetricError,
            r"dfb .*: levels cannot be set; levels is for response \(ddr-\*\) metrics",
        ),
        (
            "psnr",
            {"degradation_seed": 3},
            MetricError,
            "psnr has no network: degradation_seed cannot be set; .*response",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(name, options, error, message):
    with pytest.raises(error, match=message):
        create_metric(name, **options)


def test_options_of_a_set_are_for_those_that_have_use_for_them():
    metrics = create_metrics(["psnr", "ddr-blur", "ddr-jpeg:3"], levels=(1, 2))
    assert metrics["ddr-blur"].row.degradations == ("gaussian-blur:1", "gaussian-blur:2")
    assert metrics["ddr-jpeg:3"].row.degradations == ("jpeg:3",)
    with pytest.raises(MetricError, match="no metric among psnr, ddr-jpeg:3 has use"):
        create_metrics(["psnr", "ddr-jpeg:3"], levels=(1, 2))
