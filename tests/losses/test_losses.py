"""Every loss: shapes, weights, gradients, precision, and equality with what it says it is."""

import copy
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from snellen import create_backbone, create_metric
from snellen.errors import LossError
from snellen.losses import (
    CharbonnierLoss,
    ContextualLoss,
    DegradationResponseLoss,
    FeatureLoss,
    L1Loss,
    L2Loss,
    PixelResponse,
    PSNRLoss,
    TextResponse,
    WeightedSum,
    create_loss,
    list_losses,
)

CLASSICAL = ["psnr", "ssim", "fsim", "vsi", "gmsd", "haarpsi", "mdsi", "vif"]


class Tiny(nn.Module):
    """A network whose every operation is smooth, so that finite differences tell the truth."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.act = nn.Tanh()
        self.second = nn.Conv2d(4, 5, 3, stride=2, padding=1)
        self.out = nn.Softplus()
        with torch.no_grad():
            for value in self.parameters():
                value.copy_(torch.randn(value.shape, generator=generator) * 0.4)

    def forward(self, x):
        return self.out(self.second(self.act(self.first(x))))


def tiny(precision="float32"):
    return create_backbone(Tiny(), precision=precision)


def made(precision="float32", **common):
    """Losses by name, on the tiny network where they need one."""
    network = tiny(precision)
    response = PixelResponse(network, ["act", "out"], ["gaussian-blur@1", "white-noise@0.01"])
    metric = create_metric("dfb-vgg16", backbone=network, layers=["act", "out"])
    return {
        "l1": L1Loss(**common),
        "l2": L2Loss(**common),
        "charbonnier": CharbonnierLoss(**common),
        "psnr": PSNRLoss(**common),
        "feature": FeatureLoss(metric, **common),
        "contextual": ContextualLoss(network, ["act", "out"], **common),
        "response": DegradationResponseLoss(response, **common),
        "text": DegradationResponseLoss(
            TextResponse(lambda x: x.flatten(1)[:, :40], {"blur": torch.arange(40.0) ** 2}),
            **common,
        ),
    }


NAMES = list(made())


def images(n=2, size=12, dtype=torch.float32):
    return 0.1 + 0.8 * torch.rand(2, n, 3, size, size, dtype=dtype)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name):
    x, y = images(2, 6, torch.float64)
    loss = made("float64", reduction="none")[name]
    assert torch.autograd.gradcheck(lambda t: loss(t, y), x.requires_grad_(), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_reduction_and_weight(name):
    x, y = images(3)
    single = made(reduction="none")[name](x, y)
    assert single.shape == (3,)
    torch.testing.assert_close(made()[name](x, y), single.mean())
    torch.testing.assert_close(made(reduction="sum", weight=2.5)[name](x, y), 2.5 * single.sum())
    alone = torch.cat(
        [made(reduction="none")[name](a[None], b[None]) for a, b in zip(x, y, strict=True)]
    )
    torch.testing.assert_close(single, alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fill", ["image", 0.0, 0.5, 1.0])
def test_gradients_are_finite_at_identity(name, fill):
    y = images(1, 16)[0] if fill == "image" else torch.full((1, 3, 16, 16), fill)
    x = y.clone().requires_grad_()
    value = made()[name](x, y)
    value.backward()
    assert value.isfinite()
    assert x.grad.isfinite().all()
    if name in ("l1", "l2", "psnr", "feature", "charbonnier"):
        assert x.grad.abs().max() < 1e-3


@pytest.mark.parametrize("name", [*CLASSICAL, "dfb", "lpips-like"])
@pytest.mark.parametrize("other", ["same", "constant", "images"])
def test_metrics_have_finite_gradients(name, other):
    x = images(1, 64)[0] if other != "constant" else torch.full((1, 3, 64, 64), 0.25)
    y = images(1, 64)[1] if other == "images" else x.clone()
    if other == "constant":
        y = y + 0.5
    x.requires_grad_()
    if name == "lpips-like":
        options = {"reading": "position"}
        loss = FeatureLoss("dfb-gabor", readout="cosine", readout_options=options)
    else:
        loss = FeatureLoss(name)
    loss(x, y).backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_autocast_changes_nothing(name):
    x, y = images(2, 16)
    loss = made()[name]
    expected = loss(x, y)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = loss(x, y)
        assert got.dtype == torch.float32
    torch.testing.assert_close(got, expected, rtol=0, atol=0)
    half = loss(x.bfloat16().requires_grad_(), y.bfloat16())
    assert half.dtype == torch.float32
    assert half.isfinite()


@pytest.mark.parametrize("name", [*CLASSICAL, "dfb", "euclidean-gabor"])
def test_a_loss_is_its_metric(name):
    x, y = images(2, 64)
    metric = create_metric(name)
    score = metric(x, y)
    expected = score if metric.lower_better else -score
    torch.testing.assert_close(FeatureLoss(name, reduction="none")(x, y), expected)
    worse = FeatureLoss(name)((y + 0.2 * torch.randn(y.shape)).clamp(0, 1), y)
    better = FeatureLoss(name)((y + 0.02 * torch.randn(y.shape)).clamp(0, 1), y)
    assert better < worse


def test_channel_weights_are_those_of_the_metric(tmp_path):
    from safetensors.torch import save_file

    x, y = images(2, 32)
    weights = {"complex1": torch.arange(18.0)}
    save_file(weights, tmp_path / "w.safetensors", metadata={"snellen": "channel weights"})
    expected = create_metric("dfb-gabor", layers=["complex1"], channel_weights=weights)(x, y).mean()
    by_mapping = FeatureLoss("dfb-gabor", layers=["complex1"], channel_weights=weights)(x, y)
    by_file = FeatureLoss("dfb-gabor", channel_weights=tmp_path / "w.safetensors")(x, y)
    torch.testing.assert_close(by_mapping, expected)
    torch.testing.assert_close(by_file, expected)


@given(st.floats(-3, 4), st.floats(-3, 4))
def test_pixel_losses_in_closed_form(a, b):
    x, y = (torch.full((1, 3, 2, 2), v, dtype=torch.float64) for v in (a, b))
    d = x[0, 0, 0, 0] - y[0, 0, 0, 0]
    torch.testing.assert_close(L1Loss()(x, y), d.abs())
    torch.testing.assert_close(L2Loss()(x, y), d**2)
    torch.testing.assert_close(CharbonnierLoss(0.1)(x, y), (d**2 + 0.01).sqrt())
    torch.testing.assert_close(PSNRLoss()(x, y), 10 * torch.log10(d**2 + 1e-8))


@pytest.mark.parametrize("name", ["feature", "contextual", "response"])
def test_values_beyond_the_range_count_as_its_ends_and_come_back(name):
    x, y = images()
    x[0, 0, 0, 0] = 1.7
    x[1, 1, 2, 2] = -0.4
    x.requires_grad_()
    loss = made()[name]
    value = loss(x, y)
    torch.testing.assert_close(value, loss(x.detach().clamp(0, 1), y))
    value.backward()
    assert x.grad[0, 0, 0, 0] != 0
    assert x.grad[1, 1, 2, 2] != 0


class Counted:
    def __init__(self, backbone):
        self.backbone, self.images, self._stream = backbone, 0, backbone.stream
        backbone.stream = self

    def __call__(self, batch, layers):
        self.images += 1
        return self._stream(batch, layers)


@pytest.mark.parametrize("name", ["feature", "contextual"])
class TestTargetMemory:
    def loss(self, name):
        loss = made()[name]
        return loss, Counted(loss.metric.backbone if name == "feature" else loss.backbone)

    def test_the_same_target_is_computed_once(self, name):
        loss, counted = self.loss(name)
        x, y = images()
        first, second = loss(x, y), loss(x.flip(0), y)
        assert counted.images == 3
        assert first != second

    def test_a_changed_target_is_not_served_stale(self, name):
        loss, counted = self.loss(name)
        x, y = images()
        before = loss(x, y)
        y.mul_(0.5)
        assert loss(x, y) != before
        assert counted.images == 4
        torch.testing.assert_close(loss(x, y), made()[name](x, y.clone()))

    def test_another_target_at_the_same_place_is_another(self, name):
        loss, _ = self.loss(name)
        x, y = images()
        loss(x, y)
        del y
        z = images()[1]
        torch.testing.assert_close(loss(x, z), made()[name](x, z))

    def test_a_target_with_gradients_has_them(self, name):
        loss, _ = self.loss(name)
        x, y = images()
        y.requires_grad_()
        loss(x, y)
        loss(x, y).backward()
        assert y.grad.abs().sum() > 0

    def test_a_target_of_inference_mode_is_taken_but_not_kept(self, name):
        loss, counted = self.loss(name)
        with torch.inference_mode():
            y = images()[1]
        x = images()[0].requires_grad_()
        loss(x, y)
        loss(x, y).backward()
        assert counted.images == 4

    def test_the_target_is_not_kept_alive_and_copies_start_empty(self, name):
        loss, _ = self.loss(name)
        x, y = images()
        loss(x, y)
        memory = loss.memory
        assert memory._target() is y
        assert copy.deepcopy(memory)._result is None
        assert pickle.loads(pickle.dumps(memory))._result is None
        del y
        assert memory._target() is None
        loss.to(torch.float32)
        assert memory._result is None


def test_a_sum_reports_its_terms():
    x, y = images(2, 32)
    x.requires_grad_()
    loss = WeightedSum({"pixels": (L2Loss(), 3), "features": (FeatureLoss("dfb"), 0.5)})
    value = loss(x, y)
    assert list(loss.terms) == ["pixels", "features"]
    assert not any(term.requires_grad for term in loss.terms.values())
    expected = 3 * loss.terms["pixels"] + 0.5 * loss.terms["features"]
    torch.testing.assert_close(value.detach(), expected)
    value.backward()
    assert x.grad.abs().sum() > 0


def test_every_listed_loss_without_a_download_can_be_made():
    for name in list_losses():
        if name.startswith(("lpips", "dists", "deepdc")) or name.endswith("-*"):
            continue
        assert create_loss(name).weight == 1


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: create_loss("l3"), "No loss is called 'l3'"),
        (lambda: create_loss("l2", wieght=2), "wieght"),
        (lambda: create_loss("rr-gabor"), "full-reference"),
        (lambda: L1Loss(reduction="max"), "reduction"),
        (lambda: L1Loss(weight=float("nan")), "weight"),
        (lambda: CharbonnierLoss(0), "epsilon"),
        (lambda: FeatureLoss(create_metric("dfb"), layers=["complex1"]), "is made"),
        (lambda: ContextualLoss(bandwidth=0), "bandwidth"),
        (lambda: ContextualLoss(positions=0), "positions"),
        (lambda: ContextualLoss(sampling="all"), "sampling"),
        (lambda: ContextualLoss(tiny()), "at least one layer"),
        (
            lambda: ContextualLoss("gabor", channel_weights={"complex1": torch.ones(3)}),
            "18 non-negative",
        ),
        (lambda: PixelResponse(degradations=["jpeg:3"]), "gradients flow"),
        (lambda: PixelResponse(degradations=["blur:3+noise:2"]), "gradients flow"),
        (lambda: PixelResponse(tiny()), "list of layers"),
        (lambda: DegradationResponseLoss(PixelResponse(), combine="max"), "combine"),
        (lambda: TextResponse(lambda x: x, {}), "directions"),
        (lambda: WeightedSum({}), "losses with finite weights"),
        (lambda: L1Loss()(torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 5)), "expected"),
        (lambda: L1Loss()(torch.rand(3, 4, 4), torch.rand(3, 4, 4)), "expected floats of shape"),
        (lambda: L1Loss()(torch.rand(1, 3, 4, 4)), "compares with a target"),
    ],
)
def test_errors_say_what_to_do(make, match):
    with pytest.raises(LossError, match=match):
        make()
