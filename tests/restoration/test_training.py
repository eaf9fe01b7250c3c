"""Training runs: they learn, go on after a kill as if nothing had been, and refuse nonsense."""

import csv
import pickle
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import load_file

from snellen import create_metric
from snellen.errors import TrainingError
from snellen.restoration import (
    ComparisonPlan,
    PairSource,
    compare_losses,
    evaluate,
    load_restorer,
    train,
)

pytestmark = pytest.mark.skipif(
    find_spec("lightning") is None or find_spec("tensorboard") is None,
    reason="lightning or tensorboard is not installed: they come with snellen[train]",
)

KILLED = """
import os, pickle, signal, sys, torch
torch.set_num_threads(1)
from snellen.restoration import train
with open(sys.argv[1], "rb") as file:
    plan = pickle.load(file)
at = int(sys.argv[3])
def progress(step):
    if step == at:
        os.kill(os.getpid(), signal.SIGKILL)
train(plan, sys.argv[2], resume=True, progress=progress)
"""


def rows_of(path):
    with path.open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def test_killed_and_resumed_is_never_killed(plan, tmp_path):
    whole = load_file(train(plan, tmp_path / "whole"))
    (tmp_path / "plan.pickle").write_bytes(pickle.dumps(plan))
    command = [sys.executable, "-c", KILLED, tmp_path / "plan.pickle", tmp_path / "cut", "6"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    assert not (tmp_path / "cut" / "network.safetensors").exists()
    assert [row["step"] for row in rows_of(tmp_path / "cut" / "log.csv")] == ["4"]
    steps = []
    resumed = load_file(train(plan, tmp_path / "cut", resume=True, progress=steps.append))
    assert steps == [5, 6, 7, 8, 9, 10, 11, 12]
    assert list(resumed) == list(whole)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert rows_of(tmp_path / "cut" / "log.csv") == rows_of(tmp_path / "whole" / "log.csv")
    assert (tmp_path / "cut" / "images" / "step-0000008.png").exists()


def test_training_helps(plan, tmp_path):
    plan = replace(plan, loss={"l2": {"name": "l2"}}, steps=150, checkpoint_every=150,
                   validate_every=None, ema=0.98)  # fmt: skip
    metrics = {"psnr": create_metric("psnr")}
    restorer = load_restorer(train(plan, tmp_path / "run"))
    trained, untrained = (
        [row["psnr"] for row in evaluate(one, plan.test, metrics, scale=2)]
        for one in (restorer, None)
    )
    assert sum(trained) > sum(untrained) + 0.2 * len(trained)


def test_a_folder_belongs_to_one_plan(plan, tmp_path):
    plan = replace(plan, steps=2, checkpoint_every=1, validate_every=None)
    path = train(plan, tmp_path / "run")
    before = path.stat().st_mtime_ns
    with pytest.raises(TrainingError, match="go on with it"):
        train(plan, tmp_path / "run")
    with pytest.raises(TrainingError, match="another plan"):
        train(replace(plan, seed=5), tmp_path / "run", resume=True)
    assert train(plan, tmp_path / "run", resume=True).stat().st_mtime_ns == before


def test_mixed_precision_trains(plan, tmp_path):
    plan = replace(
        plan, precision="bfloat16", steps=2, checkpoint_every=1, validate_every=None, ema=None
    )
    state = load_file(train(plan, tmp_path / "run"))
    assert all(value.dtype == torch.float32 for value in state.values())
    assert all(value.isfinite().all() for value in state.values())


def test_a_loss_that_explodes_stops_the_run(plan, tmp_path):
    wild = replace(plan.optimiser, name="sgd", lr=1e12)
    plan = replace(plan, optimiser=wild, loss={"l2": {"name": "l2"}}, validate_every=None)
    with pytest.raises(TrainingError, match="lower the learning rate"):
        train(plan, tmp_path / "run")


@pytest.mark.parametrize("device", ["tpu", "cuda"])
def test_devices_that_are_not_here(plan, tmp_path, device):
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(TrainingError, match="device"):
        train(plan, tmp_path / "run", device=device)


def test_losses_are_compared_and_finished_runs_kept(plan, tmp_path):
    plan = replace(plan, steps=2, checkpoint_every=1, validate_every=None, ema=None)
    l2 = {"l2": {"name": "l2"}}
    losses = {"L2": l2, "L2 + dfb": {**l2, "dfb": {"name": "dfb", "weight": 0.1}}}
    comparison = ComparisonPlan(plan, losses, (0, 1))
    seen = []
    found = compare_losses(
        comparison, tmp_path / "out", progress=lambda run, step: seen.append((run, step))
    )
    assert [(row["loss"], row["seed"]) for row in found.runs] == [
        ("input", None), ("L2", 0), ("L2 + dfb", 0), ("L2", 1), ("L2 + dfb", 1),
    ]  # fmt: skip
    assert found.lower_better == {"psnr": False, "dfb": True}
    base, _, second = found.summary
    assert base["loss"] == "input"
    psnr = {(row["loss"], row["seed"]): row["psnr"] for row in found.runs}
    change = [psnr["L2 + dfb", seed] - psnr["L2", seed] for seed in (0, 1)]
    assert second["psnr difference"] == pytest.approx(sum(change) / 2)
    assert second["psnr sd"] == pytest.approx(
        abs(psnr["L2 + dfb", 0] - psnr["L2 + dfb", 1]) / 2**0.5
    )
    assert ("L2, seed 0", 1) in seen
    seen.clear()
    again = compare_losses(
        comparison, tmp_path / "out", progress=lambda run, step: seen.append((run, step))
    )
    assert again.images == found.images
    assert {step for _, step in seen} == {2}  # no step was done again


def test_a_damaged_test_image_is_a_row_with_its_error(plan, folder):
    (folder / "photo9.png").write_bytes(b"no image")
    test = {"photos": PairSource((str(folder),), degrade="bicubic x2")}
    rows = list(evaluate(None, test, {"psnr": create_metric("psnr")}, scale=2))
    assert [row["error"] is None for row in rows] == [True] * 5 + [False]
    assert rows[-1]["psnr"] is None
    assert "photo9.png" in rows[-1]["error"]
