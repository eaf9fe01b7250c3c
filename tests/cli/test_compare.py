import csv
import io
import json
import subprocess
import sys

import pyarrow.parquet
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from snellen.cli import app
from snellen.metrics import MetricSet, create_metric
from tests.cli.inside import spread_options

runner = CliRunner()


@pytest.fixture
def folders(tmp_path, photos):
    """`distorted` and `reference`, three pairs; one file on each side has no partner."""
    for i, photo in enumerate(photos[:3]):
        pixels = (photo[0].permute(1, 2, 0).numpy() * 255).round().astype("uint8")
        for folder, suffix, options in (
            ("reference", "png", {}),
            ("distorted", "jpg", {"quality": 20}),
        ):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / folder / f"p{i}.{suffix}", **options)
    return tmp_path / "distorted", tmp_path / "reference"


def run(*arguments):
    return runner.invoke(app, [str(a) for a in arguments])


def rows_of(result):
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_two_images_give_the_metrics_number(folders):
    distorted, reference = (
        folder / f"p0.{s}" for folder, s in zip(folders, ("jpg", "png"), strict=True)
    )
    result = run("compare", distorted, reference, "--format", "csv")
    assert result.exit_code == 0, result.stderr
    (row,) = rows_of(result)
    assert float(row["dfb"]) == pytest.approx(float(create_metric("dfb")(distorted, reference)))


def test_arguments_and_options_are_the_same(folders):
    first = run("compare", *folders, "--format", "jsonl")
    second = run("compare", "-t", folders[0], "-r", folders[1], "--format", "jsonl")
    third = run("compare", "--target", folders[0], "--reference", folders[1], "--format", "jsonl")
    scores = [
        [json.loads(line)["dfb"] for line in r.stdout.splitlines()] for r in (first, second, third)
    ]
    assert scores[0] == scores[1] == scores[2]
    assert len(scores[0]) == 3


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_files_of_every_format(folders, tmp_path, form):
    output = tmp_path / f"scores.{form}"
    result = run("compare", *folders, "-m", "dfb,psnr", "--output", output)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    if form == "parquet":
        rows = pyarrow.parquet.read_table(output).to_pylist()
    elif form == "json":
        rows = json.loads(output.read_text())["rows"]
    elif form == "jsonl":
        rows = [json.loads(line) for line in output.read_text().splitlines()]
    else:
        rows = list(csv.DictReader(output.read_text().splitlines()))
    assert len(rows) == 3
    assert all(float(row["psnr"]) > 10 and float(row["dfb"]) > 0 for row in rows)
    assert not list(tmp_path.glob(".*"))


def test_the_table_names_the_direction(folders):
    result = run("compare", *folders, "-m", "dfb", "-m", "psnr")
    assert result.exit_code == 0
    assert "dfb ↓" in result.stdout
    assert "psnr ↑" in result.stdout


def test_files_without_a_partner_are_reported(folders):
    distorted, reference = folders
    (distorted / "p1.jpg").rename(distorted / "lonely.jpg")
    result = run("compare", distorted, reference, "--format", "csv")
    assert result.exit_code == 1
    failed = [row for row in rows_of(result) if row["error"]]
    assert [row["distorted"] for row in failed] == [str(distorted / "lonely.jpg")]
    assert "p1.png" in result.stderr


