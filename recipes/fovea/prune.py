"""Take away the channels of a trained `Fovea` that never answer; what is left is the same.

ReLUs that are silent on whatever the network is shown have gradients of zero and never come back
in training. Without them and the weights that read them, features stay as they were on every image
on which they were silent.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import torch
from torch import Tensor, nn

from snellen.backbones import Fovea


def extremes(count: int = 20, side: int = 128) -> Iterator[Tensor]:
    """Yield batches of what photographs have little of: noise, flat colours, checks, edges."""
    generator = torch.Generator().manual_seed(0)
    coarse = side // 8
    yield torch.rand(count, 3, side, side, generator=generator)
    yield torch.rand(count, 3, 1, 1, generator=generator).expand(-1, -1, side, side).contiguous()
    for shape in ((coarse, coarse), (coarse, 1), (1, coarse)):
        blocks = torch.rand(count, 3, *shape, generator=generator)
        for image in (blocks, blocks.round()):
            yield nn.functional.interpolate(image, (side, side))


@torch.no_grad()
def live_channels(network: Fovea, batches: Iterable[Tensor]) -> dict[str, Tensor]:
    """Return, by the name of each ReLU, the channels that some feature of the batches passes."""
    alive: dict[str, Tensor] = {}
    relus = [name for name, one in network.named_modules() if isinstance(one, nn.ReLU)]

    def note(name: str, module: nn.Module, given: object, features: Tensor) -> None:
        found = features.amax((0, 2, 3)) > 0
        alive[name] = alive.get(name, found) | found

    hooks = [
        network.get_submodule(name).register_forward_hook(partial(note, name)) for name in relus
    ]
    for batch in batches:
        network(batch)
    for hook in hooks:
        hook.remove()
    return {name: alive[name].nonzero()[:, 0] for name in relus}


def pruned(network: Fovea, live: Mapping[str, Tensor]) -> Fovea:
    """Copy the network with the given channels of every convolution and no others."""
    names = [
        [f"{layer}.{i}" for i in range(1, len(list(network.get_submodule(layer).children())), 2)]
        for layer in network.layers[1:]
    ]
    small = Fovea([[len(live[name]) for name in stage] for stage in names])
    seen = torch.arange(network.retina.out_channels)
    for name in (name for stage in names for name in stage):
        path, _, place = name.rpartition(".")
        convolution = f"{path}.{int(place) - 1}"
        old, new = (one.get_submodule(convolution) for one in (network, small))
        assert isinstance(old, nn.Conv2d)
        assert isinstance(new, nn.Conv2d)
        assert old.bias is not None
        assert new.bias is not None
        with torch.no_grad():
            new.weight.copy_(old.weight[live[name]][:, seen])
            new.bias.copy_(old.bias[live[name]])
        seen = live[name]
    return small
