"""Stride and receptive field of every layer, read off the network's operations.

Each operation with a kernel of extent k and stride s widens the receptive field r by
(k - 1) * jump and multiplies the jump (the distance in pixels between neighbouring features) by
s; operations on single positions leave both as they are; where branches meet, the widest counts
(Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks",
Distill 2019). An operation that mixes all positions makes the field the whole image.
"""

import operator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import fx, nn


@dataclass(frozen=True)
class Field:
    """Receptive field and jump, in pixels; None stands for the whole image."""

    size: int | None = 1
    jump: int | None = 1


_POINTWISE = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Hardswish,
    nn.Hardsigmoid, nn.ELU, nn.PReLU, nn.Mish, nn.Softplus, nn.Identity, nn.Dropout,
    nn.Dropout2d, nn.modules.batchnorm._BatchNorm,
)  # fmt: skip
_POINTWISE_FUNCTIONS = {
    operator.add, operator.iadd, operator.sub, operator.mul, operator.imul, operator.truediv,
    torch.add, torch.sub, torch.mul, torch.cat, torch.concat, torch.relu, torch.sigmoid,
    F.relu, F.relu6, F.gelu, F.silu, F.leaky_relu, F.hardswish, F.hardsigmoid, F.sigmoid,
    F.dropout, F.batch_norm,
}  # fmt: skip
_POOL_FUNCTIONS = {F.max_pool2d, F.avg_pool2d, torch.max_pool2d}
_POINTWISE_METHODS = {"add", "add_", "mul", "relu", "relu_", "contiguous", "clone"}


def receptive_fields(graph: fx.Graph, network: nn.Module) -> dict[str, Field]:
    """Return the receptive field of every node of a traced network, by the node's name."""
    fields: dict[str, Field] = {}
    for node in graph.nodes:
        sources = [fields[n.name] for n in node.all_input_nodes if n.name in fields]
        if node.op == "placeholder":
            fields[node.name] = Field()
        elif sources and node.op != "output":
            fields[node.name] = _after(node, _widest(sources), network)
    return fields


def _widest(sources: list[Field]) -> Field:
    sizes = [s.size for s in sources]
    jumps = [s.jump for s in sources if s.jump is not None]
    known = [s for s in sizes if s is not None]
    return Field(
        max(known) if len(known) == len(sizes) else None, max(jumps) if jumps else None
    )


def _after(node: fx.Node, before: Field, network: nn.Module) -> Field:
    if node.op == "call_module":
        return _after_module(network.get_submodule(str(node.target)), before)
    if node.target in _POOL_FUNCTIONS:
        return _after_kernel(_pool_arguments(node), before)
    pointwise = node.target in (
        _POINTWISE_FUNCTIONS if node.op == "call_function" else _POINTWISE_METHODS
    )
    return before if pointwise else Field(None, before.jump)


def _after_module(module: nn.Module, before: Field) -> Field:
    if isinstance(module, _POINTWISE):
        return before
    kernel = _kernel(module)
    if kernel is None:
        return Field(None, None if isinstance(module, nn.AdaptiveAvgPool2d) else before.jump)
    return _after_kernel(kernel, before)


def _after_kernel(kernel: tuple[int, int], before: Field) -> Field:
    extent, stride = kernel
    if before.jump is None:
        return Field(None, None)
    size = None if before.size is None else before.size + (extent - 1) * before.jump
    return Field(size, before.jump * stride)


def _pool_arguments(node: fx.Node) -> tuple[int, int]:
    """Kernel and stride of a call such as ``F.max_pool2d(x, kernel_size=3, stride=2)``."""
    given = {**dict(zip(("x", "kernel_size", "stride"), node.args, strict=False)), **node.kwargs}
    kernel = _larger(given["kernel_size"])  # type: ignore[arg-type]
    return kernel, _larger(given.get("stride") or kernel)  # type: ignore[arg-type]


def _kernel(module: nn.Module) -> tuple[int, int] | None:
    """Extent (dilation counted) and stride of a local operation; None for any other."""
    if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        kernel, stride = _larger(module.kernel_size), _larger(module.stride)
        dilation = _larger(getattr(module, "dilation", 1))
        return dilation * (kernel - 1) + 1, stride
    if hasattr(module, "kernel_extent") and hasattr(module, "stride_factor"):
        return int(module.kernel_extent), int(module.stride_factor)
    return None


def _larger(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else max(value)
