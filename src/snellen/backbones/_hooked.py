"""Features of networks that cannot be traced: hooks, and an early stop.

The price against `LayerGraph`: the layers of one image are all alive until the last is reached.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import torch
from torch import Tensor, nn

from snellen.errors import BackboneError


class _Reached(Exception):
    """Raised inside the network when nothing deeper is needed: a signal, not an error."""


class HookedNetwork(nn.Module):
    """A network whose layers are caught by forward hooks.

    Parameters
    ----------
    network
        Any module that takes an image batch.
    probe
        Image batch for the trial run that finds the layers.

    Attributes
    ----------
    node_of_path : dict of str to str
        For modules that return one tensor, exactly once, in order of depth: the path of the
        module that made it, which is another one for a container or an identity.
    shapes : dict of str to torch.Size
        Shape of what they return for the probe.
    """

    def __init__(self, network: nn.Module, probe: Tensor) -> None:
        super().__init__()
        self.network = network
        caught = self._trial(probe)
        counts = [path for path, _, _ in caught]
        once = [one for one in caught if counts.count(one[0]) == 1]
        makers: dict[tuple[int, int], str] = {}  # by identity and number of changes so far
        self.node_of_path = {
            path: makers.setdefault((id(output), changes), path) for path, output, changes in once
        }
        self.shapes = {path: output.shape for path, output, _ in once}
        # Values that the network writes to after it has made them.
        self._overwritten = {path for path, output, seen in caught if output._version != seen}

    def _trial(self, probe: Tensor) -> list[tuple[str, Tensor, int]]:
        caught: list[tuple[str, Tensor, int]] = []

        def record(path: str, output: Any) -> None:
            if isinstance(output, Tensor):
                caught.append((path, output, output._version))

        with torch.no_grad(), ExitStack() as hooks:
            self._hook([p for p, _ in self.network.named_modules() if p], record, hooks)
            self.network(probe.clone())
        return caught

    def _hook(
        self, paths: Iterable[str], catch: Callable[[str, Any], None], hooks: ExitStack
    ) -> None:
        """Catch what modules return in this thread, until `hooks` is closed."""
        owner = threading.get_ident()

        def hook_of(path: str) -> Callable[[nn.Module, Any, Any], None]:
            def hook(module: nn.Module, inputs: Any, output: Any) -> None:
                if threading.get_ident() == owner:
                    catch(path, output)

            return hook

        for path in paths:
            handle = self.network.get_submodule(path).register_forward_hook(hook_of(path))
            hooks.callback(handle.remove)

    def trunk(self) -> list[str]:
        """Paths of the layers that are listed: direct children, and members of sequences."""
        modules = dict(self.network.named_modules())
        return [node for path, node in self.node_of_path.items() if _is_stage(path, modules)]

    def stream(
        self, x: Tensor, nodes: Iterable[str], *, lend: bool = False
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield (path, output) for the chosen modules, in the order of computation.

        Parameters
        ----------
        x
            Image batch, as the network takes it; not changed.
        nodes
            Paths of modules.
        lend
            Changes nothing here, where all values are caught before the first is handed out.

        Yields
        ------
        tuple of str and Tensor
            The value stays valid however long it is kept.

        Raises
        ------
        BackboneError
            The network did not come to one of the modules.
        """
        missing = set(nodes)
        caught: dict[str, Tensor] = {}

        def catch(path: str, output: Tensor) -> None:
            caught[path] = output.clone() if path in self._overwritten else output
            missing.discard(path)
            if not missing:
                raise _Reached

        with ExitStack() as hooks, suppress(_Reached):
            self._hook(missing.copy(), catch, hooks)
            self.network(x.clone())  # the network may write to it
        if missing:
            raise BackboneError(
                f"The network did not run {', '.join(sorted(missing))} for images of "
                f"{x.shape[3]}x{x.shape[2]} pixels, as it did in its trial. Choose other layers."
            )
        while caught:
            path = next(iter(caught))
            yield path, caught.pop(path)

    def drop_unused(self, nodes: Iterable[str]) -> None:
        """Do nothing: what an untraceable network needs is not known."""


def _is_stage(path: str, modules: dict[str, nn.Module]) -> bool:
    """Tell `blocks.5`, a member of the outermost sequence, from what is inside of it."""
    parts = path.split(".")
    parents = [".".join(parts[:i]) for i in range(1, len(parts))]
    sequences = [isinstance(modules[parent], nn.Sequential | nn.ModuleList) for parent in parents]
    return not parents or (sequences[-1] and not any(sequences[:-1]))
