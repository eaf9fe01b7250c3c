"""Responses to degradations in words, against the equations of the paper."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from snellen.backbones import create_backbone
from snellen.errors import MetricError
from snellen.metrics import create_metric, create_metrics, find_row
from tests.backbones.inside import clip_module as backbones_clip
from tests.backbones.inside import text_module as backbones_text
from tests.backbones.small_clip import RESNET, SIDE, VIT, small_clip  # noqa: F401
from tests.metrics.inside import mean_share, square_crops, text_correlation, text_response

PROMPTS = {
    "color": ("A real color photo with high-quality.", "A unnatural color photo with low-quality."),
    "noise": ("A clean photo with high-quality.", "A noise degraded photo with low-quality."),
    "blur": ("A sharp photo with high-quality.", "A blurry photo with low-quality."),
    "content": ("A clear content photo with high-quality.",
                "A bad content photo with low-quality."),
    "exposure": ("A natural exposure photo with high-quality.",
                 "A unnatural exposure photo with low-quality."),
}  # fmt: skip
FOUR = ("color", "noise", "blur", "exposure")


def published(image, clean, degraded, epsilon=1e-3):
    """DDR_d of one embedding, step by step as the paper and the authors' code have it."""
    way = degraded - clean
    standard = (way - way.mean()) / (way.std() + epsilon)
    moved = image + image.std() * standard + image.mean()
    return 1 - (image @ moved) / (image.norm() * moved.norm())


def published_crops(image, side):
    """The authors' squares of one image (3, H, W), by the loop of their protocol."""
    _, height, width = image.shape
    short, long = min(height, width), max(height, width)
    count = long // short + 1
    stride = (long - short) // (count - 1)
    crops = []
    for i in range(count):
        start = i * stride
        crop = (
            image[:, start : start + short] if height > width else image[..., start : start + short]
        )
        crops.append(F.interpolate(crop[None], (side, side), mode="bicubic", antialias=False)[0])
    return torch.stack(crops)


@pytest.fixture
def clip(small_clip, tmp_path):  # noqa: F811
    model = small_clip.create_model(VIT).eval()
    save_file(model.state_dict(), tmp_path / "clip.safetensors")
    backbone = create_backbone(f"open_clip/{VIT}", tmp_path / "clip.safetensors")
    tokens = small_clip.get_tokenizer(VIT)
    return model, backbone, lambda *texts: model.encode_text(tokens(list(texts)))


@torch.no_grad()
@pytest.mark.parametrize("shape", [(70, 190), (230, 71), (90, 90), (50, 64)])
def test_ddr_text_is_the_published_definition(clip, shape):
    model, backbone, embed_text = clip
    image = torch.rand(3, *shape)
    crops = model.encode_image(backbone.normalise(published_crops(image, SIDE)))
    expected = {
        name: torch.stack([published(crop, *embed_text(*pair)) for crop in crops]).mean()
        for name, pair in PROMPTS.items()
    }
    for name in FOUR:
        single = create_metric(f"ddr-text-{name}", backbone=backbone)(image)
        torch.testing.assert_close(single[0], expected[name], rtol=0, atol=1e-5)
    mean = torch.stack([expected[name] for name in FOUR]).mean()
    score = create_metric("ddr-text", backbone=backbone)(image)
    torch.testing.assert_close(score[0], mean, rtol=0, atol=1e-5)


@torch.no_grad()
def test_a_clip_of_the_real_architecture(small_clip, monkeypatch):  # noqa: F811
    name = find_row("ddr-text").backbone.removeprefix("open_clip/")
    torch.manual_seed(0)
    model = small_clip.create_model(name).eval()
    for module in (backbones_clip, backbones_text):  # drawing 151 M weights thrice takes long
        monkeypatch.setattr(module, "build_clip", lambda _: copy.deepcopy(model))
    monkeypatch.setattr(backbones_text, "seeded", lambda build, seed: build())
    metric = create_metric("ddr-text-blur", weights="random")
    image = torch.rand(3, 100, 150)
    text = model.encode_text(small_clip.get_tokenizer(name)(list(PROMPTS["blur"])))
    assert text.shape == (2, 512)
    crops = model.encode_image(metric.backbone.normalise(published_crops(image, 224)))
    expected = torch.stack([published(crop, *text) for crop in crops]).mean()
    torch.testing.assert_close(metric(image)[0], expected, rtol=0, atol=1e-5)


