"""What a score costs: networks built, and images that go through them."""

import gc
import weakref

import pytest
import torch
import torchvision
from torch import nn

from snellen.backbones import Backbone
from snellen.metrics import create_metric, create_metrics


class Passes:
    """Counts the images that enter a network."""

    def __init__(self, metric):
        first = next(m for m in metric.backbone.modules() if isinstance(m, nn.Conv2d))
        self.images = self.calls = 0
        first.register_forward_pre_hook(self._count)

    def _count(self, _module, inputs):
        self.calls += 1
        self.images += len(inputs[0])

    def during(self, call, *args):
        before = self.calls, self.images
        call(*args)
        return self.calls - before[0], self.images - before[1]


@pytest.fixture
def built(monkeypatch):
    """Names of the networks that torchvision builds."""
    names = []
    for kind in (torchvision.models.SqueezeNet, torchvision.models.AlexNet):
        _count_instances(monkeypatch, kind, names)
    return names


def _count_instances(monkeypatch, kind, names):
    plain = kind.__init__

    def counted(self, *args, **kwargs):
        names.append(kind.__name__)
        plain(self, *args, **kwargs)

    monkeypatch.setattr(kind, "__init__", counted)


@pytest.fixture
def images():
    return torch.rand(3, 3, 64, 64), torch.rand(3, 3, 64, 64)


def squeeze_set(*more, **options):
    names = ["dfb-squeezenet1_1", "euclidean-squeezenet1_1", *more]
    return create_metrics(names, weights="random", **options)


def test_a_metric_builds_its_network_once_and_no_call_builds_any(built, images):
    metric = create_metric("dfb-squeezenet1_1", weights="random")
    assert built == ["SqueezeNet"]
    metric(*images)
    metric.map(*images)
    metric(images[0], metric.prepare(images[1]))
    metric.manifest()
    assert built == ["SqueezeNet"]


def test_a_pair_costs_two_passes(images):
    x, y = images
    metric = create_metric("dfb-squeezenet1_1", weights="random")
    passes = Passes(metric)
    assert passes.during(metric, x[:1], y[:1]) == (2, 2)
    assert passes.during(metric.map, x[:1], y[:1]) == (2, 2)
    assert passes.during(metric, x, y) == (2, 6)
    assert passes.during(metric, x.clone().requires_grad_(), y) == (2, 6)


def test_one_reference_against_many_is_computed_once(images):
    x, y = images
    metric = create_metric("dfb-squeezenet1_1", weights="random")
    passes = Passes(metric)
    assert passes.during(metric, x, y[:1]) == (2, 4)
    prepared = metric.prepare(y[:1])
    assert passes.images == 5
    assert passes.during(metric, x, prepared) == (1, 3)
    assert passes.during(metric.map, x, prepared) == (1, 3)


def test_metrics_of_one_network_share_it_and_its_passes(built, images):
    x, y = images
    metrics = squeeze_set("lpips-squeeze", layers=["fire3", "fire5"])
    assert built == ["SqueezeNet"]
    passes = Passes(metrics["dfb-squeezenet1_1"])
    assert passes.during(metrics, x, y) == (2, 6)
    prepared = metrics.prepare(y[:1])
    assert passes.during(metrics, x, prepared) == (1, 3)


def test_metrics_of_a_set_score_as_they_do_alone(images):
    names = ["dfb-squeezenet1_1", "wsd-squeezenet1_1", "euclidean-squeezenet1_1", "psnr", "dfb"]
    x, y = images
    metrics = create_metrics(names, weights="random")
    together = metrics(x, y)
    assert list(together) == names
    prepared = metrics(x, metrics.prepare(y))
    for name in names:
        options = {"weights": "random"} if "squeeze" in name else {}
        alone = create_metric(name, **options)(x, y)
        torch.testing.assert_close(together[name], alone, rtol=1e-6, atol=0)
        assert torch.equal(prepared[name], together[name])


