"""Where networks come from."""

import logging

import pytest
import torch
from safetensors.torch import save_file

from snellen.backbones import create_backbone, find_architecture, list_backbones
from snellen.errors import BackboneError


class TestNames:
    def test_list(self):
        names = list_backbones()
        assert names[:2] == ["fovea", "gabor"]
        assert {"vgg16", "swin_t", "timm/convnext_tiny"} <= set(names)
        assert len(names) == len(set(names)) > 1000
        assert all("convnext" in name for name in list_backbones("convnext"))

    def test_torchvision_comes_before_timm(self):
        assert find_architecture("resnet18").name == "resnet18"
        assert find_architecture("timm/resnet18").name == "timm/resnet18"
        assert find_architecture("resnet10t").name == "timm/resnet10t"

    def test_unknown(self):
        with pytest.raises(BackboneError, match="snellen list backbones"):
            find_architecture("qqqqqqqq")
        with pytest.raises(BackboneError, match="No backbone is called 'timm/vgg61'"):
            find_architecture("timm/vgg61")


class TestSizes:
    @pytest.mark.parametrize(
        ("name", "size"),
        [
            ("vit_b_16", (224, 224)),
            ("maxvit_t", (224, 224)),
            ("resnet18", None),
            ("swin_t", None),
            ("timm/vit_tiny_patch16_224", None),
            ("timm/swin_tiny_patch4_window7_224", (224, 224)),
            ("timm/mixer_s32_224", (224, 224)),
            ("timm/convnext_atto", None),
            ("timm/vit_base_patch16_224.sam_in1k", None),
        ],
    )
    def test_fixed(self, name, size):
        assert find_architecture(name).fixed_size == size

    def test_patches_of_14_pixels(self):
        backbone = create_backbone("timm/eva02_tiny_patch14_224", "random")
        assert backbone.layer("blocks.3").stride == 14
        x = torch.rand(1, 3, 42, 70)
        assert backbone(x, ["blocks.3"])["blocks.3"].shape == (1, 192, 3, 5)


def test_normalisation_is_that_of_the_published_weights():
    assert find_architecture("resnet18").mean == (0.485, 0.456, 0.406)
    assert find_architecture("timm/vit_tiny_patch16_224").mean == (0.5, 0.5, 0.5)
    assert find_architecture("gabor").std == (1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def small():
    """An open_clip tower cut down so that a test has time for it."""
    open_clip = pytest.importorskip("open_clip", reason="the extra `clip` is not installed")
    config = open_clip.get_model_config("ViT-B-32")
    config["vision_cfg"] |= {"layers": 3, "width": 64, "head_width": 32}
    config["text_cfg"] |= {"layers": 1, "width": 32, "heads": 2, "vocab_size": 100}
    open_clip.factory._MODEL_CONFIGS["snellen-test"] = config
    yield "open_clip/snellen-test"
    del open_clip.factory._MODEL_CONFIGS["snellen-test"]


class TestOpenClip:
    def test_blocks_are_those_of_the_tower(self, small):
        import open_clip

        backbone = create_backbone(small, "random")
        with torch.random.fork_rng():
            torch.manual_seed(0)
            tower = open_clip.create_model("snellen-test").visual.eval()
        caught = []
        tower.transformer.resblocks[1].register_forward_hook(lambda _m, _i, o: caught.append(o))
        x = torch.rand(2, 3, 224, 224)
        with torch.no_grad():
            tower(backbone.normalise(x))
        assert caught[0].shape == (2, 50, 64)
        expected = caught[0][:, 1:].transpose(1, 2).reshape(2, 64, 7, 7)
        torch.testing.assert_close(backbone(x, ["blocks.1"])["blocks.1"], expected)
        names = [info.name for info in backbone.layers]
        assert [name for name in names if "blocks" in name] == ["blocks.0", "blocks.1", "blocks.2"]
        assert backbone.layer("blocks.2").stride == 32
        assert backbone.mean == tuple(open_clip.OPENAI_DATASET_MEAN)

    def test_file_of_the_whole_model(self, small, tmp_path):
        import open_clip

        torch.manual_seed(5)
        model = open_clip.create_model("snellen-test").eval()
        path = tmp_path / "clip.safetensors"
        save_file(model.state_dict(), path)
        backbone = create_backbone(small, path)
        x = torch.rand(1, 3, 224, 224)
        caught = []
        model.visual.ln_post.register_forward_hook(lambda _m, _i, o: caught.append(o))
        with torch.no_grad():
            model.encode_image(backbone.normalise(x))
        expected = caught[0][:, 1:].transpose(1, 2).reshape(1, 64, 7, 7)
        torch.testing.assert_close(backbone(x, ["ln_post"])["ln_post"], expected)

    def test_other_sizes_are_refused(self, small):
        with pytest.raises(BackboneError, match="224x224 pixels only; got 64x64"):
            create_backbone(small, "random")(torch.rand(1, 3, 64, 64))

    def test_logging_is_left_alone(self, small, caplog):
        handlers = list(logging.getLogger().handlers)
        create_backbone(small, "random")
        assert logging.getLogger().handlers == handlers
        assert caplog.records == []

    def test_published_weights_have_the_activation_of_the_name(self, small):
        exact, quick = (
            find_architecture(f"open_clip/ViT-B-32{suffix}").fetch for suffix in ("", "-quickgelu")
        )
        assert "openai" not in exact.args[0]
        assert "openai" in quick.args[0]

    def test_unknown(self, small):
        with pytest.raises(BackboneError, match=r"open_clip has no model 'ViT-B-33'.*ViT-B-32"):
            create_backbone("open_clip/ViT-B-33")


def test_open_clip_not_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
    with pytest.raises(BackboneError, match=r"snellen\[clip\]"):
        create_backbone("open_clip/ViT-B-32", "random")
