import csv
import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from snellen.cli import app
from tests.runs.inside import scores_module as _rated
from tests.runs.rated import write_database

runner = CliRunner()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SNELLEN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def table(tmp_path, photos):
    return write_database(tmp_path / "data", photos)


@pytest.fixture
def scored(monkeypatch):
    """Pairs that were computed, not taken from the cache."""
    pairs, original = [], _rated.score_items

    def count(tasks, metrics, options):
        for result in original(tasks, metrics, options):
            pairs.append(result)
            yield result

    monkeypatch.setattr(_rated, "score_items", count)
    return pairs


def run(*arguments):
    return runner.invoke(app, ["bench", "--resamples", "20", *map(str, arguments)])


def test_table_report_scores_and_plots(table, tmp_path):
    out = tmp_path / "out"
    result = run(
        "-m", "psnr,gmsd", "--dataset", f"mine={table}", "--per-type", "--output", out / "a.csv",
        "--scores", out / "s.parquet", "--plots", out / "plots",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "Agreement with mine (human scores: higher = better)" in result.stdout
    assert "gmsd ↓" in result.stdout
    assert "SRCC by distortion type, mine" in result.stdout
    with (out / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["metric"], row["type"]) for row in rows] == [
        (metric, kind) for metric in ("psnr", "gmsd") for kind in ("", "jpeg", "noise")
    ]
    assert {row["resamples"] for row in rows} == {"20"}
    assert (out / "s.parquet").stat().st_size > 0
    assert sorted(path.name for path in (out / "plots").iterdir()) == [
        "mine_gmsd.png", "mine_psnr.png",
    ]  # fmt: skip


def test_a_second_run_and_one_more_metric_cost_only_what_is_new(table, scored):
    data = ("--dataset", f"mine={table}")
    first = run("-m", "psnr", *data)
    assert len(scored) == 24
    assert run("-m", "psnr", *data).stdout == first.stdout
    assert len(scored) == 24
    run("-m", "psnr,gmsd", *data)
    assert [set(one.values) for one in scored[24:]] == [{"gmsd"}] * 24
    run("-m", "psnr", *data, "--no-cache")
    assert len(scored) == 72


def test_directions_of_csv_files_are_given_by_name(tmp_path, photos):
    paths = {}
    for name, higher in (("mos", True), ("dmos", False)):
        table = write_database(tmp_path / name, photos, higher_better=higher)
        table.write_text("".join(table.read_text().splitlines(keepends=True)[1:]))
        paths[name] = table
    data = [word for name, path in paths.items() for word in ("--dataset", f"{name}={path}")]
    unsaid = run("-m", "psnr", *data)
    assert unsaid.exit_code == 2
    assert "--higher-better NAME" in " ".join(unsaid.stderr.split())
    output = tmp_path / "a.json"
    result = run(
        "-m", "psnr", *data, "--higher-better", "mos", "--lower-better", "dmos", "-o", output
    )
    assert result.exit_code == 0, result.stderr
    rows = json.loads(output.read_text())["agreement"]
    a, b = (row["srcc"] for row in rows if row["type"] == "")
    assert a == pytest.approx(b)
    assert a > 0.5


def test_a_broken_image_is_left_out_counted_and_status_1(table, tmp_path):
    (table.parent / "jpeg_1_2.png").write_bytes(b"no image")
    result = run("-m", "psnr", "--dataset", f"mine={table}", "--scores", tmp_path / "s.csv")
    assert result.exit_code == 1
    assert "1 of 24 images failed" in result.stderr
    assert "jpeg_1_2.png" in result.stderr
    assert "1 failed" in result.stdout
    with (tmp_path / "s.csv").open(newline="") as file:
        failed = [row for row in csv.DictReader(file) if row["error"]]
    assert [row["type"] for row in failed] == ["jpeg"]


def test_limit_takes_images_evenly(table, tmp_path):
    result = run(
        "-m", "psnr", "--dataset", f"mine={table}", "--limit", "6", "--scores", tmp_path / "s.csv"
    )
    assert result.exit_code == 0, result.stderr
    with (tmp_path / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert {row["content"] for row in rows} == {"r0", "r1", "r2"}


def test_each_backbone_takes_its_own_weights(table, tmp_path):
    from safetensors.torch import save_file
    from torchvision import models

    files = {}
    for name in ("squeezenet1_0", "squeezenet1_1"):
        files[name] = tmp_path / f"{name}.safetensors"
        save_file(getattr(models, name)(weights=None).state_dict(), files[name])
    output = tmp_path / "a.json"
    options = [word for name, path in files.items() for word in ("--weights", f"{name}={path}")]
    metrics = "dfb-squeezenet1_0,psnr,dfb-squeezenet1_1"
    result = run(
        "-m", metrics, *options, "--dataset", f"m={table}", "--limit", 4, "--layer", "fire3",
        "-o", output,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    manifest = json.loads(output.read_text())["manifest"]["metrics"]
    assert [one["metric"] for one in manifest] == metrics.split(",")
    used = [one["backbone"]["weights"]["file"] for one in manifest if "backbone" in one]
    assert used == [path.name for path in files.values()]
    assert {tuple(one["layers"]) for one in manifest if "backbone" in one} == {("fire3",)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--dataset"),
        (["--dataset", "scores.csv"], "NAME=FOLDER or NAME=FILE.csv"),
        (["--dataset", "mine=nowhere.csv"], "nowhere.csv: no such file or folder"),
        (["--dataset", "kadid={d}"], "No database is called 'kadid'|kadid"),
        (["--dataset", "m={t}", "--dataset", "m={t}"], "m was given twice"),
        (["--dataset", "m={t}", "--lower-better", "x"], "x: no --dataset"),
        (["--dataset", "m={t}", "--lower-better", "m", "--higher-better", "m"], "both"),
        (["--dataset", "m={t}", "-m", "dbf"], "Did you mean dfb"),
        (["--dataset", "m={t}", "-m", "psnr", "--weights", "vgg16=w.pth"], "no metric uses vgg16"),
        (["--dataset", "m={t}", "-m", "dfb-vgg16", "--weights", "a", "--weights", "b"], "once"),
        (["--dataset", "m={t}", "-m", "psnr", "--layer", "fire3"], "layers cannot be set"),
        (["--dataset", "m={t}", "--output", "a.xlsx"], ".parquet, .md, .tex"),
        (["--dataset", "m={t}", "--scores", "a.md"], ".jsonl"),
        (["--dataset", "m={t}", "--resize", "tiny"], "native"),
        (["--dataset", "m={t}", "--device", "warp"], "--device warp"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(table, tmp_path, arguments, message):
    result = run(*(word.format(t=table, d=tmp_path) for word in arguments))
    assert result.exit_code == 2, result.output
    said = " ".join(result.stderr.split())
    assert any(part in said for part in message.split("|")), said
    assert result.stdout == ""


def test_progress_is_on_standard_error_and_the_table_on_standard_output(table):
    command = [sys.executable, "-m", "snellen", "bench", "--metric", "psnr", "gmsd", "--dataset"]
    done = subprocess.run(
        [*command, f"mine={table}", "--limit", "4", "--resamples", "0"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    first = done.stdout.strip().splitlines()[0]
    assert first == "Agreement with mine (human scores: higher = better)"
    assert "gmsd" in done.stdout
    assert "scoring" not in done.stdout
