"""The receiver's command."""

import csv
import io
import json

import pyarrow.parquet
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from snellen.metrics import create_metric
from tests.cli.inside import describe, score

runner = CliRunner()
app = typer.Typer()
app.command()(describe)
app.command()(score)


@pytest.fixture
def received(tmp_path, photos):
    """`received` and `references`, two images each, and `sent`, their descriptors."""
    for i, photo in enumerate(photos[:2]):
        pixels = (photo[0, :, :80, :96].permute(1, 2, 0).numpy() * 255).round().astype("uint8")
        for folder, suffix, options in (
            ("references", "png", {}),
            ("received", "jpg", {"quality": 20}),
        ):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / folder / f"p{i}.{suffix}", **options)
    done = run("describe", tmp_path / "references", "-o", tmp_path / "sent", "--values", 8)
    assert done.exit_code == 0, done.stderr
    return tmp_path / "received"


def run(*arguments):
    return runner.invoke(app, [str(a) for a in arguments])


def rows_of(result):
    return list(csv.DictReader(io.StringIO(result.stdout)))


def expected(folder, i):
    metric = create_metric("rr-gabor", values=8)
    return float(metric(folder / f"p{i}.jpg", folder.parent / f"references/p{i}.png"))


def test_one_image_against_one_descriptor(received):
    sent = received.parent / "sent/p0.json"
    result = run("score", received / "p0.jpg", "--reference-descriptor", sent, "--format", "csv")
    assert result.exit_code == 0, result.stderr
    (row,) = rows_of(result)
    assert list(row) == [
        "image", "descriptor", "width", "height", "rr-gabor", "seconds", "error",
    ]  # fmt: skip
    assert (row["image"], row["descriptor"]) == (str(received / "p0.jpg"), str(sent))
    assert float(row["rr-gabor"]) == expected(received, 0) > 0


def test_a_folder_against_one_descriptor(received):
    sent = received.parent / "sent/p0.json"
    result = run("score", received, "-d", sent, "--format", "jsonl", "-m", "rr-gabor")
    assert result.exit_code == 0, result.stderr
    first, second = (json.loads(line)["rr-gabor"] for line in result.stdout.splitlines())
    assert first == expected(received, 0) < second


def test_a_folder_against_a_folder_by_name(received):
    result = run("score", received, "-d", received.parent / "sent", "--format", "csv")
    assert result.exit_code == 0, result.stderr
    scores = [float(row["rr-gabor"]) for row in rows_of(result)]
    assert scores == [expected(received, 0), expected(received, 1)]


def test_the_reference_itself_is_at_distance_0(received):
    folder = received.parent
    result = run("score", folder / "references", "-d", folder / "sent", "--format", "csv")
    assert [float(row["rr-gabor"]) for row in rows_of(result)] == [0, 0]


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_files_of_every_format(received, tmp_path, form):
    output = tmp_path / f"scores.{form}"
    result = run("score", received, "-d", tmp_path / "sent", "--output", output)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    if form == "parquet":
        rows = pyarrow.parquet.read_table(output).to_pylist()
    elif form == "json":
        document = json.loads(output.read_text())
        rows = document["rows"]
        assert document["manifest"]["metrics"][0]["bytes"] == 16
    elif form == "jsonl":
        rows = [json.loads(line) for line in output.read_text().splitlines()]
    else:
        rows = list(csv.DictReader(output.read_text().splitlines()))
    assert [float(row["rr-gabor"]) for row in rows] == [expected(received, i) for i in (0, 1)]
    assert not list(tmp_path.glob(".*"))


