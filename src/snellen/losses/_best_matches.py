"""The best match of every target position, without a matrix of all positions by all positions."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

EPSILON = 1e-5


def affinities(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    """Return the contextual similarities (N, M) of unit vectors (N, C) and (M, C)."""
    distance = (1 - x @ y.T).clamp_min(0)
    relative = distance / (distance.amin(1, keepdim=True) + EPSILON)
    return torch.softmax(-relative / bandwidth, 1)


def best_matches(x: Tensor, y: Tensor, bandwidth: float, block_bytes: int) -> Tensor:
    """Return the largest similarity that every vector of `y` has with one of `x`: (M,).

    Parameters
    ----------
    x, y
        Unit vectors (N, C) and (M, C).
    bandwidth
        See `affinities`.
    block_bytes
        Most memory of one block of the matrix (N, M).
    """
    rows = max(1, block_bytes // (x.element_size() * len(y)))
    result: Tensor = _BestMatches.apply(x, y, bandwidth, rows)
    return result


class _BestMatches(torch.autograd.Function):
    """Row blocks forward; backward, only the rows that hold a largest value are made again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, bandwidth: float, rows: int) -> Tensor:
        best = x.new_full((len(y),), -1.0)
        winner = torch.zeros(len(y), dtype=torch.long, device=x.device)
        for start in range(0, len(x), rows):
            value, where = affinities(x[start : start + rows], y, bandwidth).max(0)
            better = value > best
            best = torch.where(better, value, best)
            winner = torch.where(better, where + start, winner)
        ctx.save_for_backward(x, y, winner)
        ctx.bandwidth, ctx.rows = bandwidth, rows
        return best

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        x, y, winner = ctx.saved_tensors
        of_x, of_y = torch.zeros_like(x), torch.zeros_like(y)
        needed, place = winner.unique(return_inverse=True)
        for start in range(0, len(needed), ctx.rows):
            block = needed[start : start + ctx.rows]
            columns = ((place >= start) & (place < start + ctx.rows)).nonzero().flatten()
            with torch.enable_grad():
                a, b = x[block].requires_grad_(), y.detach().requires_grad_()
                picked = affinities(a, b, ctx.bandwidth)[place[columns] - start, columns]
            grad_a, grad_b = torch.autograd.grad(picked, (a, b), gradient[columns])
            of_x[block] = grad_a
            of_y += grad_b
        return of_x, of_y, None, None
