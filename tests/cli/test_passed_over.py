"""Images that cannot be read do not vanish from folders without a word."""

import fsspec
import pytest
from typer.testing import CliRunner

from snellen.cli import app
from snellen.errors import SourceError
from snellen.images import UNREAD_SUFFIXES
from snellen.runs import open_source
from tests.runs.folders import folder_of, png

runner = CliRunner()


@pytest.fixture
def folder(tmp_path):
    folder_of(tmp_path / "photos" / "deep", 2)
    for name in ("a.psd", "b.CR2", "deep/c.cr2", "notes.txt", ".d.psd"):
        (tmp_path / "photos" / name).touch()
    return tmp_path / "photos"


def test_sources_count_them(folder, tmp_path):
    assert open_source(folder).passed_over == {".psd": 1, ".cr2": 2}
    twice = open_source([folder, folder / "deep"])
    assert twice.passed_over == {".psd": 1, ".cr2": 3}
    assert twice.select(1).passed_over == twice.passed_over
    assert open_source(folder / "deep" / "0000.png").passed_over == {}
    assert open_source(folder, folder).passed_over == {".psd": 1, ".cr2": 2}
    assert ".psd" in UNREAD_SUFFIXES


def test_stores_count_them():
    store = fsspec.filesystem("memory")
    for name in ("a.png", "b.psd", "deep/c.psd", "d.md"):
        store.pipe(f"/passed/{name}", png(0))
    assert open_source("memory://passed").passed_over == {".psd": 2}
    store.rm("/passed", recursive=True)


def test_a_folder_of_nothing_else(tmp_path):
    (tmp_path / "a.psd").touch()
    with pytest.raises(SourceError, match=r"holds no image \(passed over: 1 \.psd\)"):
        open_source(tmp_path)


@pytest.mark.parametrize("output", [[], ["-o", "scores.csv"]])
def test_one_line_on_standard_error(folder, tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    reference = str(folder / "deep" / "0000.png")
    done = runner.invoke(app, ["score", str(folder), "-r", reference, "-m", "psnr", *output])
    assert done.exit_code == 0, done.output
    assert done.stderr.splitlines().count("snellen: passed over: 2 .cr2, 1 .psd") == 1
    assert "passed over" not in done.stdout
    quiet = runner.invoke(app, ["score", reference, "-r", reference, "-m", "psnr"])
    assert "passed over" not in quiet.output
