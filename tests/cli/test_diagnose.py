import csv
import io
import json

import pyarrow.parquet
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from snellen.diagnosis import Diagnoser, create_diagnoser
from snellen.distortions import distort
from tests.cli.inside import diagnose

app = typer.Typer()
app.command()(diagnose)
runner = CliRunner()


def write(photo, path):
    path.parent.mkdir(exist_ok=True)
    pixels = (photo[0].permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folders(photos, tmp_path):
    """Two photographs, and their distorted versions with a broken file among them."""
    for name, photo, spec in (("a", photos[0], "impulse-noise:5"), ("b", photos[2], "jpeg:4")):
        write(photo, tmp_path / "pristine" / f"{name}.png")
        write(distort(photo, spec), tmp_path / "received" / f"{name}.png")
    (tmp_path / "received" / "c.png").write_bytes(b"no image")
    return tmp_path


def run(*arguments):
    return runner.invoke(app, [str(argument) for argument in arguments])


def test_a_table_names_what_is_wrong(folders):
    result = run(folders / "received" / "a.png", folders / "received" / "b.png")
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()[1:]
    assert "noise" in first
    assert "jpeg" in second
    assert "error" not in result.stdout.splitlines()[0]


def test_a_broken_image_is_a_row_and_the_rest_goes_on(folders):
    result = run(folders / "received", "--format", "csv")
    assert result.exit_code == 1
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["image"][-5:] for row in rows] == ["a.png", "b.png", "c.png"]
    assert [bool(row["verdict"]) for row in rows] == [True, True, False]
    assert "c.png" in rows[2]["error"]
    assert "1 of 3 rows failed" in result.stderr


def test_rows_are_those_of_the_diagnoser(folders):
    received, pristine = folders / "received", folders / "pristine"
    result = run(received / "a.png", "-r", pristine / "a.png", "--format", "json")
    (row,) = json.loads(result.stdout)["rows"]
    diagnoser = create_diagnoser()
    (expected,) = diagnoser(received / "a.png", pristine / "a.png")
    assert {name: row[name] for name in expected.to_row()} == expected.to_row()
    assert row["reference"] == str(pristine / "a.png")
    manifest = json.loads(result.stdout)["manifest"]["diagnoser"]
    assert manifest["sha256"] == diagnoser.manifest()["sha256"]


def test_folders_pair_by_name_and_go_to_a_file(folders):
    output = folders / "out" / "rows.parquet"
    result = run(folders / "received", "--reference", folders / "pristine", "-o", output)
    assert result.exit_code == 1
    rows = pyarrow.parquet.read_table(output).to_pylist()
    assert [row["reference"] and row["reference"][-5:] for row in rows] == ["a.png", "b.png", None]
    assert "no reference named c" in rows[2]["error"]
    assert [row["type1"] for row in rows[:2]] == ["impulse-noise", "jpeg"]
    assert not list(output.parent.glob(".*"))


def test_a_run_that_was_cut_off_goes_on(folders, monkeypatch):
    output, calls = folders / "rows.csv", []
    images = [folders / "received" / name for name in ("a.png", "b.png")]
    original = Diagnoser.__call__

    def killed(self, batch, reference=None):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, batch, reference)

    monkeypatch.setattr(Diagnoser, "__call__", killed)
    assert run(*images, "-o", output).exit_code != 0
    assert run(*images, "-o", output).exit_code == 0
    assert len(calls) == 3
    assert run(*images, "-o", output).exit_code == 0
    assert len(calls) == 3
    with output.open() as file:
        assert len(list(csv.DictReader(file))) == 2


def test_an_image_made_anew_is_diagnosed_anew(folders, photos):
    output, image = folders / "rows.csv", folders / "received" / "a.png"
    run(image, "-o", output)
    write(distort(photos[0], "jpeg:5"), image)
    assert run(image, "-o", output).exit_code == 0
    with output.open() as file:
        (row,) = csv.DictReader(file)
    (expected,) = create_diagnoser()(image)
    assert (row["verdict"], row["type1"]) == (expected.verdict, expected.to_row()["type1"])


def test_tables_are_sources_and_columns_are_carried(folders):
    table = folders / "table.csv"
    table.write_text("image,camera\nreceived/a.png,x100\n")
    result = run(table, "--format", "csv")
    assert result.exit_code == 0, result.output
    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert (row["camera"], row["image"]) == ("x100", str(folders / "received" / "a.png"))


def test_wrong_usage(folders):
    for arguments, message in (
        (["missing.png"], "missing.png: no such file"),
        ([folders / "received", "--diagnoser", "gobar"], "no such diagnoser"),
        ([folders / "received", "--weights", "x.pth"], "--backbone"),
        ([folders / "received", "-r", folders / "nowhere"], "nowhere"),
        ([folders / "received", "--format", "parquet"], "--output"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, result.output
        assert message in result.stderr
