"""The contextual loss against a direct computation, in blocks of any size, and its memory."""

import pytest
import torch

from snellen.losses import ContextualLoss
from tests.losses.inside import best_matches


def direct(x, y, h, weights=None):
    """Equations 2 to 4 of Mechrez et al. (ECCV 2018), with the whole matrix at once."""
    a, b = x.flatten(1).T, y.flatten(1).T
    centre = b.mean(0)
    a, b = a - centre, b - centre
    if weights is not None:
        a, b = a * weights.sqrt(), b * weights.sqrt()
    cosine = torch.nn.functional.cosine_similarity(a[:, None], b[None], dim=2)
    d = 1 - cosine
    relative = d / (d.min(1, keepdim=True).values + 1e-5)
    w = torch.exp((1 - relative) / h)
    cx = w / w.sum(1, keepdim=True)
    return -torch.log(cx.max(0).values.mean())


@pytest.mark.parametrize("h", [0.1, 0.5])
@pytest.mark.parametrize("block_bytes", [1, 5000, 1 << 24])
@pytest.mark.parametrize("weighted", [False, True])
def test_direct_computation(h, block_bytes, weighted):
    weights = {"complex1": torch.rand(18)} if weighted else None
    loss = ContextualLoss(
        "gabor", "complex1", bandwidth=h, block_bytes=block_bytes, channel_weights=weights
    )
    x, y = torch.rand(2, 2, 3, 32, 32)
    x.requires_grad_()
    f, g = (loss.backbone(t, ["complex1"])["complex1"].double() for t in (x, y))
    w = None if weights is None else weights["complex1"].double()
    expected = torch.stack([direct(a, b, h, w) for a, b in zip(f, g, strict=True)]).mean()
    value = loss(x, y)
    torch.testing.assert_close(value.double(), expected, rtol=1e-4, atol=1e-5)
    (ours,) = torch.autograd.grad(value, x)
    (theirs,) = torch.autograd.grad(expected, x)
    torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-3 * float(theirs.abs().max()))


def test_no_matrix_of_all_positions_exists():
    units = torch.nn.functional.normalize(torch.randn(2, 2000, 4), dim=2)
    seen = []

    class Shapes(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            if isinstance(result, torch.Tensor):
                seen.append(result.numel())
            return result

    x, y = units[0].clone().requires_grad_(), units[1]
    with Shapes():
        best_matches(x, y, 0.5, 4 * 2000 * 100).sum().backward()
    assert max(seen) == 2000 * 100


def test_positions_bound_the_work():
    x, y = torch.rand(2, 1, 3, 64, 64)
    whole = ContextualLoss("gabor", "complex1")
    some = ContextualLoss("gabor", "complex1", positions=200)
    enough = ContextualLoss("gabor", "complex1", positions=32 * 32)
    torch.testing.assert_close(enough(x, y), whole(x, y))
    assert some(x, y) != whole(x, y)
    torch.testing.assert_close(some(x, y), some(x, y), rtol=0, atol=0)


def test_random_positions_go_on_where_they_were():
    x, y = torch.rand(2, 1, 3, 64, 64)
    loss = ContextualLoss("gabor", "complex1", positions=100, sampling="random")
    first, second = loss(x, y), loss(x, y)
    state = loss.state_dict()["draws"]
    third = loss(x, y)
    assert len({float(value) for value in (first, second, third)}) == 3
    other = ContextualLoss("gabor", "complex1", positions=100, sampling="random")
    other.draws.copy_(torch.tensor(2))
    assert int(state) == 3  # the same tensor: it has gone on
    torch.testing.assert_close(other(x, y), third, rtol=0, atol=0)
    other.eval()
    torch.testing.assert_close(other(x, y), other(x, y), rtol=0, atol=0)


def test_a_moved_image_is_closer_than_another():
    y = torch.rand(1, 3, 64, 64)
    loss = ContextualLoss("gabor", "complex1")
    assert loss(y.roll((4, 4), (2, 3)), y) < loss(torch.rand(1, 3, 64, 64), y)
