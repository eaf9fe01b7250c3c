"""Both towers of CLIP: the embedding as a layer, and texts in its space."""

import pytest
import torch
from safetensors.torch import save_file

from snellen.backbones import EMBEDDING_LAYER, TextTower, WeightsInfo, create_backbone
from snellen.errors import BackboneError
from tests.backbones.inside import text_module
from tests.backbones.small_clip import RESNET, SIDE, VIT, small_clip  # noqa: F401

PROMPTS = ["A sharp photo with high-quality.", "A blurry photo with low-quality.", "x"]


@pytest.fixture
def model_and_file(small_clip, tmp_path):  # noqa: F811
    model = small_clip.create_model(VIT).eval()
    save_file(model.state_dict(), tmp_path / "clip.safetensors")
    return model, tmp_path / "clip.safetensors"


@torch.no_grad()
def test_one_file_serves_both_towers(model_and_file, small_clip):  # noqa: F811
    model, file = model_and_file
    backbone = create_backbone(f"open_clip/{VIT}", file)
    x = torch.rand(2, 3, SIDE, SIDE)
    embedded = backbone(x, [EMBEDDING_LAYER])[EMBEDDING_LAYER]
    assert backbone.layer(EMBEDDING_LAYER).stride is None
    torch.testing.assert_close(
        embedded.flatten(1), model.encode_image(backbone.normalise(x)), rtol=1e-5, atol=1e-6
    )
    expected = model.encode_text(small_clip.get_tokenizer(VIT)(PROMPTS))
    torch.testing.assert_close(TextTower(backbone).embed(PROMPTS), expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_random_towers_of_one_seed_are_one_model(small_clip):  # noqa: F811
    backbone = create_backbone(f"open_clip/{VIT}", "random", seed=7)
    torch.manual_seed(7)
    model = small_clip.create_model(VIT).eval()
    expected = model.encode_text(small_clip.get_tokenizer(VIT)(PROMPTS))
    torch.testing.assert_close(TextTower(backbone).embed(PROMPTS), expected, rtol=1e-5, atol=1e-5)
    x = torch.rand(1, 3, SIDE, SIDE)
    embedded = backbone(x, [EMBEDDING_LAYER])[EMBEDDING_LAYER].flatten(1)
    expected = model.encode_image(backbone.normalise(x))
    torch.testing.assert_close(embedded, expected, rtol=1e-5, atol=1e-6)


def test_a_prompt_is_embedded_once(model_and_file, monkeypatch):
    _, file = model_and_file
    backbone = create_backbone(f"open_clip/{VIT}", file)
    first = TextTower(backbone).embed(PROMPTS)
    built = []
    build = text_module._build
    monkeypatch.setattr(text_module, "_build", lambda *a: built.append(a) or build(*a))
    again = TextTower(create_backbone(f"open_clip/{VIT}", file)).embed(PROMPTS[::-1])
    assert built == []
    assert torch.equal(again, first.flip(0))
    again.mul_(0)
    assert torch.equal(TextTower(backbone).embed(PROMPTS), first)
    TextTower(backbone).embed(["something new", PROMPTS[0]])
    assert len(built) == 1


@torch.no_grad()
def test_any_size_leaves_the_positions_out(small_clip):  # noqa: F811
    backbone = create_backbone(f"open_clip/{RESNET}@any-size", "random", seed=5)
    torch.manual_seed(5)
    model = small_clip.create_model(RESNET).eval()
    model.visual.attnpool.positional_embedding.zero_()
    for height, width in ((SIDE, SIDE), (96, 160)):
        x = torch.rand(1, 3, height, width)
        if height != SIDE:
            shape = (
                height // 32 * width // 32 + 1,
                model.visual.attnpool.positional_embedding.shape[1],
            )
            model.visual.attnpool.positional_embedding = torch.nn.Parameter(torch.zeros(shape))
        embedded = backbone(x, [EMBEDDING_LAYER])[EMBEDDING_LAYER].flatten(1)
        expected = model.encode_image(backbone.normalise(x))
        torch.testing.assert_close(embedded, expected, rtol=1e-4, atol=1e-5)


def test_any_size_takes_the_published_file(small_clip, tmp_path):  # noqa: F811
    model = small_clip.create_model(RESNET)
    save_file(model.state_dict(), tmp_path / "clip.safetensors")
    backbone = create_backbone(f"open_clip/{RESNET}@any-size", tmp_path / "clip.safetensors")
    assert backbone.fixed_size is None
    assert TextTower(backbone).embed(["a photo"]).shape == (1, 48)


def test_what_embeds_no_text_says_so(small_clip):  # noqa: F811
    with pytest.raises(BackboneError, match="embeds no text: expected an image tower of open_clip"):
        TextTower(create_backbone("squeezenet1_1", "random"))
    with pytest.raises(BackboneError, match="vision transformers cannot"):
        create_backbone(f"open_clip/{VIT}@any-size", "random")
    tower = create_backbone(f"open_clip/{VIT}", "random")
    tower.weights = WeightsInfo("module")
    with pytest.raises(BackboneError, match="weights of its text tower are not known"):
        TextTower(tower)
