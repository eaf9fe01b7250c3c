"""The Ray engine on a Ray of this machine: the numbers of the local engine, and nothing lost."""

import random
import signal
import time
from pathlib import Path

import pytest

from snellen.runs import score
from tests.runs.folders import BROKEN, broken_files, folder_of
from tests.runs.ray_session import needs_ray, result_of, session

pytestmark = needs_ray
COUNT = 2000


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few")
    folder_of(folder, 19 * BROKEN, 40, 32)
    reasons = broken_files(folder)
    return result_of(session("compare", folder)) | {"reasons": reasons}


def test_the_numbers_of_the_local_engine(compared):
    assert len(compared["ray"]) == len(compared["local"]) == 20 * BROKEN
    for here, there in zip(compared["local"], compared["ray"], strict=True):
        for column in ("image", "reference", "sha256", "width", "height", "error"):
            assert there[column] == here[column]
        for metric in ("dfb", "psnr"):
            expected = here[metric]
            assert there[metric] == (expected and pytest.approx(expected, rel=1e-5, abs=1e-7))


def test_every_broken_file_is_a_row_with_its_reason(compared):
    failed = {Path(row["image"]).name: row["error"] for row in compared["ray"] if row["error"]}
    assert set(failed) == set(compared["reasons"])
    for name, reason in compared["reasons"].items():
        assert reason in failed[name]


def test_an_image_that_kills_its_worker_is_a_row(compared):
    rows = compared["killing"]
    assert len(rows) == 6
    assert [bool(row["error"]) for row in rows] == [i == 3 for i in range(6)]
    assert "deadly.png: 2 worker processes died" in rows[3]["error"]


def test_a_ray_that_was_there_before_is_left_alone(compared):
    assert compared["still there"]


def test_killed_and_started_again_a_run_ends_with_one_row_per_input(tmp_path):
    folder, sink = tmp_path / "many", tmp_path / "out.csv"
    folder_of(folder, COUNT)
    process = session("score", folder, sink)
    log = sink.with_name(".out.csv.part")
    while process.poll() is None and not (log.exists() and log.read_bytes().count(b"\n") > 40):
        time.sleep(0.05)
    time.sleep(random.Random(0).uniform(0, 0.3))
    process.kill()
    if process.wait() != -signal.SIGKILL:
        pytest.fail(f"over before it could be killed: take more images; {result_of(process)}")
    process.communicate()
    done = result_of(session("score", folder, sink))
    assert done["rows"] == COUNT
    assert 0 < done["kept"] < COUNT
    rows = sink.read_text().splitlines()
    assert len({row.split(",")[0] for row in rows[1:]}) == len(rows) - 1 == COUNT
    name = rows[0].split(",").index("psnr")
    [expected] = score(folder / "1234.png", "psnr", reference=folder / "0000.png")
    [found] = [row for row in rows if "1234.png" in row.split(",")[0]]
    assert float(found.split(",")[name]) == pytest.approx(expected["psnr"], rel=1e-5)
