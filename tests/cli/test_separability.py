import json

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from PIL import Image
from typer.testing import CliRunner

from snellen.cli import app

FEW = ["--resamples", 20, "--components", 4, "--layer", "input", "--layer", "simple1"]


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(3):
        write(
            tmp_path / f"photo{i}.png", rng.integers(60, 200, (9, 11, 3)).repeat(4, 0).repeat(4, 1)
        )
    return tmp_path


@pytest.fixture
def pairs(folder):
    rng = np.random.default_rng(1)
    lines = ["# higher_better: true", "image,reference,type,level,score"]
    for i in range(3):
        reference = np.asarray(Image.open(folder / f"photo{i}.png"), dtype=float)
        for level in (1, 2):
            write(folder / f"n{i}{level}.png", reference + rng.normal(0, 20, reference.shape))
            write(folder / f"b{i}{level}.png", reference + 20 * level)
            lines += [f"{k}{i}{level}.png,photo{i}.png,{k},{level},{level}" for k in "nb"]
    path = folder / "pairs.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def write(path, pixels):
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


def run(*arguments):
    return CliRunner().invoke(app, ["exam", "separability", "gabor", *map(str, arguments)])


def test_a_dataset_gives_tables_figures_and_a_manifest(pairs, tmp_path):
    output = tmp_path / "out"
    done = run(
        "--dataset", f"mine={pairs}", "--output", output, "--pooling", "mean",
        "--normalize", "none", "--normalize", "l2", "--neighbors", 1, "--neighbors", 3, *FEW,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "gabor, with the reference: type accuracy 1.000 [1.000, 1.000] (chance 0.500)" in (
        done.output
    )
    table = pyarrow.csv.read_csv(output / "separability.csv")
    assert table.num_rows == 2 * 2 * 2 * 2  # layers, difference, normalize, neighbors
    assert set(table.column("layer").to_pylist()) == {"input", "simple1"}
    assert pyarrow.parquet.read_table(output / "separability.parquet").num_rows == 16
    confusion = pyarrow.csv.read_csv(output / "confusion-gabor.csv")
    assert confusion.column_names == ["type", "b", "n"]
    assert pyarrow.csv.read_csv(output / "pairs-gabor.csv").num_rows == 1
    assert pyarrow.csv.read_csv(output / "projection-gabor.csv").num_rows == 12
    manifest = json.loads((output / "manifest.json").read_text())
    assert manifest["options"]["normalize"] == ["none", "l2"]
    for name in ("separability", "pairs-gabor", "projection-gabor"):
        with Image.open(output / f"{name}.png") as image:
            assert image.width > 300


def test_a_folder_of_photographs_is_distorted(folder, tmp_path):
    output = tmp_path / "out"
    done = run(
        "--images", folder, "--distortion", "blur", "--distortion", "white-noise", "--crop", 32,
        "-o", output, *FEW,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    data = json.loads((output / "manifest.json").read_text())["data"]
    assert list(data["types"]) == ["gaussian-blur", "white-noise"]
    assert (data["images"], data["crop"], len(data["files"])) == (30, 32, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give either --dataset NAME=PATH or --images FOLDER"),
        (["--dataset", "a=b.csv", "--images", "."], "Give either"),
        (["--dataset", "a=b.csv", "--distortion", "jpeg"], "--distortion is for --images"),
        (["--dataset", "mine"], "expected NAME=FOLDER"),
        (["--images", "nowhere"], "nowhere: no such folder"),
        (["--images", ".", "--distortion", "jpeeg"], "'jpeeg'"),
    ],
)
def test_wrong_usage_ends_with_status_2(arguments, message, tmp_path):
    done = run(*arguments, "--output", tmp_path)
    assert done.exit_code == 2
    assert message in done.stderr
