import json

import pyarrow.csv
import pyarrow.parquet
import pytest
from PIL import Image
from typer.testing import CliRunner

from snellen.cli import app


def run(*arguments):
    return CliRunner().invoke(app, ["exam", *map(str, arguments)])


def test_stimuli_are_written_with_a_sheet(tmp_path):
    output = tmp_path / "gratings"
    done = run(
        "stimuli", "--output", output, "--size", 32, "--frequency", 4, "--frequency", 8,
        "--orientation", 45, "--bits", 8, "--encoding", "linear",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    files = sorted(path.name for path in output.glob("*.png"))
    assert "rings-achromatic-04.00cpd.png" in files
    assert "grating-achromatic-04.00cpd-045deg.png" in files
    assert "grating-red-green-04.00cpd-000deg.png" in files
    assert f"{len(files) - 1} stimuli" in done.output
    manifest = json.loads((output / "manifest.json").read_text())
    assert manifest["bits"] == 8
    assert {s["encoding"] for s in manifest["stimuli"]} == {"linear"}
    with Image.open(output / "sheet.png") as sheet:
        assert sheet.width > 300


def test_csf_writes_a_table_and_figures(tmp_path):
    done = run(
        "csf", "psnr", "gabor", "--output", tmp_path, "--size", 32, "--frequency", 8,
        "--frequency", 15,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "psnr: best at" in done.output
    table = pyarrow.csv.read_csv(tmp_path / "csf.csv")
    assert table.column("metric").to_pylist() == ["psnr"] * 2 + ["euclidean-gabor"] * 2
    assert pyarrow.parquet.read_table(tmp_path / "csf.parquet").num_rows == 4
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert set(manifest) == {"psnr", "euclidean-gabor"}
    assert (tmp_path / "csf.png").is_file()
    assert not (tmp_path / "masking.csv").exists()


def test_rings_colours_and_masks(tmp_path):
    done = run(
        "csf", "psnr", "--output", tmp_path, "--size", 32, "--frequency", 4, "--rings",
        "--color", "red-green", "--color", "achromatic", "--masking",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    table = pyarrow.parquet.read_table(tmp_path / "csf.parquet")
    assert table.column("orientation").to_pylist() == [None, None]
    assert table.column("color").to_pylist() == ["red-green", "achromatic"]
    assert pyarrow.csv.read_csv(tmp_path / "masking.csv").num_rows == 8
    assert (tmp_path / "masking.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("csf", "nothing"), "nothing"),
        (("csf", "psnr", "--mean", "1.5"), "mean must lie"),
        (("csf", "psnr", "--color", "green"), "color must be one of"),
        (("stimuli", "--bits", "12"), "8 or 16 bits"),
        (("stimuli", "--contrast", "0.9", "--mean", "0.9"), "not clipped"),
    ],
)
def test_wrong_usage_ends_with_status_2(arguments, message, tmp_path):
    done = run(*arguments, "--output", tmp_path)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
