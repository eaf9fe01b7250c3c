"""Runs that are killed at any moment, and go on: no row is lost, and none is doubled."""

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from snellen.runs import score
from tests.runs.folders import BROKEN, broken_files, folder_of
from tests.runs.inside import parts_module as _parts

COUNT = 2000
KILLS = 4


def run(folder: Path, sink: Path) -> None:
    """What the killed process does."""
    torch.set_num_threads(1)
    _parts._PART_ROWS = 150
    score(folder, "psnr", reference=folder / "0000.png", sink=sink)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two thousand images, and a file of every broken kind."""
    path = tmp_path_factory.mktemp("many")
    folder_of(path, COUNT)
    broken_files(path)
    return path


@pytest.fixture(scope="module")
def processes():
    """Make processes that have imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["snellen.runs", "piq", "pyarrow.parquet"])
    return context


@pytest.mark.parametrize("name", ["out", "out.csv"])
def test_killed_at_random_moments_a_run_ends_with_one_row_per_input(
    folder, tmp_path, processes, name
):
    sink, moments = tmp_path / name, random.Random(f"kills of {name}")
    killed = 0
    for _ in range(KILLS):
        process = processes.Process(target=run, args=(folder, sink))
        process.start()
        wait_for_rows(sink, process)
        time.sleep(moments.uniform(0, 0.25))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    assert killed >= 2, "the run is over before it can be killed: take more images"
    done = score(folder, "psnr", reference=folder / "0000.png", sink=sink)
    assert done.kept > 0
    rows = {row["image"]: row for row in done.table().to_pylist()}
    assert len(rows) == done.rows == done.table().num_rows == len(list(folder.iterdir()))
    assert set(rows) == set(map(str, folder.iterdir()))
    assert sum(bool(row["error"]) for row in rows.values()) == BROKEN
    leftovers = [p.name for p in (sink if sink.is_dir() else tmp_path).glob(".*")]
    assert leftovers == []
    sample = moments.sample(sorted(rows), 40)
    for row in score(sample, "psnr", reference=folder / "0000.png"):
        if row["error"] is None:
            assert rows[row["image"]]["psnr"] == pytest.approx(row["psnr"], rel=1e-5)
            assert rows[row["image"]]["sha256"] == row["sha256"]


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
