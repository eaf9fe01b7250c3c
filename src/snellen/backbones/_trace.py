"""What a network computes, as a list of operations.

`torch.fx` finds the operations; they are kept here as plain records, which unlike its graph can
be copied and pickled whatever their number.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn


@dataclass(frozen=True)
class Result:
    """Stands for the value of an operation among the arguments of another."""

    name: str


@dataclass(frozen=True)
class Operation:
    """One step of a network.

    Attributes
    ----------
    name
        Name of its value, unique in the network.
    kind
        ``"placeholder"``, ``"call_module"``, ``"call_function"``, ``"call_method"``,
        ``"get_attr"`` or ``"output"``, as in `torch.fx`.
    target
        Path of the module or attribute, name of the method, or the function itself.
    args, kwargs
        Arguments, in which `Result` stands for values of other operations.
    inputs
        Names of the operations whose values it takes.
    """

    name: str
    kind: str
    target: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[str, ...]


class LayerTracer(fx.Tracer):
    """A tracer that remembers which node each module's output is."""

    def __init__(self) -> None:
        import torchvision  # slow, and not needed before a network is made

        modules: Any = (math, torchvision.ops)  # torch's annotation allows one module only
        super().__init__(autowrap_modules=modules)
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


def trace(network: nn.Module) -> tuple[dict[str, Operation], dict[str, str]]:
    """List the operations of a network, and where its modules end.

    Parameters
    ----------
    network
        Must be traceable by `torch.fx`.

    Returns
    -------
    operations : dict of str to Operation
        By name, in the order of computation.
    outputs : dict of str to str
        Name of the operation whose value a module returns, by the module's path; only modules
        that are called exactly once.

    Raises
    ------
    Exception
        Whatever `torch.fx` raises on control flow that depends on the data.
    """
    tracer = LayerTracer()
    graph = tracer.trace(network)
    operations = {node.name: _operation(node) for node in graph.nodes}
    outputs = {path: names[0] for path, names in tracer.outputs.items() if len(names) == 1}
    return operations, outputs


def _operation(node: fx.Node) -> Operation:
    args, kwargs = (_plain(part) for part in (node.args, node.kwargs))
    inputs = tuple(source.name for source in node.all_input_nodes)
    return Operation(node.name, node.op, node.target, args, kwargs, inputs)


def _plain(value: Any) -> Any:
    """Put `Result` for nodes, and Python's own containers for those of `torch.fx`."""
    return _replace(value, lambda v: Result(v.name) if isinstance(v, fx.Node) else v)


def fill(value: Any, values: Mapping[str, Any]) -> Any:
    """Put values for every `Result` inside of arguments."""
    return _replace(value, lambda v: values[v.name] if isinstance(v, Result) else v)


def _replace(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, tuple):
        parts = [_replace(v, change) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list):
        return [_replace(v, change) for v in value]
    if isinstance(value, dict):
        return {k: _replace(v, change) for k, v in value.items()}
    if isinstance(value, slice):
        return slice(*(_replace(v, change) for v in (value.start, value.stop, value.step)))
    return change(value)


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors inside of what an operation or a network returned."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors(part)


_MEASURES = (getattr, torch._assert)


def trunk(operations: Mapping[str, Operation]) -> list[str]:
    """Names of the operations through which everything must pass on its way to the output.

    They are the layers at which the whole state of the network is one tensor: not the inside of
    a residual block, which its skip connection goes around.
    """
    carriers = _carriers(operations)
    position = {name: i for i, name in enumerate(carriers)}
    last_use = dict(position)
    for name in carriers:
        for source in operations[name].inputs:
            if source in position:
                last_use[source] = position[name]
    names, open_until = [], 0
    for i, name in enumerate(carriers):
        if open_until <= i and operations[name].kind != "placeholder":
            names.append(name)
        open_until = max(open_until, last_use[name])
    return names


def _carriers(operations: Mapping[str, Operation]) -> list[str]:
    """Operations that carry the image on, rather than one of its sizes or a constant."""
    carriers: dict[str, None] = {}
    for name, operation in operations.items():
        measures = (operation.kind == "call_function" and operation.target in _MEASURES) or (
            operation.kind == "call_method" and operation.target in ("size", "dim")
        )
        carries = operation.kind == "placeholder" or any(n in carriers for n in operation.inputs)
        if carries and not measures and operation.kind != "output":
            carriers[name] = None
    return list(carriers)
