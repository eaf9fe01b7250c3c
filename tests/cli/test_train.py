"""`snellen train`, `restore` and `compare-losses`, from a file to images and tables."""

import csv
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from snellen.cli import app
from snellen.images import read_image, write_png
from snellen.restoration import Degradation, load_comparison, load_plan

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "training"

needs_lightning = pytest.mark.skipif(
    find_spec("lightning") is None or find_spec("tensorboard") is None,
    reason="lightning or tensorboard is not installed: they come with snellen[train]",
)


@pytest.fixture
def plan(tmp_path, photos) -> dict:
    for i, photo in enumerate(photos[:3]):
        write_png(tmp_path / "clean" / f"photo{i}.png", photo[0, :, :80, :96])
    return {
        "network": {"name": "vdsr", "depth": 3, "width": 4},
        "scale": 2,
        "train": {"clean": "clean", "degrade": "bicubic x2"},
        "test": {"photos": {"clean": "clean", "degrade": "bicubic x2", "limit": 2}},
        "metrics": ["psnr", "dfb"],
        "steps": 2,
        "checkpoint_every": 1,
        "batch": 2,
        "patch": 32,
    }


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def written(path: Path, plan: dict) -> Path:
    path.write_text(yaml.safe_dump(plan))
    return path


@needs_lightning
def test_train_then_restore(plan, tmp_path):
    config = written(tmp_path / "plan.yaml", {**plan, "loss": "l2"})
    out = tmp_path / "out"
    done = run("train", "sr", config, "--output", out)
    assert done.exit_code == 0, done.output
    assert str(out / "network.safetensors") in done.stdout.replace("\n", "")
    with (out / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == ["photo0.png", "photo1.png"]
    assert float(rows[0]["psnr"]) > 15

    again = run("train", "sr", config, "--output", out)
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    assert run("train", "sr", config, "--output", out, "--resume").exit_code == 0

    small = Degradation("bicubic x2")(read_image(tmp_path / "clean" / "photo0.png")[None], 0)
    write_png(tmp_path / "small" / "one.png", small[0])
    (tmp_path / "small" / "bad.png").write_bytes(b"no image")
    restored = run("restore", out / "network.safetensors", tmp_path / "small",
                   "--output", tmp_path / "large")  # fmt: skip
    assert restored.exit_code == 1
    assert "bad.png" in restored.stderr
    assert "1 of 2 images restored" in restored.stdout
    assert read_image(tmp_path / "large" / "one.png").shape == (3, 80, 96)

    tiled = run("restore", out / "network.safetensors", tmp_path / "small" / "one.png",
                "--output", tmp_path / "tiled", "--tile", 16, "--overlap", 8)  # fmt: skip
    assert tiled.exit_code == 0, tiled.output
    whole, parts = (read_image(tmp_path / name / "one.png") for name in ("large", "tiled"))
    assert (whole - parts).abs().max() < 1.01 / 255

    over = run("restore", out / "network.safetensors", tmp_path / "small", "--output",
               tmp_path / "small")  # fmt: skip
    assert over.exit_code == 2
    assert "written over" in over.stderr


@needs_lightning
def test_compare_losses_writes_tables_and_figures(plan, tmp_path):
    losses = {"L2": "l2", "L2 + dfb": {"l2": 1, "dfb": 0.1}}
    config = written(tmp_path / "plan.yaml", {**plan, "losses": losses, "seeds": [0, 1]})
    done = run("compare-losses", config, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "| photos | L2 + dfb | 2 |" in done.stdout
    assert "psnr ↑ | dfb ↓" in done.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    wanted = {"images.csv", "runs.csv", "summary.csv", "summary.md", "psnr-dfb.png"}
    assert wanted <= names
    with (tmp_path / "out" / "summary.csv").open(newline="") as file:
        rows = {row["loss"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"input", "L2", "L2 + dfb"}
    assert rows["L2"]["psnr difference"] == ""
    assert float(rows["L2 + dfb"]["psnr sd"]) >= 0


def test_the_task_must_fit_the_plan(plan, tmp_path):
    config = written(tmp_path / "plan.yaml", {**plan, "loss": "l2"})
    done = run("train", "deblur", config, "--output", tmp_path / "out")
    assert done.exit_code == 2
    assert "deblurring keeps the size" in done.stderr


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_plans(path, monkeypatch):
    for name in ("SNELLEN_SHARED", "SNELLEN_RUNS", "DIV2K", "GOPRO", "REALSR", "CITY100"):
        monkeypatch.setenv(name, "/somewhere")
    text = yaml.safe_load(path.read_text())
    plan = load_comparison(path).plan if "losses" in text else load_plan(path)
    assert plan.steps >= 1000
