"""Run a network node by node: stop at the deepest layer asked for, keep nothing longer than needed.

`torch.fx` turns the network into a list of operations. Walking that list by hand gives what a
forward call cannot: a generator that hands out each layer as soon as it exists. Two such
generators, advanced in turn, take a pair of images through the network layer by layer, so that
only one layer of each image is alive at any time.
"""

import math
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn

_IN_PLACE_OPERATORS = {operator.iadd, operator.imul, operator.isub, operator.itruediv}


class LayerTracer(fx.Tracer):
    """A tracer that remembers which node each module's output is."""

    def __init__(self) -> None:
        import torchvision  # slow, and not needed before a network is made

        super().__init__(autowrap_modules=(math, torchvision.ops))
        self.outputs: dict[str, list[str]] = {}

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Keep torch's own modules, and those that declare `is_leaf`, in one piece."""
        return getattr(m, "is_leaf", False) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Record the node that holds the module's output."""
        output = super().call_module(m, forward, args, kwargs)
        if isinstance(output, fx.Proxy):
            self.outputs.setdefault(self.path_of_module(m), []).append(output.node.name)
        return output


@dataclass(frozen=True)
class _Step:
    node: fx.Node
    run: Callable[..., Any]
    protect: bool
    done_with: tuple[fx.Node, ...]


class LayerGraph(nn.Module):
    """A network as a list of operations, of which only those that are needed run.

    Parameters
    ----------
    network
        The network; must be traceable by `torch.fx`.

    Raises
    ------
    Exception
        Whatever `torch.fx` raises on control flow that depends on the data.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        tracer = LayerTracer()
        self.graph = tracer.trace(network)
        self.network = network
        self.node_of_path = {path: names[0] for path, names in tracer.outputs.items()
                             if len(names) == 1}
        self._nodes = {node.name: node for node in self.graph.nodes}
        self._plans: dict[frozenset[str], list[_Step]] = {}

    def __getstate__(self) -> dict[str, Any]:
        # A plan holds bound modules and nodes; a copy must make its own.
        return {**self.__dict__, "_plans": {}, "_nodes": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._nodes = {node.name: node for node in self.graph.nodes}

    def trunk(self) -> list[str]:
        """Names of the nodes through which everything must pass; see the function `trunk`."""
        return trunk(self.graph)

    def stream(self, x: Tensor, nodes: Iterable[str]) -> Iterator[tuple[str, Tensor]]:
        """Yield (node name, its value) for the chosen nodes, in the order of computation.

        A value must be used before the next one is asked for; what is kept stays valid.
        """
        wanted = frozenset(nodes)
        if wanted not in self._plans:
            self._plans[wanted] = self._plan(wanted)
        env: dict[fx.Node, Any] = {}
        for step in self._plans[wanted]:
            env[step.node] = self._execute(step, env, x)
            if step.node.name in wanted:
                yield step.node.name, env[step.node]
            for node in step.done_with:
                del env[node]

    def _execute(self, step: _Step, env: dict[fx.Node, Any], x: Tensor) -> Any:
        node = step.node
        if node.op == "placeholder":
            return x if node.name == self._first_input else _default(node)
        args = fx.node.map_arg(node.args, env.__getitem__)
        kwargs = fx.node.map_arg(node.kwargs, env.__getitem__)
        if step.protect:
            args = (args[0].clone(), *args[1:])
        return step.run(*args, **kwargs)

    @property
    def _first_input(self) -> str:
        return str(next(node.name for node in self.graph.nodes if node.op == "placeholder"))

    def _plan(self, wanted: frozenset[str]) -> list[_Step]:
        """Order the operations that `wanted` depends on, and say when each value dies."""
        needed = self.ancestors(wanted)
        order = [node for node in self.graph.nodes if node.name in needed and node.op != "output"]
        last_use: dict[fx.Node, fx.Node] = {}
        for node in order:
            for source in node.all_input_nodes:
                last_use[source] = node
        dying: dict[fx.Node, list[fx.Node]] = {}
        for node in order:
            dying.setdefault(last_use.get(node, node), []).append(node)
        return [
            _Step(node, self._callable(node), _overwrites(node, wanted, self.network),
                  tuple(dying.get(node, ())))
            for node in order
        ]

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Return the names of all nodes that the given ones depend on, themselves included."""
        seen: set[str] = set()
        stack = list(names)
        while stack:
            name = stack.pop()
            if name not in seen:
                seen.add(name)
                stack.extend(source.name for source in self._nodes[name].all_input_nodes)
        return seen

    def _callable(self, node: fx.Node) -> Callable[..., Any]:
        target = node.target
        if node.op == "call_module":
            return self.network.get_submodule(str(target))
        if node.op == "call_method":
            return _Method(str(target))
        if node.op == "get_attr":
            # Looked up at every run: moving a module to another device replaces its buffers.
            return partial(_attribute, self.network, str(target))
        return target if callable(target) else _identity

    def drop_unused(self, nodes: Iterable[str]) -> None:
        """Forget every operation and module that the given nodes do not need.

        VGG's classifier alone holds 120 million weights that no layer of its features uses.
        """
        needed = self.ancestors(nodes)
        for node in reversed(list(self.graph.nodes)):
            if node.name not in needed and node.op != "placeholder":
                self.graph.erase_node(node)
        self._nodes = {node.name: node for node in self.graph.nodes}
        self._plans.clear()
        self.node_of_path = {p: n for p, n in self.node_of_path.items() if n in self._nodes}
        kept = {str(node.target) for node in self.graph.nodes
                if node.op in ("call_module", "get_attr")}
        for path, _ in reversed(list(self.network.named_modules())):
            if path and not any(k == path or k.startswith(f"{path}.") or path.startswith(f"{k}.")
                                for k in kept):
                parent, _, name = path.rpartition(".")
                del self.network.get_submodule(parent)._modules[name]


