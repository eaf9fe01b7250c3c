"""The traced executor: right values, nothing deeper, nothing kept, nothing overwritten."""

import copy
import pickle
import weakref
from typing import ClassVar

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.backbones.inside import LayerGraph, trace, trunk


class Spy(nn.Module):
    """A layer that remembers its outputs weakly, and how many were alive when it ran."""

    is_leaf = True
    made: ClassVar[list] = []
    alive: ClassVar[list] = []

    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, x):
        Spy.alive.append(sum(ref() is not None for ref in Spy.made))
        output = x + 1
        Spy.made.append(weakref.ref(output))
        return output


@pytest.fixture
def spies():
    Spy.made, Spy.alive = [], []
    return nn.Sequential(*(Spy(str(i)) for i in range(5)))


def graph_of(network, probe=None):
    probe = torch.rand(1, 3, 16, 16) if probe is None else probe
    with torch.no_grad():
        return LayerGraph(network.eval(), probe, network(probe.clone()))


def hooked(network, x, path):
    """Value of a module by a forward hook, copied before anything can overwrite it."""
    caught = []
    handle = network.get_submodule(path).register_forward_hook(
        lambda _m, _i, output: caught.append(output.clone())
    )
    network(x.clone())
    handle.remove()
    (value,) = caught
    return value


class TestStream:
    def test_stops_at_the_deepest(self, spies):
        graph = graph_of(spies)
        Spy.alive.clear()
        assert [n for n, _ in graph.stream(torch.zeros(1, 3, 4, 4), ["_2", "_1"])] == ["_1", "_2"]
        assert len(Spy.alive) == 3

    def test_computes_nothing_before_it_is_asked(self, spies):
        stream = graph_of(spies).stream(torch.zeros(1, 3, 4, 4), ["_0", "_4"])
        Spy.alive.clear()
        next(stream)
        assert len(Spy.alive) == 1

    def test_lets_go_of_a_layer_once_used(self, spies):
        graph = graph_of(spies)
        Spy.made.clear()
        stream = graph.stream(torch.zeros(1, 3, 4, 4), [f"_{i}" for i in range(5)])
        for i in range(5):
            next(stream)
            assert [ref() is not None for ref in Spy.made] == [False] * i + [True]

    def test_two_in_step_keep_one_layer_each(self, spies):
        graph = graph_of(spies)
        Spy.made.clear()
        Spy.alive.clear()
        nodes = [f"_{i}" for i in range(5)]
        pair = (graph.stream(torch.full((1, 3, 4, 4), v), nodes) for v in (0.0, 10.0))
        for (_, a), (_, b) in zip(*pair, strict=True):
            assert torch.equal(b - a, torch.full_like(a, 10))
            del a, b
        assert len(Spy.alive) == 10
        assert max(Spy.alive) == 2

    def test_lets_go_of_the_image(self, spies):
        image = torch.zeros(1, 3, 4, 4)
        ref = weakref.ref(image)
        stream = graph_of(spies).stream(image, ["_1", "_4"])
        del image
        next(stream)
        assert ref() is None


