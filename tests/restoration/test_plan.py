"""Plans from files: what stands there is what is used, and every mistake is named."""

import pytest
import yaml

from snellen.errors import TrainingError
from snellen.restoration import OptimiserPlan, load_comparison, load_plan

GOOD = {
    "network": {"name": "NAFNet", "width": 8},
    "train": {"clean": ["images", "$MORE/photos"], "degrade": "motion-blur@4..12"},
    "test": {"own": {"clean": "test", "degrade": "motion-blur@8"}},
    "loss": {"psnr": {}, "features": {"name": "dfb", "weight": 0.5}, "l1": 0.1},
    "metrics": ["psnr", {"name": "lpips-squeeze", "label": "lpips", "weights": "s.safetensors"}],
    "steps": 100,
    "optimizer": {"name": "adamw", "lr": "1e-3", "betas": [0.9, 0.95]},
}


@pytest.fixture(autouse=True)
def more(monkeypatch):
    monkeypatch.setenv("MORE", "/elsewhere")


def written(tmp_path, **changes):
    path = tmp_path / "plan.yaml"
    text = {k: v for k, v in {**GOOD, **changes}.items() if v is not ...}
    path.write_text(yaml.safe_dump(text))
    return path


def test_a_plan_is_read(tmp_path):
    plan = load_plan(written(tmp_path))
    assert plan.network.options == {"width": 8}
    assert plan.train.clean == (str(tmp_path / "images"), "/elsewhere/photos")
    assert plan.loss == {
        "psnr": {"name": "psnr"},
        "features": {"name": "dfb", "weight": 0.5},
        "l1": {"name": "l1", "weight": 0.1},
    }
    assert plan.metrics["lpips"]["weights"] == str(tmp_path / "s.safetensors")
    assert plan.optimiser == OptimiserPlan(lr=1e-3, betas=(0.9, 0.95))
    before = plan.fingerprint()
    assert before == load_plan(written(tmp_path)).fingerprint()
    assert plan.fingerprint() != load_plan(written(tmp_path, steps=200)).fingerprint()
    assert plan.fingerprint() == load_plan(written(tmp_path, workers=3)).fingerprint()
    (tmp_path / "s.safetensors").write_bytes(b"other weights")
    assert plan.fingerprint() != before


def test_a_comparison_is_read(tmp_path):
    losses = {"L2": "l2", "L2 + dfb": {"l2": {}, "dfb": {"weight": 0.1}}}
    found = load_comparison(written(tmp_path, loss=..., losses=losses, seeds=[3, 4]))
    assert found.seeds == (3, 4)
    assert found.losses["L2"] == {"l2": {"name": "l2"}}
    assert found.losses["L2 + dfb"]["dfb"] == {"name": "dfb", "weight": 0.1}


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"step": 3}, "unknown 'step'; did you mean steps"),
        ({"network": ...}, "network is missing"),
        ({"network": {"width": 3}}, "network: expected a name"),
        ({"train": {"clean": "a", "degrad": "b"}}, "train: unknown 'degrad'; did you mean"),
        ({"train": {"clean": "a", "degrade": "blur"}}, "train: degrade: 'blur'"),
        ({"train": {"clean": "a", "degrade": "bicubic x4"}}, "shrinks images by 4"),
        ({"train": {"clean": "$NOWHERE_SET/a", "degrade": "random"}}, "environment variable"),
        ({"test": {}}, "test: expected sets"),
        ({"test": {"a": {"degrade": "random"}}}, "test.a: clean is missing"),
        ({"loss": {}}, "loss: expected a name"),
        ({"loss": {"l2": {"weight": "much"}}}, "loss.l2: weight: expected a number"),
        ({"metrics": ["psnr", "psnr"]}, "metrics: every metric needs"),
        ({"metrics": "psnr"}, "metrics: expected a list"),
        ({"steps": "many"}, "steps: expected a whole number; got 'many'"),
        ({"steps": 2.5}, "steps: expected a whole number"),
        ({"steps": 0}, "steps must be positive"),
        ({"steps": 50}, "multiple of checkpoint_every 100"),
        ({"ema": 1.0}, "ema must lie between"),
        ({"precision": "float16"}, "precision must be one of"),
        ({"scale": 3, "train": {"clean": "a", "degraded": "b"}, "test": {"t": {
            "clean": "a", "degraded": "b"}}, "patch": 128}, "multiple of the scale 3"),
        ({"validate_every": 7}, "validate_every must be a multiple of checkpoint_every"),
        ({"optimizer": {"name": "lion"}}, "optimiser: name must be one of"),
        ({"optimizer": {"lr": -1}}, "optimiser: lr must be positive"),
        ({"optimizer": {"betas": [0.9, 2]}}, "betas must be two numbers"),
        ({"optimizer": {"lr": "fast"}}, "optimiser: lr: expected a number"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_place(tmp_path, changes, match):
    with pytest.raises(TrainingError, match=match):
        load_plan(written(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({}, "expected `losses`"),
        ({"loss": ..., "losses": ["l2"]}, "expected `losses`"),
        ({"loss": ..., "losses": {"a": "l2"}, "seeds": [1, 1]}, "all different"),
        ({"loss": ..., "losses": {"a": "l2"}, "seeds": "0"}, "whole numbers"),
        ({"loss": ..., "losses": {"a": {}}}, "losses.a: expected a name"),
    ],
)
def test_mistakes_of_comparisons_are_named(tmp_path, changes, match):
    with pytest.raises(TrainingError, match=match):
        load_comparison(written(tmp_path, **changes))


@pytest.mark.parametrize("text", ["- a", "a: [", ""])
def test_files_that_are_no_plans(tmp_path, text):
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=r"plan\.yaml"):
        load_plan(path)
    with pytest.raises(TrainingError, match="not a training plan"):
        load_plan(tmp_path / "missing.yaml")
