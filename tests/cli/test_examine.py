"""``snellen examine``."""

import json

import pytest
from typer.testing import CliRunner

from snellen.cli import app

from ..exam.small_exams import pristine, rated, small_gratings


@pytest.fixture(autouse=True)
def few_gratings(monkeypatch):
    small_gratings(monkeypatch)


def run(*arguments):
    return CliRunner().invoke(app, ["examine", *map(str, arguments)])


def test_it_writes_a_report_tables_and_a_manifest(tmp_path):
    rated(tmp_path)
    out = tmp_path / "out"
    arguments = (
        "gabor", "--layer", "energy1", "--pixels-per-degree", 8,
        "--dataset", f"tiny={tmp_path / 'pairs.csv'}", "--images", pristine(tmp_path / "p"),
        "--crop", 40, "--resamples", 20, "--output", out,
    )  # fmt: skip
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    assert "gabor: prefers" in done.stdout
    assert "chance 0.040" in done.stdout
    assert (out / "report.html").read_text().startswith("<!DOCTYPE html>")
    for name in ("summary", "tuning", "efficacy", "separability", "agreement", "csf"):
        assert (out / f"{name}.csv").is_file()
        assert (out / f"{name}.parquet").is_file()
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["layers"] == {"gabor": ["energy1"]}
    kept = set((out / ".checkpoint").iterdir())
    again = run(*arguments, "--part", "csf")
    assert again.exit_code == 0, again.output
    assert set((out / ".checkpoint").iterdir()) == kept


def test_parts_can_be_chosen_and_what_is_missing_is_told(tmp_path):
    done = run(
        "gabor", "--layer", "energy1", "--part", "csf", "--part", "separability",
        "--pixels-per-degree", 8, "--output", tmp_path,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "separability was left out. It needs undistorted images" in done.stderr
    assert not (tmp_path / "tuning.csv").exists()


def test_a_part_that_fails_leaves_a_report_and_status_1(tmp_path):
    done = run(
        "gabor", "--layer", "energy1", "--part", "csf", "--part", "separability",
        "--pixels-per-degree", 8, "--images", pristine(tmp_path / "p"), "--output", tmp_path / "o",
    )  # fmt: skip
    assert done.exit_code == 1
    assert "separability of gabor failed" in done.stderr
    assert "smaller than the crop of 256" in done.stderr
    assert "smaller than the crop of 256" in (tmp_path / "o" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gabor", "--part", "eyes"), "expected some of tuning"),
        (("gabor", "--part", "agreement"), "images with human scores"),
        (("no-such-network",), "no-such-network"),
        (("gabor", "--layer", "retina"), "retina"),
        (("gabor", "--dataset", "x"), "expected NAME=FOLDER"),
    ],
)
def test_mistakes_are_one_line_and_status_2(tmp_path, arguments, message):
    done = run(*arguments, "--output", tmp_path)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
