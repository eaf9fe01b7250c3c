"""Stride and receptive field of every layer, read off the network's operations.

Along one axis, the feature at position i sees the pixels from ``i * jump + first`` to
``i * jump + last``. An operation with a kernel of extent k (dilation counted), stride s and
padding p takes position i to the positions ``i * s - p`` to ``i * s - p + k - 1`` of its input;
operations on single positions change nothing; where branches meet, the pixels of all count
(Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks",
Distill 2019). An operation that mixes all positions makes the field the whole image.
"""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from snellen.backbones._trace import Operation


@dataclass(frozen=True)
class Reach:
    """Pixels that features see: the one at position i those from i * jump + first to + last.

    Where the axes differ, what is seen along either.
    """

    first: int = 0
    last: int = 0
    jump: int = 1


@dataclass(frozen=True)
class Field:
    """Side of the receptive field and jump, in pixels; None stands for the whole image.

    `reach` is None as well where what a feature sees cannot be told from its position alone.
    """

    size: int | None
    jump: int | None
    reach: Reach | None = None


@dataclass(frozen=True)
class _Span(Reach):
    """Pixels that the feature at position 0 sees along one axis, and the jump.

    `certain` unless an operation was met whose padding depends on the image.
    """

    certain: bool = True


@dataclass(frozen=True)
class _Kernel:
    extent: int
    stride: int
    padding: int
    certain: bool = True


_POINTWISE = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Hardswish,
    nn.Hardsigmoid, nn.ELU, nn.PReLU, nn.Mish, nn.Softplus, nn.Identity, nn.Dropout,
    nn.Dropout2d, nn.modules.batchnorm._BatchNorm,
)  # fmt: skip
_POINTWISE_FUNCTIONS = {
    operator.add, operator.iadd, operator.sub, operator.isub, operator.mul, operator.imul,
    operator.truediv, operator.itruediv, torch.add, torch.sub, torch.mul, torch.cat, torch.concat,
    torch.relu, torch.sigmoid, F.relu, F.relu6, F.gelu, F.silu, F.leaky_relu, F.hardswish,
    F.hardsigmoid, F.sigmoid, F.dropout, F.batch_norm,
}  # fmt: skip
_BORDERS = {
    nn.ZeroPad2d: "constant", nn.ConstantPad2d: "constant", nn.ReflectionPad2d: "reflect",
    nn.ReplicationPad2d: "replicate",
}  # fmt: skip
_POOL_FUNCTIONS = {F.max_pool2d, F.avg_pool2d, torch.max_pool2d}
_POINTWISE_METHODS = {"add", "add_", "mul", "relu", "relu_", "contiguous", "clone"}


def receptive_fields(operations: Mapping[str, Operation], network: nn.Module) -> dict[str, Field]:
    """Return the receptive field of every value of a traced network, by its name.

    Parameters
    ----------
    operations
        The network's operations, in order.
    network
        The network, whose modules they call.

    Returns
    -------
    dict of str to Field
        Where the axes differ, the larger.
    """
    axes = [_spans(operations, network, axis) for axis in (0, 1)]
    return {name: _field(span, axes[1][name]) for name, span in axes[0].items()}


def _field(*spans: _Span | None) -> Field:
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return Field(None, None)
    size, jump = max(s.last - s.first + 1 for s in known), max(s.jump for s in known)
    reach = Reach(min(s.first for s in known), max(s.last for s in known), jump)
    local = all(s.certain and s.jump == jump for s in known)
    return Field(size, jump, reach if local else None)


def _spans(
    operations: Mapping[str, Operation], network: nn.Module, axis: int
) -> dict[str, _Span | None]:
    spans: dict[str, _Span | None] = {}
    for name, operation in operations.items():
        sources = [spans[n] for n in operation.inputs if n in spans]
        if operation.kind == "placeholder":
            spans[name] = _Span()
        elif sources and operation.kind != "output":
            spans[name] = _after(operation, _union(sources), network, axis)
    return spans


def _union(sources: list[_Span | None]) -> _Span | None:
    known = [span for span in sources if span is not None]
    if len(known) < len(sources) or len({span.jump for span in known}) > 1:
        return None
    return _Span(
        min(s.first for s in known),
        max(s.last for s in known),
        known[0].jump,
        all(s.certain for s in known),
    )