def test_a_run_that_was_cut_off_goes_on(received, tmp_path, monkeypatch):
    from snellen.metrics import ReducedReferenceMetric

    output = tmp_path / "scores.csv"
    forward = ReducedReferenceMetric.forward
    calls = []

    def cut_off(self, *arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return forward(self, *arguments, **options)

    monkeypatch.setattr(ReducedReferenceMetric, "forward", cut_off)
    assert run("score", received, "-d", tmp_path / "sent", "-o", output).exit_code != 0
    assert not output.exists()
    assert run("score", received, "-d", tmp_path / "sent", "-o", output).exit_code == 0
    assert len(calls) == 3
    assert len(output.read_text().splitlines()) == 3


def test_the_table_names_the_direction(received):
    result = run("score", received, "-d", received.parent / "sent")
    assert result.exit_code == 0
    assert "rr-gabor ↓" in result.stdout
    assert "error" not in result.stdout


def test_what_cannot_be_scored_is_a_row_and_status_1(received):
    sent = received.parent / "sent"
    for name in ("broken", "other", "foreign", "tampered", "large"):
        Image.open(received / "p0.jpg").save(received / f"{name}.png")
        (sent / f"{name}.json").write_text((sent / "p0.json").read_text())
    (received / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (sent / "foreign.json").write_text('{"values": [1, 2]}')
    (sent / "tampered.json").write_text((sent / "p0.json").read_text().replace('"width": 96', '"width": 97'))  # fmt: skip  # noqa: E501
    done = run("describe", received / "other.png", "-o", sent / "other.json", "--values", 4)
    assert done.exit_code == 0
    Image.new("RGB", (40, 40)).save(received / "large.png")
    Image.new("RGB", (40, 40)).save(received / "lonely.png")
    result = run("score", received, "-d", sent, "--format", "csv")
    assert result.exit_code == 1
    assert "6 of 8 rows failed" in result.stderr
    errors = {row["image"].rpartition("/")[2]: row["error"] for row in rows_of(result)}
    assert "broken.png" in errors["broken.png"]
    assert "is no descriptor" in errors["foreign.png"]
    assert "is 40x40" in errors["large.png"]
    assert "no descriptor named lonely.json" in errors["lonely.png"]
    assert "changed after it was written" in errors["tampered.png"]
    assert errors["p0.jpg"] == errors["p1.jpg"] == ""
    # The first descriptor by name of image that can be read is that of other.png or broken.png.
    assert "values: 4 there, 8 here" in errors["other.png"]


def test_descriptors_are_found_in_other_folders_by_stem(received):
    sent = received.parent / "sent"
    (sent / "deep").mkdir()
    (sent / "p0.json").rename(sent / "deep/p0.json")
    result = run("score", received, "-d", sent, "--format", "csv")
    assert result.exit_code == 0, result.stdout
    (sent / "deeper").mkdir()
    (sent / "deeper/p0.json").write_text((sent / "deep/p0.json").read_text())
    result = run("score", received, "-d", sent, "--format", "csv")
    assert result.exit_code == 1
    assert "several descriptors fit: deep/p0.json, deeper/p0.json" in rows_of(result)[0]["error"]


def test_sizes_are_brought_together_on_request(received):
    sent = received.parent / "sent/p0.json"
    small = received / "small.png"
    Image.open(received / "p0.jpg").resize((48, 40)).save(small)
    assert run("score", small, "-d", sent).exit_code == 1
    result = run("score", small, "-d", sent, "--align", "resize", "--format", "csv")
    assert result.exit_code == 0, result.stdout
    metric = create_metric("rr-gabor", values=8, align="resize")
    reference = received.parent / "references/p0.png"
    assert float(rows_of(result)[0]["rr-gabor"]) == float(metric(small, reference))


def test_weights_of_the_network_are_the_receivers_own(received):
    sent = received.parent / "sent.json"
    options = ["-m", "rr-squeezenet1_1", "--weights", "random", "--values", "4"]
    reference = received.parent / "references/p0.png"
    assert run("describe", reference, "-o", sent, *options).exit_code == 0
    result = run("score", received / "p0.jpg", "-d", sent, "--weights", "random", "--format", "csv")
    assert result.exit_code == 0, result.stderr
    assert float(rows_of(result)[0]["rr-squeezenet1_1"]) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{i}/gone.png", "-d", "{s}"], "gone.png: no such file"),
        (["{i}", "-d", "{s}/gone.json"], "gone.json: no such file or folder of descriptors"),
        (["{i}", "-d", "{i}"], "holds no descriptor"),
        (["{s}", "-d", "{s}"], "holds no image"),
        (["{i}", "-d", "{i}/p0.jpg"], "p0.jpg: cannot be read as a descriptor"),
        (["{i}", "-d", "{s}", "-m", "psnr"], "--metric psnr: {s}/p0.json was made by rr-gabor"),
        (["{i}", "-d", "{s}", "-m", "rr-squeezenet1_1"], "was made by rr-gabor"),
        (["{i}", "-d", "{s}", "--format", "parquet"], "--output"),
        (["{i}", "-d", "{s}", "--output", "scores.xyz"], ".csv"),
        (["{i}", "-d", "{s}", "--device", "warp"], "--device warp"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(received, arguments, message):
    words = [a.format(i=received, s=received.parent / "sent") for a in arguments]
    result = run("score", *words)
    assert result.exit_code == 2, result.output
    assert message.format(s=received.parent / "sent") in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_no_name_fits(received):
    (received / "p0.jpg").rename(received / "q.jpg")
    result = run("score", received / "q.jpg", "-d", received.parent / "sent")
    assert result.exit_code == 2
    assert "no image has a descriptor" in result.stderr


@pytest.fixture
def pairs(received):
    """`received` and `references`, as options of the command."""
    return [received, "--reference", received.parent / "references", "-m", "psnr"]


def test_images_against_references_by_name(pairs, received):
    result = run("score", *pairs, "-m", "dfb", "--format", "csv", "--batch-size", 1)
    assert result.exit_code == 0, result.stderr
    rows = rows_of(result)
    assert list(rows[0]) == [
        "image", "reference", "width", "height", "psnr", "dfb", "seconds", "sha256", "error",
    ]  # fmt: skip
    metric = create_metric("dfb")
    for i, row in enumerate(rows):
        reference = received.parent / f"references/p{i}.png"
        assert (row["image"], row["reference"]) == (str(received / f"p{i}.jpg"), str(reference))
        assert float(row["dfb"]) == float(metric(received / f"p{i}.jpg", reference))


def test_the_default_with_references_is_dfb(received):
    references = received.parent / "references"
    result = run("score", received, "-r", references, "--format", "jsonl", "--limit", 1)
    assert [json.loads(line)["dfb"] > 0 for line in result.stdout.splitlines()] == [True]


def test_python_and_the_command_line_give_the_same_numbers(pairs, received, tmp_path):
    import snellen.runs

    assert run("score", *pairs, "-o", tmp_path / "out").exit_code == 0
    table = pyarrow.parquet.read_table(tmp_path / "out").to_pylist()
    rows = list(snellen.runs.score(received, "psnr", reference=received.parent / "references"))
    assert [row["psnr"] for row in table] == [row["psnr"] for row in rows]


@pytest.mark.parametrize("name", ["out.csv", "out.json", "out.jsonl", "out.parquet", "out"])
def test_collections_go_to_files_and_folders(pairs, tmp_path, name):
    (tmp_path / "received/broken.png").write_bytes(b"")
    result = run("score", *pairs, "-o", tmp_path / name)
    assert result.exit_code == 1
    assert "1 of 3 rows failed" in result.stderr
    assert result.stdout == ""
    assert (tmp_path / name).exists()


def test_shards_of_a_collection_share_a_folder(pairs, tmp_path):
    for shard in ("1/2", "2/2"):
        assert run("score", *pairs, "-o", tmp_path / "out", "--shard", shard).exit_code == 0
    assert pyarrow.parquet.read_table(tmp_path / "out").num_rows == 2


@pytest.mark.parametrize("options", [["--limit", 0], ["--shard", "3/3"]])
def test_nothing_that_is_left_is_said(pairs, options):
    result = run("score", *pairs, *options, "--format", "csv")
    assert (result.exit_code, len(rows_of(result))) == (0, 0)
    assert "no input is left by --limit and --shard" in result.stderr


def test_settings_that_changed_are_refused_until_restart(pairs, tmp_path):
    assert run("score", *pairs, "-o", tmp_path / "out").exit_code == 0
    changed = ("score", *pairs, "-o", tmp_path / "out", "--resize", "half")
    result = run(*changed)
    assert result.exit_code == 2
    assert "protocol.resize" in result.stderr
    assert run(*changed, "--restart").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{i}", "-m", "psnr"], "psnr: compares with a reference"),
        (["{i}/gone", "-m", "psnr"], "gone: no such file or folder"),
        (["{i}", "-r", "{i}/gone"], "no such file or folder of references"),
        (["{i}", "-r", "{i}", "-d", "{s}"], "takes the place of --reference"),
        (["{i}", "-r", "{i}", "--shard", "3/2"], "PART/PARTS"),
        (["{i}", "-r", "{i}", "--workers", "2"], "no option workers; options of that kind"),
        (["{i}", "-r", "{i}", "-o", "{i}/p0.jpg/x.csv"], "no results can be written there"),
        (["{i}", "-r", "{i}", "-m", "dbf"], "Did you mean dfb"),
        (["{i}", "-r", "{i}", "--device", "warp"], "--device warp"),
        (["{i}", "-r", "{i}", "-o", "{i}", "--format", "csv"], "a folder holds Parquet parts"),
    ],
)
def test_wrong_usage_of_collections(received, arguments, message):
    words = [a.format(i=received, s=received.parent / "sent") for a in arguments]
    result = run("score", *words)
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.stderr.split())
