"""Folders of small photographs, and a plan for them that trains in a second."""

from pathlib import Path

import pytest

from snellen.images import write_png
from snellen.restoration import NetworkPlan, OptimiserPlan, PairSource, TrainingPlan


@pytest.fixture
def folder(tmp_path, photos) -> Path:
    """Five photographs, sides not multiples of 4."""
    for i, photo in enumerate(photos):
        write_png(tmp_path / "clean" / f"photo{i}.png", photo[0, :, :101, :118])
    return tmp_path / "clean"


@pytest.fixture
def plan(folder) -> TrainingPlan:
    source = PairSource((str(folder),), degrade="bicubic x2")
    return TrainingPlan(
        network=NetworkPlan("vdsr", {"depth": 3, "width": 4}),
        train=source,
        test={"photos": PairSource((str(folder),), degrade="bicubic x2", limit=2)},
        loss={
            "l2": {"name": "l2"},
            "cx": {
                "name": "contextual",
                "weight": 0.01,
                "positions": 64,
                "sampling": "random",
            },
        },
        metrics={"psnr": {"name": "psnr"}, "dfb": {"name": "dfb"}},
        scale=2,
        steps=12,
        batch=2,
        patch=48,
        ema=0.8,
        checkpoint_every=4,
        validate_every=8,
        optimiser=OptimiserPlan(lr=1e-3),
    )
