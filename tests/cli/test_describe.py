"""The sender's command."""

import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from snellen.metrics import Descriptor, create_metric, fit_projection
from tests.cli.inside import describe, score

runner = CliRunner()
app = typer.Typer()
app.command()(describe)
app.command()(score)


@pytest.fixture
def references(tmp_path, photos):
    """A folder of two images, one of them in a folder within it."""
    folder = tmp_path / "references"
    (folder / "deep").mkdir(parents=True)
    for photo, name in zip(photos, ("a.png", "deep/b.png"), strict=False):
        pixels = (photo[0, :, :80, :96].permute(1, 2, 0).numpy() * 255).round().astype("uint8")
        Image.fromarray(pixels).save(folder / name)
    return folder


def run(*arguments):
    return runner.invoke(app, [str(a) for a in arguments])


def test_one_image_to_one_file(references, tmp_path):
    output = tmp_path / "sent" / "a.json"
    result = run("describe", references / "a.png", "--values", 8, "--output", output)
    assert result.exit_code == 0, result.stderr
    sent = Descriptor.load(output)
    expected = create_metric("rr-gabor", values=8).describe(references / "a.png")
    assert torch.equal(sent.values, expected.values)
    assert sent.terms == expected.terms
    assert "a.json" in result.stdout
    assert " 16" in result.stdout
    assert "error" not in result.stdout


def test_a_folder_to_a_folder_of_the_same_layout(references, tmp_path):
    output = tmp_path / "sent"
    result = run("describe", references, "-m", "rr-gabor", "-o", output)
    assert result.exit_code == 0, result.stderr
    files = sorted(p.relative_to(output).as_posix() for p in output.rglob("*") if p.is_file())
    assert files == ["a.json", "deep/b.json"]
    expected = create_metric("rr-gabor").describe(references / "deep/b.png")
    assert torch.equal(Descriptor.load(output / "deep/b.json").values, expected.values)


def test_several_files_to_a_folder(references, tmp_path):
    images = references / "a.png", references / "deep/b.png"
    assert run("describe", *images, "-o", tmp_path / "sent").exit_code == 0
    assert sorted(p.name for p in (tmp_path / "sent").iterdir()) == ["a.json", "b.json"]


def test_a_broken_image_is_a_row_and_status_1(references, tmp_path):
    (references / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = run("describe", references, "-o", tmp_path / "sent")
    assert result.exit_code == 1
    assert "a.png" in result.stdout
    assert "error" in result.stdout
    assert "1 of 2 rows failed" in result.stderr
    assert [p.name for p in (tmp_path / "sent").rglob("*.json")] == ["b.json"]


def test_two_images_of_one_name_are_not_written_over_each_other(references, tmp_path):
    Image.open(references / "a.png").save(references / "a.bmp")
    result = run("describe", references, "-o", tmp_path / "sent")
    assert result.exit_code == 1
    assert "several images would be described in" in " ".join(result.stdout.split())
    assert [p.name for p in (tmp_path / "sent").rglob("*.json")] == ["b.json"]


def test_every_option_reaches_the_metric(references, tmp_path):
    seeded = create_metric("rr-squeezenet1_1", weights="random", layer="fire2", resize="half")
    fitted = tmp_path / "fitted.safetensors"
    blurs = ["gaussian-blur:1", "gaussian-blur:3", "white-noise:2"]
    images = [references / "a.png", references / "deep/b.png"]
    fit_projection(images, seeded, distortions=blurs, teachers=[], values=4).save(fitted)
    output = tmp_path / "a.json"
    result = run(
        "describe", images[0], "-o", output, "-m", "rr-squeezenet1_1", "--weights", "random",
        "--projection", fitted, "--values", 3, "--resize", "half", "--precision", "bfloat16",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    terms = Descriptor.load(output).terms
    assert terms["layers"] == ["fire2"]
    assert terms["projection"]["kind"] == "fitted"
    assert (terms["values"], terms["protocol"]["resize"]) == (3, "half")
    assert terms["backbone"]["precision"] == "bfloat16"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{r}/a.png"], "--output"),
        (["{r}/gone.png", "-o", "{r}/a.json"], "gone.png: no such file"),
        (["{r}", "-o", "{r}/a.json"], "need a folder"),
        (["{r}/a.png", "{r}/deep/b.png", "-o", "{r}/a.json"], "2 images"),
        (["{r}", "-o", "{r}", "-m", "dfb"], "dfb is full-reference and has no descriptors"),
        (["{r}", "-o", "{r}", "-m", "rr-vgg61"], "vgg16"),
        (["{r}", "-o", "{r}", "--values", "65"], "from 1 to 64"),
        (["{r}", "-o", "{r}", "--projection", "{r}/a.png"], "a.png: cannot be read"),
        (["{r}", "-o", "{r}", "--layer", "fire2"], "complex"),
        (["{r}", "-o", "{r}", "--device", "warp"], "--device warp"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(references, arguments, message):
    result = run("describe", *(a.format(r=references) for a in arguments))
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""
