"""``snellen exam tuning`` and ``snellen exam efficacy``."""

import json

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from PIL import Image
from typer.testing import CliRunner

from snellen import exam
from snellen.cli import app
from snellen.exam import TuningStimuli
from snellen.metrics import load_channel_weights


@pytest.fixture(autouse=True)
def few_gratings(monkeypatch):
    """Show few gratings: what the commands do with the answers does not depend on how many."""

    def few(**options):
        return TuningStimuli(
            ring_frequencies=(2, 8, 16), bar_step=30, frequencies=(5, 10, 20),
            orientations=(0, 45, 90, 135), contrasts=(0.1, 0.5, 1), phases=3, **options,
        )  # fmt: skip

    monkeypatch.setattr(exam, "TuningStimuli", few)


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["# higher_better: true", "image,reference,score"]
    for content in range(3):
        reference = rng.integers(60, 200, (40, 44, 3))
        write(tmp_path / f"r{content}.png", reference)
        for level in range(3):
            noise = rng.normal(0, 5 + 10 * level, reference.shape)
            write(tmp_path / f"d{content}{level}.png", reference + noise)
            lines.append(f"d{content}{level}.png,r{content}.png,{5 - level + rng.normal(0, 0.1)}")
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def write(path, pixels):
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


def run(*arguments):
    return CliRunner().invoke(app, ["exam", *map(str, arguments)])


def test_tuning_writes_tables_figures_and_a_manifest(tmp_path):
    done = run(
        "tuning", "gabor", "--layer", "energy1", "--size", 64, "--output", tmp_path,
        "--contrast", 0.1, "--center", 0.5,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "energy1: 18 channels, 0 dead, preferred frequency median 1" in done.output
    table = pyarrow.parquet.read_table(tmp_path / "tuning.parquet")
    assert table.num_rows == pyarrow.csv.read_csv(tmp_path / "tuning.csv").num_rows == 18
    assert pyarrow.parquet.read_table(tmp_path / "curves.parquet").num_rows == 18
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["stimuli"]["contrast"] == 0.1
    assert manifest["stimuli"]["viewing"] == {"pixels_per_degree": 60.0}
    for name in ("preferred-frequencies", "preferred-orientations", "curves/energy1"):
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.width > 250


def test_efficacy_writes_tables_weights_figures_and_a_manifest(pairs, tmp_path):
    output = tmp_path / "out"
    done = run(
        "efficacy", "gabor", "--dataset", f"mine={pairs}", "--layer", "energy1", "--layer",
        "complex1", "-x", 25, "-x", 50, "--draws", 5, "--resamples", 20, "--size", 64,
        "--output", output, "--hard",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "mean of layers: H-25 minus random" in done.output
    agreement = pyarrow.parquet.read_table(output / "agreement.parquet")
    assert set(agreement.column("layer").to_pylist()) == {"energy1", "complex1", "mean of layers"}
    assert pyarrow.csv.read_csv(output / "differences.csv").num_rows == 3 * (2 * 10 + 1)
    assert pyarrow.csv.read_csv(output / "channels.csv").num_rows == 36
    weights = load_channel_weights(output / "channel_weights.safetensors")
    assert set(weights) == {"energy1", "complex1"}
    assert (weights["energy1"] == 0).any()
    assert json.loads((output / "manifest.json").read_text())["draws"] == 5
    for name in ("agreement", "differences"):
        assert (output / f"{name}.png").stat().st_size > 5000


def test_wrong_usage_ends_with_status_2(pairs, tmp_path):
    done = run("tuning", "gabor", "--layer", "nowhere", "--output", tmp_path)
    assert done.exit_code == 2
    assert "nowhere" in done.stderr
    done = run(
        "efficacy", "gabor", "--dataset", f"mine={pairs}", "-x", 100, "--output", tmp_path / "out"
    )
    assert done.exit_code == 2
    assert "below 100" in done.stderr
