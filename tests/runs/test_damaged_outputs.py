"""Logs, manifests and parts that were damaged, and disks that are full: an error, and a remedy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snellen.errors import RunError
from snellen.runs import score
from tests.runs.folders import folder_of

FULL = Path("/dev/full")


@pytest.fixture
def folder(tmp_path):
    folder_of(tmp_path / "images", 6)
    return tmp_path / "images"


def run_of(folder):
    return score(folder, "psnr", reference=folder / "0000.png", threads=1)


def cut_off(folder, sink):
    seen = []

    def stop(row):
        seen.append(row)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_of(folder).into(sink, on_row=stop)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"no json\n" + data,
        lambda data: data.replace(b"[", b"{", 1) + b"\n",
        lambda data: data.split(b"\n", 1)[1],
        lambda data: data + b'"a string"\n',
        lambda data: data + b"\xff\xfe\n",
    ],
)
def test_a_damaged_log(folder, tmp_path, damage):
    sink = tmp_path / "out.csv"
    cut_off(folder, sink)
    log = tmp_path / ".out.csv.part"
    log.write_bytes(damage(log.read_bytes()))
    with pytest.raises(RunError, match="--restart"):
        run_of(folder).into(sink)
    assert run_of(folder).into(sink, restart=True).rows == 6


@pytest.mark.parametrize("name", ["_manifest.json", "part-00000.parquet"])
@pytest.mark.parametrize("data", [b"", b"{}", b"PAR1", b"[1, 2]"])
def test_a_damaged_folder(folder, tmp_path, name, data):
    run_of(folder).into(tmp_path / "out")
    (tmp_path / "out" / name).write_bytes(data)
    with pytest.raises(RunError, match="--restart"):
        run_of(folder).into(tmp_path / "out")
    assert run_of(folder).into(tmp_path / "out", restart=True).rows == 6


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_a_truncated_file(folder, tmp_path, form):
    sink = tmp_path / f"out.{form}"
    run_of(folder).into(sink)
    sink.write_bytes(sink.read_bytes()[:-40])
    with pytest.raises(RunError, match="--restart"):
        run_of(folder).into(sink)
    assert run_of(folder).into(sink, restart=True).rows == 6


def command(*arguments, **options):
    words = [sys.executable, "-m", "snellen", *map(str, arguments)]
    return subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False, **options)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_output_is_one_line_and_status_2(folder):
    with FULL.open("w") as full:
        done = command("score", folder, "-m", "exposure", "--format", "csv", stdout=full)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("snellen: ")
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(folder):
    words = [sys.executable, "-m", "snellen", "score", str(folder), "-m", "exposure"]
    with subprocess.Popen(
        [*words, "--format", "csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert b"Traceback" not in said
    assert b"Exception" not in said
    assert process.returncode == 2


def test_a_file_name_that_is_no_utf_8_loses_no_row(folder, tmp_path):
    """Not so once: it lost the whole run, after all work, for four of five outputs."""
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes((folder / "0001.png").read_bytes())
    for name in ("o.csv", "o.json", "o.jsonl", "o.parquet", "parts"):
        done = run_of(folder).into(tmp_path / name)
        assert (done.rows, done.failed) == (7, 0)
        assert any(row["image"].endswith("caf\\xe9.png") for row in done.table().to_pylist())
    done = command("score", folder, "-m", "exposure", stdout=subprocess.PIPE)
    assert done.returncode == 0
    assert "caf\\xe9.png" in done.stdout
