import csv
import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from snellen.cli import app
from snellen.distortions import derived_seed, distort, library_versions, list_distortions
from snellen.images import read_image
from tests.runs.inside import distorting_module

runner = CliRunner()


@pytest.fixture
def folder(tmp_path, photos):
    """Two photographs, one of them in a folder within."""
    for path, photo in (("a.png", photos[0]), ("in/b.png", photos[1])):
        (tmp_path / "photos" / path).parent.mkdir(parents=True, exist_ok=True)
        pixels = (photo[0, :, 40:88, 60:116].permute(1, 2, 0) * 255).round().byte().numpy()
        Image.fromarray(pixels).save(tmp_path / "photos" / path)
    return tmp_path / "photos"


def run(*arguments):
    return runner.invoke(app, ["distort", *map(str, arguments)])


def pairs(output):
    with (output / "pairs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def times(output):
    return {path: path.stat().st_mtime_ns for path in sorted(output.rglob("*.png"))}


def remade(row, output):
    """What `distort` makes from a row of the table, in 8 bits."""
    image = distort(read_image(output / row["reference"]), row["spec"], seed=int(row["seed"]))
    return (image[0].permute(1, 2, 0) * 255).round().byte().numpy()


def test_every_row_is_enough_to_make_its_image_again(folder, tmp_path):
    output = tmp_path / "out"
    arguments = (
        "-t", "blur,white-noise", "-t", "blur:3+jpeg:2", "-t", "jpeg@35", "-l", "1", "-l", "4",
        "--random", "2", "--seed", "9", "-o", output,
    )  # fmt: skip
    result = run(folder, *arguments)
    assert result.exit_code == 0, result.output
    rows = pairs(output)
    assert [row["image"] for row in rows] == [
        f"{stem}_{ending}.png"
        for stem in ("a", "in/b")
        for ending in (
            "gaussian-blur_1", "gaussian-blur_4", "white-noise_1", "white-noise_4",
            "gaussian-blur_3+jpeg_2", "jpeg@35", "random_1", "random_2",
        )
    ]  # fmt: skip
    for row in rows:
        assert np.array_equal(np.asarray(Image.open(output / row["image"])), remade(row, output))
    assert {row["seed"] for row in rows[:8]} == {str(derived_seed(9, "a"))}
    assert {row["seed"] for row in rows[8:]} == {str(derived_seed(9, "in/b"))}
    assert [row["level"] for row in rows[:8]] == ["1", "4", "1", "4", "", "", "", ""]
    assert [row["type"] for row in rows[3:7]] == [
        "white-noise", "gaussian-blur+jpeg", "jpeg", "random",
    ]  # fmt: skip
    assert len({row["spec"] for row in rows if row["type"] == "random"}) == 4
    assert not list(output.rglob(".*"))


def test_the_table_is_read_as_a_database(folder, tmp_path):
    from snellen.datasets import load_dataset

    output = tmp_path / "out"
    assert run(folder, "-t", "jpeg", "-o", output).exit_code == 0
    rated = "\n".join(
        f"{line},{score}"
        for line, score in zip(
            (output / "pairs.csv").read_text().splitlines(),
            ["score", *range(10)],
            strict=True,
        )
    )
    (output / "rated.csv").write_text(rated)
    dataset = load_dataset("mine", output / "rated.csv", higher_better=True)
    assert len(dataset) == 10
    assert set(dataset.type) == {"jpeg"}
    assert dataset.level.tolist() == [1, 2, 3, 4, 5] * 2


def test_files_of_one_noise_differ(folder, tmp_path):
    for name in ("x.png", "y.png"):
        Image.new("RGB", (32, 32), (128, 128, 128)).save(folder / name)
    run(folder, "-t", "noise:3", "-o", tmp_path / "out")
    first, second = (Image.open(tmp_path / "out" / f"{n}_white-noise_3.png") for n in "xy")
    assert not np.array_equal(np.asarray(first), np.asarray(second))


def test_what_is_there_is_not_made_again(folder, tmp_path):
    output = tmp_path / "out"
    run(folder, "-t", "jpeg,noise", "-l", "2", "-o", output)
    before = times(output)
    assert run(folder, "-t", "jpeg,noise,blur", "-l", "2", "-o", output).exit_code == 0
    after = times(output)
    assert {path: after[path] for path in before} == before
    assert len(after) == 6
    # another seed: other pixels; a changed source, and an output that was lost, are made again
    run(folder, "-t", "noise", "-l", "2", "--seed", "5", "-o", output)
    changed = times(output)
    assert {path.name for path in after if changed[path] != after[path]} == {
        "a_white-noise_2.png", "b_white-noise_2.png",
    }  # fmt: skip
    Image.open(folder / "a.png").rotate(180).save(folder / "a.png")
    (output / "in" / "b_jpeg_2.png").unlink()
    run(folder, "-t", "jpeg", "-l", "2", "-o", output)
    for row in pairs(output):
        if row["type"] == "jpeg":
            assert np.array_equal(
                np.asarray(Image.open(output / row["image"])), remade(row, output)
            )
    assert len(pairs(output)) == 6  # rows of earlier runs stay


def test_other_library_versions_are_refused_and_restart_makes_everything_again(
    folder, tmp_path, monkeypatch
):
    output = tmp_path / "out"
    run(folder, "-t", "jpeg", "-l", "2", "-o", output)
    before = times(output)
    other = {**library_versions(), "libjpeg_turbo": "1.0"}
    monkeypatch.setattr(distorting_module, "library_versions", lambda: other)
    result = run(folder, "-t", "jpeg", "-l", "2", "-o", output)
    assert result.exit_code == 2
    assert "versions.libjpeg_turbo was" in " ".join(result.stderr.split())
    assert times(output) == before
    assert run(folder, "-t", "jpeg", "-l", "2", "-o", output, "--restart").exit_code == 0
    after = times(output)
    assert all(after[path] != before[path] for path in before)
    document = json.loads((output / "pairs.csv.manifest.json").read_text())
    assert document["manifest"]["versions"] == other
    assert document["distortions"]["jpeg:2"][0]["type"] == "jpeg"


def test_an_image_of_another_seed_is_never_taken_for_this_one(folder, tmp_path, monkeypatch):
    """Killed between the image and its row: the file itself says what it was made of."""
    output, spec = tmp_path / "out", ("-t", "noise", "-l", "2")
    assert run(folder, *spec, "-o", output).exit_code == 0

    def killed(*arguments, **options):
        write(*arguments, **options)
        raise KeyboardInterrupt

    write = distorting_module.write_png
    monkeypatch.setattr(distorting_module, "write_png", killed)
    run(folder, *spec, "--seed", "5", "-o", output)
    monkeypatch.undo()
    assert run(folder, *spec, "-o", output).exit_code == 0
    for row in pairs(output):
        assert np.array_equal(np.asarray(Image.open(output / row["image"])), remade(row, output))


def test_a_run_that_was_cut_off_goes_on(folder, tmp_path, monkeypatch):
    output = tmp_path / "out"
    made = []

    def cut_off(image, spec, *, seed):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(spec)
        return distort(image, spec, seed=seed)

    monkeypatch.setattr(distorting_module, "distort_batch", cut_off)
    run(folder, "-t", "jpeg", "-o", output)
    assert not (output / "pairs.csv").exists()
    before = times(output)
    assert len(before) == 3
    monkeypatch.undo()
    assert run(folder, "-t", "jpeg", "-o", output).exit_code == 0
    after = times(output)
    assert {path: after[path] for path in before} == before
    assert len(pairs(output)) == 10


def test_a_broken_file_is_a_row_of_errors_and_status_1(folder, tmp_path):
    output = tmp_path / "out"
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    result = run(folder, "-t", "jpeg", "-l", "1", "-o", output)
    assert result.exit_code == 1
    assert "1 failed" in result.stderr
    assert "broken.jpg" in result.stderr
    with (output / "errors.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["reference"] == "../photos/broken.jpg"
    assert "damaged" in row["error"]
    assert not (output / "errors.csv.manifest.json").exists()
    assert len(pairs(output)) == 2
    (folder / "broken.jpg").unlink()
    assert run(folder, "-t", "jpeg", "-l", "1", "-o", output).exit_code == 0
    assert not (output / "errors.csv").exists()


def test_a_strength_that_is_refused_is_a_row_of_errors(folder, tmp_path):
    result = run(folder / "a.png", "-t", "jpeg@500,jpeg:1", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "from 1 to 100" in result.stderr
    assert [row["image"] for row in pairs(tmp_path / "out")] == ["a_jpeg_1.png"]


def test_all_types_at_a_level(folder, tmp_path):
    result = run(folder / "a.png", "--all", "--level", "3", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert [row["type"] for row in pairs(tmp_path / "out")] == [
        one.name for one in list_distortions()
    ]


def test_outputs_within_the_source_are_no_sources(folder):
    for _ in range(2):
        assert run(folder, "-t", "jpeg:1", "-o", folder / "out").exit_code == 0
    assert len(pairs(folder / "out")) == 2


def test_files_that_differ_in_their_suffix_keep_it(folder, tmp_path):
    Image.open(folder / "a.png").save(folder / "a.bmp")
    run(folder, "-t", "jpeg:1", "-o", tmp_path / "out")
    assert [row["image"] for row in pairs(tmp_path / "out")] == [
        "a.bmp_jpeg_1.png", "a.png_jpeg_1.png", "in/b_jpeg_1.png",
    ]  # fmt: skip


def test_a_contact_sheet_alone(folder, tmp_path):
    sheet = tmp_path / "sheet.png"
    result = run(folder, "-t", "jpeg:3,noise", "--sheet", sheet)
    assert result.exit_code == 0, result.output
    with Image.open(sheet) as figure:
        assert figure.width > 400


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{f}", "-o", "{o}"], "nothing to do"),
        (["{f}", "-t", "jpeg"], "--output"),
        (["{f}", "-t", "jqeg", "-o", "{o}"], "did you mean"),
        (["{f}", "-t", "jpeg", "-l", "7", "-o", "{o}"], "--level 7"),
        (["{f}", "-t", "jpeg:2", "-l", "3", "-o", "{o}"], "--level 3"),
        (["{f}", "-t", "jpeg", "-o", "{f}"], "is the folder of the images"),
        (["{f}/missing.png", "-t", "jpeg", "-o", "{o}"], "no such file"),
        (["{o}", "-t", "jpeg", "-o", "{f}/x"], "no such file"),
        (["{f}", "-t", "blur:3+jpeg:2", "--sheet", "{o}.png"], "--type TYPE"),
        (["{f}", "-t", "jpeg", "--sheet", "{o}.xyz"], ".png"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(folder, tmp_path, arguments, message):
    words = [word.format(f=folder, o=tmp_path / "out") for word in arguments]
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert message in result.stderr


def test_a_table_of_something_else_is_not_replaced(folder, tmp_path):
    (tmp_path / "pairs.csv").write_text("image,reference,score\n")
    result = run(folder, "-t", "jpeg:1", "-o", tmp_path)
    assert result.exit_code == 2
    assert "is no result of a run" in " ".join(result.stderr.split())
    assert (tmp_path / "pairs.csv").read_text() == "image,reference,score\n"