class InPlace(nn.Module):
    """Every way to write to a value: a module, an operator, a method, functions, aliases."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.same = nn.Identity()
        self.second = nn.Conv2d(3, 3, 1)
        self.flat = nn.Flatten(2)
        self.third = nn.Conv2d(3, 3, 1)
        self.fourth = nn.Conv2d(3, 3, 1)
        self.last = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        x -= 0.25
        y = self.conv(x)
        z = self.second(self.relu(self.same(y)))
        z += y
        flat = self.flat(z)
        flat.mul_(2)
        t = functional.relu(self.third(z), True)
        u = functional.relu(input=self.fourth(t), inplace=True)
        functional.relu_(u)
        return self.last(u)


class TestInPlace:
    PATHS = ("conv", "same", "relu", "second", "flat", "third", "fourth", "last")

    def test_taps_equal_hooks_and_image_is_kept(self):
        network = InPlace().eval()
        graph = graph_of(network)
        x = torch.rand(2, 3, 9, 7)
        before = x.clone()
        with torch.no_grad():
            nodes = [graph.node_of_path[path] for path in self.PATHS]
            together = dict(graph.stream(x, nodes))
            for path in self.PATHS:
                expected = hooked(network, x, path)
                node = graph.node_of_path[path]
                assert torch.equal(together[node], expected), path
                assert torch.equal(dict(graph.stream(x, [node]))[node], expected), path
        assert torch.equal(x, before)

    def test_a_branch_sees_what_another_wrote_before(self):
        class Branches(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Conv2d(3, 3, 1)
                self.relu = nn.ReLU(inplace=True)
                self.left = nn.Conv2d(3, 3, 1)
                self.right = nn.Conv2d(3, 3, 1)

            def forward(self, x):
                x = self.first(x)
                left = self.left(self.relu(x))
                return left + self.right(x)  # of the rectified x

        network = Branches().eval()
        graph = graph_of(network)
        x = torch.randn(1, 3, 8, 8)
        with torch.no_grad():
            node = graph.node_of_path["right"]
            found = dict(graph.stream(x, [node]))[node]
            assert torch.equal(found, hooked(network, x, "right"))
            graph.drop_unused([node])
            assert torch.equal(dict(graph.stream(x, [node]))[node], found)

    @pytest.mark.parametrize(
        "activation", [nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.Hardswish]
    )
    def test_an_activation_writes_elsewhere_instead_of_a_copy(self, activation):
        network = nn.Sequential(
            nn.Conv2d(3, 3, 1), nn.Identity(), activation(inplace=True), nn.Conv2d(3, 3, 1)
        ).eval()
        graph = graph_of(network)
        nodes = [graph.node_of_path[path] for path in "0123"]
        x = torch.randn(1, 3, 8, 8)
        with torch.no_grad():
            found = list(graph.stream(x, nodes))
            for (_, value), path in zip(found, "0123", strict=True):
                assert torch.equal(value, hooked(network, x, path)), path
        assert not any(step.copy for step in graph._plan(frozenset(nodes)))
        assert network[2].inplace

    def test_a_copy_where_what_was_overwritten_is_read(self):
        class Skip(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 3, 1)
                self.relu = nn.ReLU(inplace=True)

            def forward(self, x):
                y = self.conv(x)
                flat = y.flatten(2)  # another name of the same memory
                return self.relu(y) + flat.view_as(y)

        network = Skip().eval()
        graph = graph_of(network)
        nodes = [graph.node_of_path["conv"], "add"]
        x = torch.randn(1, 3, 8, 8)
        with torch.no_grad():
            values = dict(graph.stream(x, nodes))
            assert torch.equal(values["add"], network(x))
            assert torch.equal(values[nodes[0]], network.conv(x))

    def test_gradients_pass_a_layer_that_is_overwritten(self):
        convolutions = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1)
        in_place, fresh = (
            nn.Sequential(convolutions[0], nn.ReLU(inplace=i), convolutions[1], nn.ReLU(inplace=i))
            for i in (True, False)
        )
        gradients = []
        for graph in (graph_of(in_place), graph_of(fresh)):
            x = torch.linspace(-1, 1, 192).reshape(1, 3, 8, 8).requires_grad_()
            values = graph.stream(x, ["_0", "_1", "_2", "_3"])
            sum(value.pow(3).sum() for _, value in values).backward()
            gradients.append(x.grad)
        assert torch.equal(*gradients)
        assert gradients[0].abs().sum() > 0

    def test_no_copy_where_nothing_is_overwritten(self):
        network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(inplace=True), nn.Conv2d(3, 3, 1))
        graph = graph_of(network)
        assert {step.operation.name for step in graph._plan(frozenset(["_2"])) if step.copy} == {
            graph.node_of_path["0"]
        }


class TestArguments:
    def test_nested_arguments_slices_and_attributes(self):
        class Nested(nn.Module):
            def __init__(self):
                super().__init__()
                self.scale = nn.Parameter(torch.rand(3, 1, 1))
                self.body = nn.Conv2d(9, 4, 3)

            def forward(self, x, mask=None):
                a, b = torch.split(x, [2, 1], dim=1)
                stacked = torch.cat([x * self.scale, a, b, x[:, 1:, : x.shape[2]], b], 1)
                return {"out": (self.body(stacked), mask)}

        network = Nested()
        x = torch.rand(2, 3, 6, 5)
        graph = graph_of(network)
        with torch.no_grad():
            node = graph.node_of_path["body"]
            assert torch.equal(dict(graph.stream(x, [node]))[node], network(x)["out"][0])

    def test_what_depends_on_the_data_cannot_be_traced(self):
        class Branch(nn.Module):
            def forward(self, x):
                return x if x.sum() > 0 else -x

        with pytest.raises(torch.fx.proxy.TraceError):
            graph_of(Branch())

    def test_other_numbers_than_the_network_are_refused(self):
        network = nn.Sequential(nn.Conv2d(3, 3, 1))
        probe = torch.rand(1, 3, 4, 4)
        with pytest.raises(ValueError, match="do not return what the network returns"):
            LayerGraph(network, probe, network(probe) + 1e-3)


class TestDropAndCopy:
    def test_drop_unused_frees_modules_but_not_values(self):
        network = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()), nn.Conv2d(4, 2, 1), nn.Flatten()
        )
        graph = graph_of(network)
        x = torch.rand(1, 3, 5, 5)
        node = graph.node_of_path["0.0"]
        before = dict(graph.stream(x, [node]))[node]
        graph.drop_unused([node])
        assert [path for path, _ in graph.network.named_modules()] == ["", "0", "0.0"]
        assert torch.equal(dict(graph.stream(x, [node]))[node], before)

    @pytest.mark.parametrize("copy_of", [copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
    def test_long_networks_can_be_copied(self, copy_of):
        network = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(700)))
        graph = graph_of(network, torch.rand(1, 3, 2, 2))
        x = torch.rand(1, 3, 2, 2)
        found = dict(graph.stream(x, ["_699"]))["_699"]
        other = copy_of(graph)
        with torch.no_grad():
            graph.network[0].weight.add_(1)
        assert torch.equal(dict(other.stream(x, ["_699"]))["_699"], found)


def test_trunk_leaves_out_what_a_skip_goes_around():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 3, 1)
            self.inner = nn.Conv2d(3, 3, 1)
            self.end = nn.Conv2d(3, 3, 1)

        def forward(self, x):
            x = self.stem(x)
            height = x.shape[2]
            return self.end(x + self.inner(x)).reshape(-1, 3, height, x.size(3))

    operations, outputs = trace(Residual())
    found = trunk(operations)
    assert outputs["stem"] in found
    assert outputs["end"] in found
    assert outputs["inner"] not in found


def test_lent_values_are_right_when_they_are_handed_out():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3), nn.Sigmoid()
    )
    x = torch.randn(1, 3, 9, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        graph = LayerGraph(network, x, network(x))
        names = list(graph.node_of_path.values())
        kept = dict(graph.stream(x, names))
        handed_out = [
            (name, value, value.clone()) for name, value in graph.stream(x, names, lend=True)
        ]
    assert [name for name, *_ in handed_out] == list(kept)
    for name, _, then in handed_out:
        assert then.equal(kept[name])
    assert handed_out[0][1] is handed_out[1][1]  # the activation wrote in place