def _after(
    operation: Operation, before: _Span | None, network: nn.Module, axis: int
) -> _Span | None:
    if operation.kind == "call_module":
        module = network.get_submodule(operation.target)
        kernel = _kernel(module, axis)
        return before if isinstance(module, _POINTWISE) else _through(kernel, before)
    if operation.kind == "call_function" and operation.target in _POOL_FUNCTIONS:
        return _through(_pool_kernel(operation, axis), before)
    if operation.kind == "call_function" and operation.target is F.pad:
        return _through(_pad_kernel(operation, axis), before)
    pointwise = operation.target in (
        _POINTWISE_FUNCTIONS if operation.kind == "call_function" else _POINTWISE_METHODS
    )
    return before if pointwise and _joins_channels(operation) else None


def _joins_channels(operation: Operation) -> bool:
    """Tell whether an operation does not put maps beside each other."""
    if operation.target not in (torch.cat, torch.concat):
        return True
    dim = operation.args[1] if len(operation.args) > 1 else operation.kwargs.get("dim", 0)
    return dim in (1, -3)


def _through(kernel: _Kernel | None, before: _Span | None) -> _Span | None:
    if kernel is None or before is None:
        return None
    first = before.first - kernel.padding * before.jump
    last = before.last + (kernel.extent - 1 - kernel.padding) * before.jump
    return _Span(first, last, before.jump * kernel.stride, before.certain and kernel.certain)


def _pad_kernel(operation: Operation, axis: int) -> _Kernel | None:
    """Kernel of a call such as ``F.pad(x, (1, 1, 1, 1), mode="reflect")``: a mere shift."""
    given = {**dict(zip(["x", "pad", "mode"], operation.args, strict=False)), **operation.kwargs}
    return _border(given["pad"], given.get("mode", "constant"), axis)


def _border(pad: Any, mode: str, axis: int) -> _Kernel | None:
    widths = (pad,) * 4 if isinstance(pad, int) else pad
    if not isinstance(widths, tuple | list) or len(widths) != 4:
        return None
    if not all(isinstance(width, int) and width >= 0 for width in widths):
        return None
    return _Kernel(1, 1, widths[2 * (1 - axis)], certain=mode != "circular")


def _pool_kernel(operation: Operation, axis: int) -> _Kernel:
    """Kernel of a call such as ``F.max_pool2d(x, kernel_size=3, stride=2)``."""
    names = ["x", "kernel_size", "stride", "padding"]
    if operation.target is not F.avg_pool2d:
        names.append("dilation")
    given = {**dict(zip(names, operation.args, strict=False)), **operation.kwargs}
    size = _along(given["kernel_size"], axis)
    extent = _along(given.get("dilation", 1), axis) * (size - 1) + 1
    stride = _along(given.get("stride") or size, axis)
    return _Kernel(extent, stride, _along(given.get("padding", 0), axis))


def _kernel(module: Any, axis: int) -> _Kernel | None:
    """Kernel of a local operation along an axis; None for any other module."""
    if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        dilation = _along(getattr(module, "dilation", 1), axis)
        extent = dilation * (_along(module.kernel_size, axis) - 1) + 1
        padding = _padding(module, extent, axis)
        return _Kernel(extent, _along(module.stride, axis), padding, _pads_as_stated(module))
    if type(module) in _BORDERS:
        return _border(module.padding, _BORDERS[type(module)], axis)
    if hasattr(module, "kernel_extent") and hasattr(module, "stride_factor"):
        extent = int(module.kernel_extent)
        return _Kernel(extent, int(module.stride_factor), (extent - 1) // 2)
    return None


def _pads_as_stated(module: nn.Module) -> bool:
    """Tell whether a layer is torch's own; a subclass may pad by the size of the image."""
    own = type(module).forward in (nn.Conv2d.forward, nn.MaxPool2d.forward, nn.AvgPool2d.forward)
    return own and getattr(module, "padding_mode", "zeros") != "circular"


def _padding(module: Any, extent: int, axis: int) -> int:
    if isinstance(module.padding, str):
        return (extent - 1) // 2 if module.padding == "same" else 0
    return _along(module.padding, axis)


def _along(value: int | tuple[int, ...] | list[int], axis: int) -> int:
    return value if isinstance(value, int) else value[axis % len(value)]