vectors = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).normal(size=(3, 64))
)


@settings(max_examples=60)
@given(vectors, st.floats(-3, 3), st.floats(0.05, 20), st.sampled_from([0.0, 1e-3, 0.3]))
def test_the_closed_form_is_the_definition(drawn, mean, spread, epsilon):
    image, clean, degraded = torch.from_numpy(spread * drawn)
    image = image + mean * spread
    found = text_response(
        image[None], torch.stack([clean, degraded])[None], epsilon=epsilon, adapt=True
    )
    torch.testing.assert_close(
        found[0, 0], published(image, clean, degraded, epsilon), rtol=1e-9, atol=1e-9
    )


@settings(max_examples=60)
@given(vectors, st.floats(-3, 3))
def test_without_epsilon_only_mean_share_and_correlation_are_left(drawn, mean):
    image, clean, degraded = torch.from_numpy(drawn).float()
    image = image + mean
    text = torch.stack([clean, degraded])[None]
    found = text_response(image[None], text, epsilon=0.0, adapt=True)
    k = image.mean() ** 2 / (image.mean() ** 2 + image.var(correction=0))
    rho = np.corrcoef(image, degraded - clean)[0, 1]
    torch.testing.assert_close(mean_share(image[None], 64)[0, 0], k, rtol=1e-4, atol=1e-6)
    assert float(text_correlation(image[None], text)) == pytest.approx(-rho, abs=1e-5)
    expected = 1 - ((1 + float(k) + (1 - float(k)) * rho) / 2) ** 0.5
    assert float(found) == pytest.approx(expected, abs=1e-5)


@torch.no_grad()
def test_without_adaptation_the_direction_is_added_as_it_is(clip):
    model, backbone, embed_text = clip
    image = torch.rand(3, SIDE, SIDE)
    embedded = model.encode_image(backbone.normalise(image[None]))[0]
    clean, degraded = embed_text(*PROMPTS["blur"])
    expected = 1 - F.cosine_similarity(embedded, embedded + degraded - clean, dim=0)
    metric = create_metric("ddr-text-blur", backbone=backbone, adapt=False)
    torch.testing.assert_close(metric(image)[0], expected, rtol=0, atol=1e-5)
    assert metric.range == (0.0, 2.0)


@torch.no_grad()
def test_prompts_of_the_user(clip):
    model, backbone, embed_text = clip
    pairs = [("clean photo", "noisy photo"), ("a fresh apple", "a rotten apple")]
    image = torch.rand(3, SIDE, SIDE)
    embedded = model.encode_image(backbone.normalise(image[None]))[0]
    expected = torch.stack([published(embedded, *embed_text(*pair)) for pair in pairs]).mean()
    metric = create_metric("ddr-text", backbone=backbone, prompts=pairs)
    torch.testing.assert_close(metric(image)[0], expected, rtol=0, atol=1e-5)
    assert "a rotten apple" in str(metric.manifest()["definition"]["options"])


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("clip-iqa", [("Good photo.", "Bad photo.")]),
        ("clip-iqa-5", [("Good image", "bad image"), ("Sharp image", "blurry image"),
                        ("sharp edges", "blurry edges"),
                        ("High resolution image", "low resolution image"),
                        ("Noise-free image", "noisy image")]),
    ],
)  # fmt: skip
def test_clip_iqa_is_a_softmax_over_antonyms(small_clip, name, pairs):  # noqa: F811
    backbone = create_backbone(f"open_clip/{RESNET}@any-size", "random", seed=3)
    torch.manual_seed(3)
    model = small_clip.create_model(RESNET).eval()
    model.visual.attnpool.positional_embedding.zero_()
    image = torch.rand(1, 3, SIDE, SIDE)
    embedded = model.encode_image(backbone.normalise(image), normalize=True)
    tokens = small_clip.get_tokenizer(RESNET)
    shares = []
    for pair in pairs:  # as torchmetrics and pyiqa have it
        anchors = model.encode_text(tokens(list(pair)), normalize=True)
        shares.append((100 * embedded @ anchors.T).softmax(dim=-1)[:, 0])
    score = create_metric(name, backbone=backbone)(image)
    torch.testing.assert_close(score, torch.stack(shares).mean(0), rtol=0, atol=1e-5)
    assert create_metric(name, backbone=backbone)(torch.rand(2, 3, 97, 130)).shape == (2,)


