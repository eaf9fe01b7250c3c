"""Runs that are killed at any moment, and go on: no row is lost, and none is doubled.

SNELLEN_KILLS=20 kills each command twenty times over each kind of sink (`make kills KILLS=20`).
"""

import itertools
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from snellen.runs import compare, diagnose, score
from tests.runs.folders import BROKEN, broken_files, folder_of
from tests.runs.inside import parts_module as _parts

KILLS = int(os.environ.get("SNELLEN_KILLS") or 0)
COUNTS = {
    "score": 2000 * (KILLS or 1),
    "compare": 2000 * (KILLS or 1),
    "diagnose": 60 + 30 * KILLS,
}
SINKS = ("out", "out.csv", "out.json", "out.jsonl", "out.parquet")
# What runs without being asked for more: every command, and every sink, at least once.
FEW = [
    ("score", "out"),
    ("score", "out.csv"),
    ("compare", "out.jsonl"),
    ("compare", "out.parquet"),
    ("diagnose", "out"),
    ("diagnose", "out.json"),
]


def start(command: str, folder: Path):
    """Return the run of a command."""
    reference = folder / "0000.png"
    if command == "score":
        return score(folder, "psnr", reference=reference)
    return compare(folder, reference, "psnr") if command == "compare" else diagnose(folder)


def run(command: str, folder: Path, sink: Path) -> None:
    """What the killed process does."""
    torch.set_num_threads(1)
    _parts._PART_ROWS = 150 if command != "diagnose" else 20
    start(command, folder).into(sink)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """For each command many images, and a file of every broken kind."""
    found = {}
    for command, count in COUNTS.items():
        found[command] = path = tmp_path_factory.mktemp("many")
        side = (32, 32) if command == "diagnose" else (24, 16)
        folder_of(path, count, *side)
        broken_files(path)
    return found


@pytest.fixture(scope="module")
def processes():
    """Make processes that have imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["snellen.runs", "piq", "pyarrow.parquet"])
    return context


@pytest.mark.parametrize(
    ("command", "name"), list(itertools.product(COUNTS, SINKS)) if KILLS else FEW
)
def test_killed_at_random_moments_a_run_ends_with_one_row_per_input(
    folders, tmp_path, processes, command, name
):
    folder, sink, moments = folders[command], tmp_path / name, random.Random(f"{command} {name}")
    killed = 0
    for _ in range(KILLS or 3):
        process = processes.Process(target=run, args=(command, folder, sink))
        process.start()
        wait_for_rows(sink, process)
        time.sleep(moments.uniform(0, 0.25))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    assert killed >= 2, "the run is over before it can be killed: take more images"
    done = start(command, folder).into(sink)
    assert done.kept > 0
    column = "distorted" if command == "compare" else "image"
    rows = {row[column]: row for row in done.table().to_pylist()}
    assert len(rows) == done.rows == done.table().num_rows == len(list(folder.iterdir()))
    assert set(rows) == set(map(str, folder.iterdir()))
    assert sum(bool(row["error"]) for row in rows.values()) == BROKEN
    leftovers = [p.name for p in (sink if sink.is_dir() else tmp_path).glob(".*")]
    assert leftovers == []
    check_values(command, folder, rows, moments.sample(sorted(rows), 20))


def check_values(command: str, folder: Path, rows: dict, sample: list[str]) -> None:
    """Hold a sample of rows against what a run in one go says."""
    reference = None if command == "diagnose" else folder / "0000.png"
    value = "confidence" if command == "diagnose" else "psnr"
    again = {
        "score": lambda: score(sample, "psnr", reference=reference),
        "compare": lambda: compare(sample, reference, "psnr"),
        "diagnose": lambda: diagnose(sample),
    }[command]()
    for row in again:
        found = rows[row["distorted" if command == "compare" else "image"]]
        if row["error"] is None:
            assert found[value] == pytest.approx(row[value], rel=1e-5)
            assert found.get("sha256") == row.get("sha256")


def wait_for_rows(sink: Path, process: multiprocessing.Process) -> None:
    """Wait until a process has written a row of its own, or is over."""
    before = logged(sink)
    while process.is_alive():
        now = logged(sink)
        if now != before and now.count(b"\n") >= 2:
            return
        time.sleep(0.01)


def logged(sink: Path) -> bytes:
    logs = sink.glob(".part-*.jsonl") if sink.is_dir() else [sink.with_name(f".{sink.name}.part")]
    try:
        return b"".join(log.read_bytes() for log in logs)
    except FileNotFoundError:
        return b""
