"""The fallback by hooks gives what tracing gives."""

import copy
import pickle
import threading

import pytest
import torch
import torchvision
from torch import nn

from snellen.errors import BackboneError
from tests.backbones.inside import HookedNetwork, LayerGraph

PROBE = (1, 3, 64, 64)


@pytest.fixture(scope="module")
def resnet():
    return torchvision.models.resnet18(weights=None).eval()


def values(runner, x, paths):
    nodes = {path: runner.node_of_path[path] for path in paths}
    with torch.no_grad():
        found = dict(runner.stream(x, set(nodes.values())))
    return {path: found[node] for path, node in nodes.items()}


def test_same_numbers_as_tracing(resnet):
    probe = torch.rand(PROBE)
    hooks = HookedNetwork(resnet, probe)
    with torch.no_grad():
        graph = LayerGraph(resnet, probe, resnet(probe))
    # layer1.0.bn2 is overwritten by `out += identity`, and relu by nothing.
    paths = ["bn1", "relu", "layer1.0.bn2", "layer1.0", "layer2", "layer2.0.downsample.1", "fc"]
    x = torch.rand(2, 3, 70, 50)
    for path, expected in values(graph, x, paths).items():
        assert torch.equal(values(hooks, x, paths)[path], expected), path
        assert torch.equal(values(hooks, x, [path])[path], expected), path


def test_stops_at_the_deepest_and_leaves_no_hook(resnet):
    hooks = HookedNetwork(resnet, torch.rand(PROBE))
    calls = []
    handles = [
        resnet.get_submodule(path).register_forward_hook(lambda *_, p=path: calls.append(p))
        for path in ("layer1", "layer2.0", "layer2.1", "layer3")
    ]
    values(hooks, torch.rand(PROBE), ["layer2"])
    for handle in handles:
        handle.remove()
    assert calls == ["layer1", "layer2.0", "layer2.1"]
    assert not any(module._forward_hooks for module in resnet.modules())


def test_modules_that_run_twice_or_return_no_tensor_are_no_layers(resnet):
    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.twice, self.once, self.pair = nn.ReLU(), nn.Conv2d(3, 3, 1), Pair()

        def forward(self, x):
            return self.pair(self.twice(self.once(self.twice(x))))[0]

    assert list(HookedNetwork(Network(), torch.rand(PROBE)).node_of_path) == ["once"]


def test_a_container_is_its_last_layer():
    network = nn.Sequential(nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(inplace=True)), nn.Identity())
    nodes = HookedNetwork(network, torch.rand(PROBE)).node_of_path
    assert nodes["0"] == nodes["1"] == nodes["0.1"] != nodes["0.0"]


def test_the_image_is_not_changed():
    hooks = HookedNetwork(nn.Sequential(nn.Identity(), nn.ReLU(inplace=True)), torch.rand(PROBE))
    x = torch.randn(PROBE)
    before = x.clone()
    found = values(hooks, x, ["0", "1"])
    assert torch.equal(x, before)
    assert torch.equal(found["0"], before)
    assert torch.equal(found["1"], before.relu())


def test_a_layer_is_let_go_of_when_handed_out(resnet):
    hooks = HookedNetwork(resnet, torch.rand(PROBE))
    with torch.no_grad():
        stream = hooks.stream(torch.rand(PROBE), ["conv1", "layer1"])
        assert [path for path, _ in stream] == ["conv1", "layer1"]


def test_a_layer_that_does_not_run_is_an_error():
    class Shy(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

        def forward(self, x):
            return self.b(self.a(x)) if x.shape[-1] >= 64 else self.a(x)

    hooks = HookedNetwork(Shy(), torch.rand(PROBE))
    with pytest.raises(BackboneError, match="did not run b for images of 8x9 pixels"):
        list(hooks.stream(torch.rand(1, 3, 9, 8), ["b"]))


def test_threads_do_not_catch_each_others_layers():
    started, go_on = threading.Event(), threading.Event()

    class Slow(nn.Module):
        def forward(self, x):
            if x.max() > 1:
                started.set()
                assert go_on.wait(20)
            return x.clone()

    network = nn.Sequential(nn.ReLU(), Slow(), nn.Conv2d(3, 3, 1))
    hooks = HookedNetwork(network, torch.rand(PROBE))
    found = {}
    first = torch.full((1, 3, 4, 4), 2.0)

    def work():
        found.update(values(hooks, first, ["0", "2"]))

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(20)
    other = values(hooks, torch.zeros(1, 3, 4, 4), ["0"])
    go_on.set()
    thread.join(20)
    assert torch.equal(found["0"], first)
    assert torch.equal(other["0"], torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize("copy_of", [copy.deepcopy, lambda h: pickle.loads(pickle.dumps(h))])
def test_can_be_copied(resnet, copy_of):
    hooks = HookedNetwork(resnet, torch.rand(PROBE))
    x = torch.rand(PROBE)
    expected = values(hooks, x, ["layer1"])["layer1"]
    assert torch.equal(values(copy_of(hooks), x, ["layer1"])["layer1"], expected)