def test_a_broken_file_is_a_row_and_status_1(folders):
    distorted, reference = folders
    (distorted / "p2.jpg").write_bytes(b"\xff\xd8\xff")
    result = run("compare", distorted, reference, "--format", "csv")
    assert result.exit_code == 1
    rows = rows_of(result)
    assert [bool(row["error"]) for row in rows] == [False, False, True]
    assert "p2.jpg" in rows[2]["error"]
    assert "1 of 3 rows failed" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing", "{r}"], "missing: no such file"),
        (["{d}"], "REFERENCE is missing"),
        (["{d}", "{r}", "-t", "{d}"], "DISTORTED was given twice"),
        (["{d}", "{r}", "--metric", "dbf"], "Did you mean dfb"),
        (["{d}", "{r}", "--metric", "dfb-vgg61"], "vgg16"),
        (["{d}", "{r}", "-m", "psnr", "--resize", "tiny"], "native"),
        (["{d}", "{r}", "-m", "dfb", "--resize", "tiny"], "native"),
        (["{d}", "{r}", "-m", "dfb-alexnet", "--weights", "nowhere.pth"], "nowhere.pth"),
        (["{d}", "{r}", "-m", "dfb", "--layer", "stage9"], "stage"),
        (["{d}", "{r}", "--format", "parquet"], "--output"),
        (["{d}", "{r}", "--output", "scores.xyz"], ".csv"),
        (["{d}", "{r}", "-m", "psnr", "--map", "map.png"], "map"),
        (["{d}", "{r}", "--map", "map.png"], "folder"),
        (["{d}", "{r}", "--devise", "cuda"], "--devise"),
        (["{d}", "{r}", "--device", "warp"], "--device warp"),
        (["{d}", "{r}", "--tile", "large"], "expected 'auto', 'off', or pixels along a side"),
        (["{d}", "{r}", "--tile", "0", "--output", "{d}/o.csv"], "got '0'"),
        (["{d}", "{r}", "--output", "{d}/p0.jpg/o.csv"], "no results can be written there"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(folders, arguments, message):
    words = [a.format(d=folders[0], r=folders[1]) for a in arguments]
    result = run("compare", *words)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert not list(folders[0].glob("*.csv")) + list(folders[0].glob(".*"))


@pytest.mark.parametrize(("tile", "tiled"), [("64", 3), ("512", 0), ("off", 0), ("auto", 0)])
def test_large_images_are_scored_in_tiles(folders, monkeypatch, tile, tiled):
    sides, original = [], MetricSet.tiled

    def count(self, *pair, **options):
        sides.append(options["side"])
        return original(self, *pair, **options)

    monkeypatch.setattr(MetricSet, "tiled", count)
    result = run("compare", *folders, "-m", "dfb,psnr", "--tile", tile, "--format", "csv")
    assert result.exit_code == 0, result.stderr
    assert sides == [64] * tiled
    for row in rows_of(result):
        for name in ("dfb", "psnr"):
            whole = float(create_metric(name)(row["distorted"], row["reference"]))
            assert float(row[name]) == pytest.approx(whole, rel=1e-5)


def test_what_cannot_be_tiled_is_scored_whole(folders):
    result = run("compare", *folders, "-m", "vif", "--tile", 64, "--format", "csv")
    assert result.exit_code == 0, result.stderr
    assert not create_metric("vif").tiles
    assert all(float(row["vif"]) > 0 for row in rows_of(result))


def test_maps_are_drawn_for_one_pair_and_for_many(folders, tmp_path):
    distorted, reference = folders
    one = tmp_path / "map.png"
    assert run("compare", distorted / "p0.jpg", reference / "p0.png", "--map", one).exit_code == 0
    with Image.open(one) as figure:
        assert figure.width > 300
    many = tmp_path / "maps"
    assert run("compare", distorted, reference, "-m", "psnr,dfb", "--map", many).exit_code == 0
    assert sorted(p.name for p in many.iterdir()) == ["p0.png", "p1.png", "p2.png"]


def test_weights_of_the_backbone_and_of_the_head_come_from_files(folders, tmp_path):
    from safetensors.torch import save_file
    from torchvision.models import alexnet

    torch.manual_seed(0)
    net = alexnet(weights=None).features.state_dict()
    weights, head = tmp_path / "alex.safetensors", tmp_path / "head.safetensors"
    save_file({f"features.{k}": v for k, v in net.items()}, weights)
    channels = (64, 192, 384, 256, 256)
    save_file(
        {f"lin{i}.model.1.weight": torch.rand(1, c, 1, 1) for i, c in enumerate(channels)}, head
    )
    pair = folders[0] / "p0.jpg", folders[1] / "p0.png"
    result = run(
        "compare", *pair, "-m", "lpips-alex", "--weights", weights, "--head-weights", head,
        "--format", "csv",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    direct = create_metric("lpips-alex", weights=weights, head_weights=head)(*pair)
    assert float(rows_of(result)[0]["lpips-alex"]) == pytest.approx(float(direct))


def test_real_squeezenet_runs_from_the_command_line(folders, shared):
    weights = shared / "weights" / "squeezenet1_1.safetensors"
    pair = folders[0] / "p0.jpg", folders[1] / "p0.png"
    result = run(
        "compare", *pair, "-m", "dfb-squeezenet1_1", "--weights", weights, "--format", "json"
    )
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert 0 < document["rows"][0]["dfb-squeezenet1_1"] < 1
    assert (
        document["manifest"]["metrics"][0]["backbone"]["weights"]["file"]
        == "squeezenet1_1.safetensors"
    )


def test_a_second_run_over_the_same_output_keeps_it(folders, tmp_path):
    output = tmp_path / "o.csv"
    run("compare", *folders, "--output", output)
    first = [(r["distorted"], r["dfb"]) for r in csv.DictReader(output.read_text().splitlines())]
    again = run("compare", *folders, "--output", output)
    assert again.exit_code == 0
    assert "all 3 rows are there" in again.stderr
    assert [
        (r["distorted"], r["dfb"]) for r in csv.DictReader(output.read_text().splitlines())
    ] == first


def test_the_table_of_another_command_is_not_replaced(folders, tmp_path):
    """Not so once: a finished table gave way to that of the next command, without a word."""
    output = tmp_path / "o.csv"
    metrics = ("-m", "psnr,ssim,gmsd")
    assert run("score", folders[0], "-r", folders[1], *metrics, "-o", output).exit_code == 0
    before = output.read_bytes()
    refused = run("compare", *folders, "-m", "psnr", "-o", output)
    assert refused.exit_code == 2
    assert "--restart" in refused.stderr
    assert output.read_bytes() == before
    assert run("compare", *folders, "-m", "psnr", "-o", output, "--restart").exit_code == 0
    assert output.read_text().startswith("distorted,reference,width,height,psnr,")


@pytest.fixture
def killed(monkeypatch):
    """Kill a command as it scores its image of this number, from 0."""

    def at(number):
        original, seen = MetricSet.forward, []

        def forward(self, x, y):
            seen.append(1)
            if len(seen) > number:
                raise KeyboardInterrupt
            return original(self, x, y)

        monkeypatch.setattr(MetricSet, "forward", forward)

    return at


def test_killed_an_image_made_anew_and_again_the_score_is_that_of_the_new_pixels(
    folders, tmp_path, killed, monkeypatch
):
    """Not so once: the row of the old pixels was reported."""
    output, (distorted, reference) = tmp_path / "o.csv", folders
    killed(2)
    assert run("compare", *folders, "-m", "psnr", "-o", output, "--threads", 1).exit_code != 0
    monkeypatch.undo()
    assert not output.exists()
    assert output.with_name(".o.csv.part").read_text().count("distorted") >= 1
    for name in ("p0", "p1"):
        Image.open(reference / f"{name}.png").save(distorted / f"{name}.jpg", "PNG")
    assert run("compare", *folders, "-m", "psnr", "-o", output).exit_code == 0
    rows = list(csv.DictReader(output.read_text().splitlines()))
    expected = [float(create_metric("psnr")(r["distorted"], r["reference"])) for r in rows]
    assert [float(row["psnr"]) for row in rows] == pytest.approx(expected)
    assert float(rows[0]["psnr"]) > 70


def test_kept_rows_of_score_are_not_thrown_away_by_compare(folders, tmp_path, killed, monkeypatch):
    """Not so once: 1,001 kept lines became one, without a word."""
    output = tmp_path / "o.csv"
    words = (folders[0], "-r", folders[1], "-m", "psnr", "-o", output)
    killed(2)
    assert run("score", *words, "--threads", 1).exit_code != 0
    monkeypatch.undo()
    log = output.with_name(".o.csv.part")
    before = log.read_bytes()
    refused = run("compare", *folders, "-m", "psnr", "-o", output)
    assert refused.exit_code == 2
    assert "command was" in refused.stderr
    assert log.read_bytes() == before
    done = run("score", *words)
    assert done.exit_code == 0
    assert len(output.read_text().splitlines()) == 4


def test_tables_patterns_and_parts(folders, tmp_path):
    distorted, reference = folders
    table = tmp_path / "pairs.csv"
    table.write_text(
        "image,reference,method\n"
        + "".join(f"distorted/p{i}.jpg,reference/p{i}.png,jpeg\n" for i in range(3))
    )
    expected = rows_of(run("compare", *folders, "-m", "psnr", "--format", "csv"))
    found = rows_of(run("compare", table, "-m", "psnr", "--format", "csv"))
    assert [row["psnr"] for row in found] == [row["psnr"] for row in expected]
    assert {row["method"] for row in found} == {"jpeg"}
    pattern = run("compare", f"{distorted}/p[01].jpg", reference, "-m", "psnr", "--format", "csv")
    assert [row["psnr"] for row in rows_of(pattern)] == [row["psnr"] for row in expected[:2]]
    parts = tmp_path / "parts"
    assert run("compare", *folders, "-m", "psnr", "-o", parts).exit_code == 0
    rows = pyarrow.parquet.read_table(parts).to_pylist()
    assert [row["psnr"] for row in rows] == [float(row["psnr"]) for row in expected]
    assert rows[0].keys() >= {"distorted", "reference", "psnr", "error"}


def test_several_names_may_follow_metric(folders):
    words = ["compare", "--metric", "dfb", "psnr", str(folders[0]), str(folders[1])]
    assert spread_options(words) == [
        "compare", "--metric", "dfb", "--metric", "psnr", str(folders[0]), str(folders[1]),
    ]  # fmt: skip
    assert spread_options(["x", "-m", "psnr", "lpips-alex", "-r", "dfb"]) == [
        "x", "-m", "psnr", "-m", "lpips-alex", "-r", "dfb",
    ]  # fmt: skip


def test_nothing_but_rows_on_standard_output(folders):
    """Pain 23: logs and progress on stdout break pipelines."""
    command = [sys.executable, "-m", "snellen", "compare", *map(str, folders), "--format", "csv"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = result.stdout.splitlines()
    assert lines[0].startswith("distorted,reference,")
    assert len(lines) == 4