@torch.no_grad()
def test_the_score_is_a_function_of_the_correlation_and_the_mean_share(clip):
    model, backbone, _ = clip
    images = torch.rand(12, 3, SIDE, SIDE) ** torch.linspace(0.2, 4, 12).view(-1, 1, 1, 1)
    k = mean_share(model.encode_image(backbone.normalise(images)), 48)[:, 0]
    pair = [("a bright photo", "a dark photo")]
    rho = -create_metric("text-correlation", backbone=backbone, prompts=pair)(images)
    score = create_metric("ddr-text", backbone=backbone, prompts=pair, epsilon=0.0)(images)
    expected = 1 - ((1 + k + (1 - k) * rho) / 2).sqrt()
    torch.testing.assert_close(score, expected, rtol=0, atol=1e-5)


def test_metrics_of_a_set_share_the_pass(clip, monkeypatch):
    _, backbone, _ = clip
    passes = []
    stream = type(backbone).stream
    monkeypatch.setattr(
        type(backbone), "stream", lambda self, *a: passes.append(1) or stream(self, *a)
    )
    names = ["ddr-text", "ddr-text-blur", "ddr-text-content", "text-correlation"]
    image = torch.rand(1, 3, 80, 100)
    together = create_metrics(names, backbone=backbone)(image)
    assert len(passes) == 1
    for name in names:
        alone = create_metric(name, backbone=backbone)(image)
        assert torch.equal(together[name], alone)
    assert len(passes) == 1 + len(names)


def test_networks_made_for_a_set_are_shared_and_work(small_clip):  # noqa: F811
    names = ["ddr-text", "text-correlation"]
    metrics = create_metrics(names, backbone=f"open_clip/{VIT}", weights="random", seed=1)
    first, second = metrics
    assert first.backbone is second.backbone
    image = torch.rand(1, 3, 70, 90)
    alone = create_metric("ddr-text", backbone=f"open_clip/{VIT}", weights="random", seed=1)
    assert torch.equal(metrics(image)["ddr-text"], alone(image))


def test_batches_gradients_and_the_manifest(clip):
    _, backbone, _ = clip
    metric = create_metric("ddr-text", backbone=backbone)
    images = torch.rand(3, 3, 90, 150)
    alone = torch.cat([metric(image) for image in images])
    torch.testing.assert_close(metric(images), alone, rtol=0, atol=1e-6)
    images.requires_grad_()
    metric(images).sum().backward()
    assert images.grad.isfinite().all()
    assert images.grad.abs().max() > 0
    manifest = metric.manifest()
    assert manifest["protocol"]["crop resize"] == f"bicubic to {SIDE}, not antialiased"
    assert manifest["backbone"]["weights"]["sha256"] == backbone.weights_sha256
    assert metric.lower_better is False


@pytest.mark.parametrize(("height", "width", "count"), [(64, 200, 4), (129, 64, 3), (64, 64, 1)])
def test_crops_cover_the_long_side(height, width, count):
    image = torch.rand(2, 3, height, width)
    crops, found = square_crops(image, 64)
    assert found == count
    assert crops.shape == (2 * count, 3, 64, 64)
    torch.testing.assert_close(crops[0], image[0, :, :64, :64])
    one = published_crops(image[1], 64)
    torch.testing.assert_close(crops[count : 2 * count], one[:count])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompts": ["a", "b"]}, "prompts must be pairs"),
        ({"prompts": [("same", "same")]}, "mean the same"),
        ({"prompts": []}, "prompts must be pairs"),
        ({"epsilon": -1}, "epsilon must be a number from 0 up"),
        ({"adapt": 1}, "adapt must be true or false"),
        ({"sigma": 1}, "no option sigma"),
        ({"layer": "blocks.1"}, "layers cannot be set"),
    ],
)
def test_what_cannot_be_is_refused(clip, options, message):
    _, backbone, _ = clip
    with pytest.raises(MetricError, match=message):
        create_metric("ddr-text", backbone=backbone, **options)


def test_crops_need_a_tower_of_one_size(small_clip):  # noqa: F811
    with pytest.raises(MetricError, match="of any size, and square crops"):
        create_metric("ddr-text", backbone=f"open_clip/{RESNET}@any-size", weights="random")
