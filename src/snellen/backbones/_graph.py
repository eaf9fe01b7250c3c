"""Run a network step by step: stop at the deepest layer asked for, keep nothing longer than needed.

Walking the list of a network's operations by hand gives what a forward call cannot: a generator
that hands out each layer as soon as it exists. Two such generators, advanced in turn, take a pair
of images through the network layer by layer, so that only one layer of each image is alive at any
time.
"""

import copy
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from snellen.backbones._trace import Operation, fill, tensors, trace, trunk

_ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.Hardswish)


@dataclass(frozen=True)
class _Step:
    operation: Operation
    run: Callable[..., Any]
    copy: bool
    used: bool
    done_with: tuple[str, ...]


class LayerGraph(nn.Module):
    """A network as a list of operations, of which only those that are needed run.

    Parameters
    ----------
    network
        The network; must be traceable by `torch.fx`.
    probe
        Image batch for the trial run that learns the shape of every value, and which values the
        network overwrites.
    expected
        What the network returns for the probe.

    Attributes
    ----------
    node_of_path : dict of str to str
        Name of the value that a module returns, by the module's path.
    shapes : dict of str to torch.Size
        Shape of every value that is a tensor, for the probe.

    Raises
    ------
    Exception
        Whatever `torch.fx` raises on control flow that depends on the data; ValueError if the
        operations do not return what the network returns.
    """

    def __init__(self, network: nn.Module, probe: Tensor, expected: Any) -> None:
        super().__init__()
        self.network = network
        self.operations, self.node_of_path = trace(network)
        self.shapes: dict[str, torch.Size] = {}
        self._needs: dict[str, frozenset[str]] = {}
        self._writers: dict[str, set[str]] = {}
        self._plans: dict[tuple[frozenset[str], bool], list[_Step]] = {}
        if not _same(self._learn(probe), expected):
            raise ValueError("the traced operations do not return what the network returns")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_plans": {}}  # plans hold modules; a copy makes its own

    def _learn(self, probe: Tensor) -> Any:
        """Run everything once and watch which values are written to after they were made.

        A tensor and its views count their changes together, so no alias is missed.
        """
        values: dict[str, Any] = {}
        changes: dict[str, list[int]] = {}
        writers = self._writers
        for name, operation in self.operations.items():
            # What reads a value that was overwritten comes after what overwrote it.
            late = (writer for n in operation.inputs for writer in writers.get(n, ()))
            self._needs[name] = frozenset((*operation.inputs, *late))
            values[name] = self._execute(operation, self._callable(operation), values, probe)
            if any(_changes(values[n]) != changes[n] for n in operation.inputs):
                for written in [n for n, seen in changes.items() if _changes(values[n]) != seen]:
                    changes[written] = _changes(values[written])
                    writers.setdefault(written, set()).add(name)
            changes[name] = _changes(values[name])
        self.shapes = {n: v.shape for n, v in values.items() if isinstance(v, Tensor)}
        return next(v for n, v in values.items() if self.operations[n].kind == "output")

    def trunk(self) -> list[str]:
        """Names of the values through which everything must pass; see the function `trunk`."""
        return trunk(self.operations)

    def stream(
        self, x: Tensor, nodes: Iterable[str], *, lend: bool = False
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield (name, value) for the chosen operations, in the order of computation.

        Parameters
        ----------
        x
            Image batch, as the network takes it; not changed.
        nodes
            Names of operations.
        lend
            Let the network overwrite a value as soon as the next one is asked for.

        Yields
        ------
        tuple of str and Tensor
            The value must not be changed; it stays valid however long it is kept, if not lent.
        """
        wanted = frozenset(nodes)
        if (wanted, lend) not in self._plans:
            self._plans[wanted, lend] = self._plan(wanted, lend)
        values: dict[str, Any] = {}
        image: Tensor | None = x
        del x
        for step in self._plans[wanted, lend]:
            name = step.operation.name
            value = self._execute(step.operation, step.run, values, image)
            if name == self._first_input:
                image = None
            for used in step.done_with:
                del values[used]
            if step.used:
                values[name] = value
            if name in wanted:
                yield name, value.clone() if step.copy else value
            del value  # or it would live until the next one is there

    def _execute(
        self,
        operation: Operation,
        run: Callable[..., Any],
        values: dict[str, Any],
        image: Tensor | None,
    ) -> Any:
        if operation.name == self._first_input and image is not None:
            return image.clone() if operation.name in self._writers else image
        return run(*fill(operation.args, values), **fill(operation.kwargs, values))

    @property
    def _first_input(self) -> str:
        return next(iter(self.operations))

    def _plan(self, wanted: frozenset[str], lend: bool = False) -> list[_Step]:
        """Order the operations that `wanted` depends on, and say when each value dies.

        None of `wanted` is overwritten but where they are lent.
        """
        needed = self.ancestors(wanted)
        order = [operation for name, operation in self.operations.items() if name in needed]
        last_use: dict[str, str] = {}
        for operation in order:
            last_use.update(dict.fromkeys(operation.inputs, operation.name))
        dying: dict[str, list[str]] = {}
        for name, user in last_use.items():
            dying.setdefault(user, []).append(name)
        elsewhere = set() if lend else self._elsewhere(wanted, order, last_use)
        in_place = {operation.name for operation in order} - elsewhere
        return [
            _Step(
                operation,
                self._callable(operation, operation.name in in_place),
                copy=not lend and not in_place.isdisjoint(self._writers.get(operation.name, ())),
                used=operation.name in last_use,
                done_with=tuple(dying.get(operation.name, ())),
            )
            for operation in order
        ]

    def _elsewhere(
        self, wanted: frozenset[str], order: list[Operation], last_use: dict[str, str]
    ) -> set[str]:
        """Find activations that overwrite a wanted value, and could write elsewhere instead.

        That takes one pass over the value less than a copy of it does. It may only be done where
        nothing after the activation reads what was overwritten.
        """
        place = {operation.name: i for i, operation in enumerate(order)}

        def could(writer: str) -> bool:
            operation = self.operations[writer]
            if operation.kind != "call_module":
                return False
            written = [name for name, writers in self._writers.items() if writer in writers]
            users = (last_use.get(name, writer) for name in written)
            return type(self._callable(operation)) in _ACTIVATIONS and all(
                place[user] <= place[writer] for user in users
            )

        found: set[str] = set()
        for name in wanted & self._writers.keys():
            writers = {writer for writer in self._writers[name] if writer in place}
            if all(could(writer) for writer in writers):
                found |= writers
        return found

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Return the names of all operations that the given ones depend on, themselves included."""
        seen: set[str] = set()
        stack = list(names)
        while stack:
            name = stack.pop()
            if name not in seen:
                seen.add(name)
                stack.extend(self._needs[name])
        return seen

    def _callable(self, operation: Operation, in_place: bool = True) -> Callable[..., Any]:
        target = operation.target
        if operation.kind == "call_module":
            module = self.network.get_submodule(target)
            return module if in_place else _out_of_place(module)
        if operation.kind == "call_method":
            return partial(_call_method, target)
        if operation.kind == "get_attr":
            # Looked up at every run: moving a module to another device replaces its buffers.
            return partial(_attribute, self.network, target)
        function: Callable[..., Any] = target if operation.kind == "call_function" else _first
        return function

    def drop_unused(self, nodes: Iterable[str]) -> None:
        """Forget every operation and module that the given operations do not need.

        VGG's classifier alone holds 120 million weights that no layer of its features uses.
        """
        needed = {self._first_input, *self.ancestors(nodes)}
        self.operations = {n: o for n, o in self.operations.items() if n in needed}
        self._plans.clear()
        self.node_of_path = {p: n for p, n in self.node_of_path.items() if n in needed}
        used = {
            operation.target
            for operation in self.operations.values()
            if operation.kind in ("call_module", "get_attr")
        }
        containers = {parent for path in used for parent in _parents(path)}
        for path, _ in reversed(list(self.network.named_modules())):
            if path not in containers and used.isdisjoint([path, *_parents(path)]):
                parent, _, name = path.rpartition(".")
                del self.network.get_submodule(parent)._modules[name]


def _out_of_place(activation: nn.Module) -> nn.Module:
    twin = copy.copy(activation)
    twin.inplace = False  # type: ignore[assignment]
    return twin


def _changes(value: Any) -> list[int]:
    return [tensor._version for tensor in tensors(value)]


def _same(found: Any, expected: Any) -> bool:
    """Tell whether two results hold the same tensors, where nan equals nan."""
    a, b = list(tensors(found)), list(tensors(expected))
    return len(a) == len(b) > 0 and all(
        torch.equal(x.nan_to_num(), y.nan_to_num()) for x, y in zip(a, b, strict=True)
    )


def _call_method(name: str, owner: Any, *args: Any, **kwargs: Any) -> Any:
    return getattr(owner, name)(*args, **kwargs)


def _attribute(network: nn.Module, path: str) -> Any:
    return operator.attrgetter(path)(network)


def _first(value: Any = None) -> Any:
    """Return the default of an optional argument, or what goes to the output."""
    return value


def _parents(path: str) -> list[str]:
    """Return the paths of the modules around one; the network itself is the empty path."""
    parts = path.split(".") if path else []
    return [".".join(parts[:i]) for i in range(len(parts))]
