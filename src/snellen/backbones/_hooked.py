"""Features of networks that cannot be traced: hooks, and an early stop.

The price against `LayerGraph`: the layers of one image are all alive until the last is reached.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn


class _Reached(Exception):  # noqa: N818 - a signal, not an error
    """Raised inside the network when nothing deeper is needed."""


class HookedNetwork(nn.Module):
    """A network whose layers are caught by forward hooks.

    Parameters
    ----------
    network
        Any module that takes an image batch.
    probe
        Image batch for the trial run that finds the layers.
    """

    def __init__(self, network: nn.Module, probe: Tensor) -> None:
        super().__init__()
        self.network = network
        for module in network.modules():
            if hasattr(module, "inplace"):
                module.inplace = False  # type: ignore[assignment]  # layers are kept, see above
        self.node_of_path = {path: path for path in self._paths(probe)}

    def _paths(self, probe: Tensor) -> list[str]:
        """Find the modules that return one tensor for the batch, exactly once, in order."""
        calls: list[str] = []

        def record(path: str, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim in (2, 3, 4):
                calls.append(path)

        handles = [
            module.register_forward_hook(lambda _m, _i, out, path=path: record(path, out))
            for path, module in self.network.named_modules()
            if path
        ]
        try:
            with torch.inference_mode():
                self.network(probe)
        finally:
            for handle in handles:
                handle.remove()
        return [path for path in calls if calls.count(path) == 1]

    def trunk(self) -> list[str]:
        """Paths of the layers that are listed: direct children, and members of sequences."""
        modules = dict(self.network.named_modules())
        return [path for path in self.node_of_path if _is_stage(path, modules)]

    def stream(self, x: Tensor, nodes: Iterable[str]) -> Iterator[tuple[str, Tensor]]:
        """Yield (path, output) for the chosen modules, in the order of computation."""
        missing = set(nodes)
        caught: dict[str, Tensor] = {}

        def catch(path: str, output: Tensor) -> None:
            caught[path] = output
            missing.discard(path)
            if not missing:
                raise _Reached

        handles = [
            self.network.get_submodule(path).register_forward_hook(
                lambda _m, _i, out, path=path: catch(path, out)
            )
            for path in missing
        ]
        try:
            self.network(x)
        except _Reached:
            pass
        finally:
            for handle in handles:
                handle.remove()
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
