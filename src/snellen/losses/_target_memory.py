"""What was computed of a target, kept while the same target comes again."""

import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class TargetMemory(Generic[T]):
    """Remembers one result: that of the last target.

    The same tensor object with the same values counts as the same target: an in-place operation
    is noticed, and the target itself is not kept alive. Writing through ``.data``, or into an array
    that shares its memory, is not noticed: call `forget` after that.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Let go of what was remembered."""
        self._target: weakref.ref[Tensor] | None = None
        self._state: tuple[Any, ...] = ()
        self._result: T | None = None

    def recall(self, target: Tensor, compute: Callable[[Tensor], T]) -> T:
        """Return ``compute(target)``, made without gradients unless the target asks for them."""
        if target.requires_grad and torch.is_grad_enabled():
            return compute(target)
        if not target.is_inference() and self._is_same(target):
            assert self._result is not None
            return self._result
        self.forget()  # before the next one is made, so that memory holds one at a time
        with torch.inference_mode(False), torch.no_grad():
            result = compute(target.clone() if target.is_inference() else target)
        if not target.is_inference():
            self._target, self._state = weakref.ref(target), _state(target)
            self._result = result
        return result

    def _is_same(self, target: Tensor) -> bool:
        return (
            self._target is not None and self._target() is target and self._state == _state(target)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return TargetMemory, ()  # a copy, or another process, starts empty


def _state(target: Tensor) -> tuple[Any, ...]:
    return target._version, target.data_ptr(), target.shape, target.dtype, target.device
