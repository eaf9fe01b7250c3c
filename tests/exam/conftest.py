import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from snellen.backbones import create_backbone
from snellen.datasets import load_dataset

CONTENTS = 5
LEVELS = 4


@pytest.fixture
def dataset(tmp_path):
    """Five references with four strengths of noise each, in no order; score falls with noise."""
    rng = np.random.default_rng(3)
    lines = []
    for content in range(CONTENTS):
        reference = rng.integers(40, 210, (6, 8, 3)).repeat(4, 0).repeat(4, 1)
        save(tmp_path / f"r{content}.png", reference)
        for level in range(LEVELS):
            noise = rng.normal(0, 4 + 7 * level, reference.shape)
            save(tmp_path / f"d{content}_{level}.png", reference + noise)
            score = 9 - 2 * level + rng.normal(0, 0.5)
            lines.append(f"d{content}_{level}.png,r{content}.png,{score}")
    rng.shuffle(lines)
    path = tmp_path / "pairs.csv"
    path.write_text("# higher_better: true\nimage,reference,score\n" + "\n".join(lines) + "\n")
    return load_dataset("tiny", path)


def save(path, pixels):
    Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8)).save(path)


class Tiny(nn.Module):
    """Three steps, and a count of the images that went through."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 5, 3, padding=1)
        self.act1 = nn.ReLU()
        self.conv2 = nn.Conv2d(5, 7, 3, stride=2)

    def forward(self, x):
        return self.conv2(self.act1(self.conv1(x)))


def tiny(seed=0):
    torch.manual_seed(seed)
    return create_backbone(Tiny(), name=f"tiny{seed}")


@pytest.fixture
def backbone():
    return tiny()