@dataclass(frozen=True)
class _Method:
    name: str

    def __call__(self, owner: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(owner, self.name)(*args, **kwargs)


def _identity(value: Any) -> Any:
    return value


def _default(node: fx.Node) -> Any:
    return node.args[0] if node.args else None


def _attribute(network: nn.Module, path: str) -> Any:
    return operator.attrgetter(path)(network)


def _overwrites(node: fx.Node, wanted: frozenset[str], network: nn.Module) -> bool:
    """Tell whether the operation would write into a layer that was handed out."""
    if not node.args or not isinstance(node.args[0], fx.Node) or node.args[0].name not in wanted:
        return False
    if node.op == "call_module":
        return bool(getattr(network.get_submodule(str(node.target)), "inplace", False))
    if node.op == "call_method":
        return str(node.target).endswith("_") and not str(node.target).startswith("__")
    return node.target in _IN_PLACE_OPERATORS or bool(node.kwargs.get("inplace"))


def trunk(graph: fx.Graph) -> list[str]:
    """Names of the nodes through which everything must pass on its way to the output.

    They are the layers at which the whole state of the network is one tensor: not the inside of
    a residual block, which its skip connection goes around.
    """
    carriers = _carriers(graph)
    position = {node: i for i, node in enumerate(carriers)}
    names, open_until = [], 0
    for i, node in enumerate(carriers):
        if open_until <= i and node.op != "placeholder":
            names.append(node.name)
        users = [position[user] for user in node.users if user in position]
        open_until = max([open_until, *users])
    return names


def _carriers(graph: fx.Graph) -> list[fx.Node]:
    """Nodes that carry the image on, rather than one of its sizes or a constant."""
    carriers: dict[fx.Node, None] = {}
    for node in graph.nodes:
        measures = (node.op == "call_function" and node.target in (getattr, torch._assert)) or (
            node.op == "call_method" and node.target in ("size", "dim")
        )
        carries = node.op == "placeholder" or any(n in carriers for n in node.all_input_nodes)
        if carries and not measures and node.op != "output":
            carriers[node] = None
    return list(carriers)
