import json

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from PIL import Image
from typer.testing import CliRunner

from snellen.cli import app
from snellen.metrics import load_channel_weights


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["# higher_better: true", "image,reference,score"]
    for content in range(4):
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


def test_layers_writes_tables_figures_and_a_manifest(pairs, tmp_path):
    output = tmp_path / "out"
    done = run(
        "layers", "gabor", "--dataset", f"mine={pairs}", "--output", output, "--readout",
        "euclidean", "--layer", "input", "--layer", "simple1",
        "--resamples", 20, "--resize", "half",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "gabor: best SRCC 0.9" in done.output
    table = pyarrow.csv.read_csv(output / "layers.csv")
    assert table.column("layer").to_pylist() == ["input", "simple1"] * 2
    assert pyarrow.parquet.read_table(output / "layers.parquet").num_rows == 4
    distances = pyarrow.parquet.read_table(output / "distances.parquet")
    assert distances.num_rows == 12
    assert "gabor/simple1/euclidean/cumulative" in distances.column_names
    manifest = json.loads((output / "manifest.json").read_text())
    assert manifest["protocol"]["resize"] == "half"
    for name in ("layers-layer.png", "layers-cumulative.png"):
        with Image.open(output / name) as image:
            assert image.width > 300


def test_relevance_writes_weights_that_a_metric_takes(pairs, tmp_path):
    output = tmp_path / "out"
    done = run(
        "relevance", "gabor", "--layer", "simple1", "--dataset", f"mine={pairs}", "--splits", 2,
        "--output", output,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "simple1: held-out SRCC" in done.output
    assert list(load_channel_weights(output / "channel_weights.safetensors")) == ["simple1"]
    assert pyarrow.csv.read_csv(output / "relevance.csv").num_rows == 2


def test_study_writes_a_summary(pairs, tmp_path):
    plan = tmp_path / "study.yaml"
    plan.write_text(
        "datasets: [{name: mine, path: pairs.csv}]\nreadouts: [euclidean]\nmetrics: [psnr]\n"
        "networks: [{name: V1, architecture: gabor, layers: [simple1], tags: {goal: none}}]\n"
    )
    done = run("study", plan, "--output", tmp_path / "out", "--resamples", 20)
    assert done.exit_code == 0, done.output
    text = (tmp_path / "out" / "summary.md").read_text()
    assert "## mine, native size" in text
    assert "| V1 | simple1 |" in text
    assert (tmp_path / "out" / "mine-native" / "depth.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("dataset", "message"), [("mine", "expected NAME=FOLDER"), ("x=nowhere", "x")]
)
def test_wrong_usage_ends_with_status_2(dataset, message, tmp_path):
    done = run("layers", "gabor", "--dataset", dataset, "--output", tmp_path)
    assert done.exit_code == 2
    assert message in done.stderr
