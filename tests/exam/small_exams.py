"""A whole exam that takes seconds: a network of two layers, small gratings, few small images."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from snellen.agreement import Resampling
from snellen.backbones import create_backbone
from snellen.datasets import load_dataset
from snellen.exam import synthetic_set
from snellen.vision import Viewing
from tests.exam.inside import ExamPlan

TYPES = ("gaussian-blur", "white-noise", "brighten")
OPTIONS = {"viewing": Viewing(8), "resampling": Resampling(resamples=30)}


class TwoLayers(nn.Module):
    """Random filters, and a count of the times they were used."""

    def __init__(self):
        super().__init__()
        self.conv1, self.act1 = nn.Conv2d(3, 12, 5, padding=2), nn.ReLU()
        self.conv2, self.act2 = nn.Conv2d(12, 6, 3, padding=1), nn.ReLU()

    def forward(self, x):
        return self.act2(self.conv2(self.act1(self.conv1(x))))


def two_layers(seed=0):
    torch.manual_seed(seed)
    return create_backbone(TwoLayers(), name=f"two-layers-{seed}")


def small_gratings(monkeypatch):
    """Show fewer and smaller gratings than the exam of a real network does."""
    stimuli = ExamPlan.stimuli

    def few(plan, backbone):
        from dataclasses import replace

        return replace(
            stimuli(plan, backbone), ring_frequencies=(0.5, 1, 2), bar_step=30,
            frequencies=(0.5, 1, 2), orientations=(0, 45, 90, 135), contrasts=(0.1, 0.5, 1),
            phases=3,
        )  # fmt: skip

    monkeypatch.setattr(ExamPlan, "stimuli", few)
    monkeypatch.setattr(ExamPlan, "size_of", lambda plan, backbone: (24, 24))


def rated(folder: Path):
    """Four references under three strengths of noise; the score falls with noise."""
    rng = np.random.default_rng(0)
    lines = ["# higher_better: true", "image,reference,score"]
    for content in range(4):
        reference = rng.integers(40, 210, (8, 9, 3)).repeat(5, 0).repeat(5, 1)
        _write(folder / f"r{content}.png", reference)
        for level in range(3):
            noise = rng.normal(0, 5 + 9 * level, reference.shape)
            _write(folder / f"d{content}{level}.png", reference + noise)
            lines.append(f"d{content}{level}.png,r{content}.png,{5 - level + rng.normal(0, 0.1)}")
    path = folder / "pairs.csv"
    path.write_text("\n".join(lines) + "\n")
    return load_dataset("tiny", path)


def pristine(folder: Path, count: int = 3):
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(1)
    for i in range(count):
        _write(folder / f"p{i}.png", rng.integers(30, 220, (8, 8, 3)).repeat(6, 0).repeat(6, 1))
    return folder


def distorted(folder: Path):
    return synthetic_set(pristine(folder), TYPES, levels=(1, 5), crop=None, name="pristine")


def _write(path, pixels):
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
