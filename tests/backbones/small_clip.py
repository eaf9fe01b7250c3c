"""CLIP models cut down so that a test has time for them: a transformer and a ResNet tower."""

import pytest

VIT, RESNET = "snellen-small", "snellen-small-resnet"
SIDE = 64


@pytest.fixture
def small_clip():
    """Make open_clip know both models; only its configurations differ from the real ones."""
    open_clip = pytest.importorskip("open_clip", reason="the extra `clip` is not installed")
    vision = {
        VIT: ("ViT-B-32-quickgelu", {"layers": 2, "width": 64}),
        RESNET: ("RN50-quickgelu", {"layers": [1, 1, 1, 1], "width": 16}),
    }
    for name, (full, changes) in vision.items():
        config = open_clip.get_model_config(full)
        config["vision_cfg"] |= {**changes, "image_size": SIDE}
        config["text_cfg"] |= {"layers": 2, "width": 64, "heads": 2}
        config["embed_dim"] = 48
        open_clip.factory._MODEL_CONFIGS[name] = config
    yield open_clip
    for name in vision:
        del open_clip.factory._MODEL_CONFIGS[name]
