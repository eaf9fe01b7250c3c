"""Every exam takes the embedded network by its name, with its weights and with random ones."""

import json
from functools import partial

import numpy as np
import pyarrow.csv
import pytest
from PIL import Image
from typer.testing import CliRunner

from snellen import create_backbone, exam
from snellen.cli import app
from snellen.exam import TuningStimuli


@pytest.fixture(autouse=True)
def few_gratings(monkeypatch):
    few = partial(
        TuningStimuli, ring_frequencies=(2, 8, 16), bar_step=30, frequencies=(5, 10, 20),
        orientations=(0, 45, 90, 135), contrasts=(0.1, 0.5, 1), phases=3,
    )  # fmt: skip
    monkeypatch.setattr(exam, "TuningStimuli", few)


@pytest.fixture
def pairs(tmp_path):
    """Three references, each under two strengths of noise and of brightening."""
    rng = np.random.default_rng(0)
    lines = ["# higher_better: true", "image,reference,type,level,score"]
    for i in range(3):
        reference = rng.integers(60, 190, (9, 11, 3)).repeat(4, 0).repeat(4, 1)
        write(tmp_path / f"r{i}.png", reference)
        for level in (1, 2):
            noise = rng.normal(0, 15 * level, reference.shape)
            for kind, change in (("noise", noise), ("brighten", 15 * level)):
                write(tmp_path / f"{kind}{i}{level}.png", reference + change)
                lines.append(f"{kind}{i}{level}.png,r{i}.png,{kind},{level},{3 - level}")
    (tmp_path / "pairs.csv").write_text("\n".join(lines) + "\n")
    return f"tiny={tmp_path / 'pairs.csv'}"


def write(path, pixels):
    Image.fromarray(np.asarray(pixels).clip(0, 255).astype(np.uint8)).save(path)


def run(*arguments):
    done = CliRunner().invoke(app, ["exam", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


def rows(path):
    return pyarrow.csv.read_csv(path).to_pylist()


def test_tuning_measures_the_weights_that_are_asked_for(tmp_path):
    run("tuning", "fovea", "--layer", "retina", "--size", 48, "--weights", "random", "-o", tmp_path)
    assert len(rows(tmp_path / "tuning.csv")) == 3
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    random, shipped = (create_backbone("fovea", weights) for weights in ("random", None))
    measured = manifest["backbone"]["weights"]["sha256"]
    assert measured == random.weights_sha256 != shipped.weights_sha256


def test_efficacy_groups_the_channels_of_a_stage(pairs, tmp_path):
    run(
        "efficacy", "fovea", "--layer", "stage1", "--size", 48, "--dataset", pairs, "-x", 25,
        "--draws", 5, "--resamples", 20, "--output", tmp_path / "out",
    )  # fmt: skip
    found = {row["set"]: row["channels"] for row in rows(tmp_path / "out" / "agreement.csv")}
    assert (found["F"], found["H"], found["L"]) == (16, 4, 4)


@pytest.mark.parametrize("command", ["layers", "separability"])
def test_a_network_with_random_weights_stands_beside_it(pairs, tmp_path, command):
    run(
        command, "fovea", "--dataset", pairs, "--random-control", "--resamples", 20,
        "--output", tmp_path / "out",
    )  # fmt: skip
    table = rows(tmp_path / "out" / f"{command}.csv")
    layers = ["input", "retina", "stage1", "stage2", "stage3", "stage4"]
    for network in ("fovea", "fovea random 0"):
        mine = [row for row in table if row["network"] == network]
        assert list(dict.fromkeys(row["layer"] for row in mine)) == layers