def test_different_networks_share_nothing(built, images):
    names = ["dfb-squeezenet1_1", "dfb-alexnet", "wsd-squeezenet1_1"]
    metrics = create_metrics(names, weights="random")
    # The last pools differently and does not normalise: it is another network.
    assert sorted(built) == ["AlexNet", "SqueezeNet", "SqueezeNet"]
    passes = {name: Passes(metrics[name]) for name in names}
    metrics(*images)
    assert [p.images for p in passes.values()] == [6, 6, 6]
    pointers = [{p.data_ptr() for p in metrics[n].backbone.parameters()} for n in names]
    assert not (pointers[0] & pointers[2]) | (pointers[0] & pointers[1])


def test_another_protocol_takes_a_pass_of_its_own(images):
    x, y = images
    plain = create_metric("dfb-squeezenet1_1", weights="random")
    half = create_metric("dfb-squeezenet1_1", backbone=plain.backbone, resize="half")
    prepared = plain.prepare(y)
    passes = Passes(plain)
    assert passes.during(half, x, prepared) == (2, 6)  # those features are of larger images
    assert torch.equal(half(x, prepared), half(x, y))


def test_prepared_features_serve_only_the_network_that_made_them(images):
    x, y = images
    one = create_metric("dfb-squeezenet1_1", weights="random", seed=0)
    prepared, network = one.prepare(y), weakref.ref(one.backbone)
    del one
    gc.collect()
    assert network() is not None  # else its id, by which features are found, could be another's
    for seed in (1, 2):
        other = create_metric("dfb-squeezenet1_1", weights="random", seed=seed)
        assert torch.equal(other(x, prepared), other(x, y))


def test_features_prepared_in_another_precision_are_not_used(images):
    x, y = images
    metric = create_metric("dfb-squeezenet1_1", weights="random")
    prepared = metric.prepare(y)
    metric.to(torch.bfloat16)
    assert torch.equal(metric(x, prepared), metric(x, y))


def test_a_set_may_go_through_threads_if_all_its_networks_may(monkeypatch):
    metrics = create_metrics(["dfb", "psnr", "ssim"])
    assert metrics.thread_safe
    monkeypatch.setattr(Backbone, "thread_safe", False)
    assert not metrics.thread_safe
    assert [metric.thread_safe for metric in metrics] == [False, True, True]


def test_networks_hold_only_what_their_metrics_need():
    shallow = create_metric("dfb-squeezenet1_1", weights="random", layer="fire2")
    whole = torchvision.models.squeezenet1_1(weights=None)
    kept = sum(p.numel() for p in shallow.backbone.parameters())
    assert kept == sum(p.numel() for p in whole.features[:4].parameters())
    both = squeeze_set(layer="fire3")
    assert both["dfb-squeezenet1_1"].backbone is both["euclidean-squeezenet1_1"].backbone


def test_memory_of_prepared_features_is_estimated():
    metrics = create_metrics(["dfb", "euclidean-gabor", "psnr"])
    batch = torch.rand(1, 3, 64, 96)
    prepared = metrics.prepare(batch)
    held = {id(t): t.numel() * 4 for f in prepared.features.values() for t in f.values()}
    assert metrics.feature_bytes(64, 96) == sum(held.values())


def test_no_layer_outlives_the_next_one(distorted_pairs):
    """Lockstep: while a layer is computed, no tensor of the layers before the last is alive."""
    import weakref

    from snellen.readouts import Euclidean

    _, x, y = distorted_pairs[0]
    metric = create_metric("euclidean-squeezenet1_1", weights="random")
    born, alive_later = [], []

    class Watch(Euclidean):
        def measure(self, f, g, weights=None):
            alive_later.append(sum(ref() is not None for ref in born))
            born.extend([weakref.ref(f), weakref.ref(g)])
            return super().measure(f, g, weights)

    metric.readout = Watch()
    metric(x, y)
    assert len(born) == 2 * len(metric.layers)
    assert alive_later == [0] * len(metric.layers)
