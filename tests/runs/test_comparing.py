"""Comparisons: one row a pair, in order; what was cut off goes on, with the pixels of today."""

import csv

import pytest
from PIL import Image

from snellen.errors import RunError
from snellen.metrics import MetricSet, create_metrics
from snellen.runs import compare
from tests.runs.inside import decode_module as _decode


@pytest.fixture
def files(tmp_path, photos):
    """Three references, two distorted versions of each: (distorted, reference)."""
    pairs = []
    for i, photo in enumerate(photos[:3]):
        pixels = (photo[0].permute(1, 2, 0).numpy() * 255).round().astype("uint8")
        reference = tmp_path / f"r{i}.png"
        Image.fromarray(pixels).save(reference)
        for quality in (80, 10):
            distorted = tmp_path / f"d{i}_{quality}.jpg"
            Image.fromarray(pixels).save(distorted, quality=quality)
            pairs.append((distorted, reference))
    return pairs


@pytest.fixture
def table(files, tmp_path):
    """A table that names pairs."""

    def write(pairs, name="pairs.csv"):
        path = tmp_path / name
        lines = [f"{distorted},{reference}\n" for distorted, reference in pairs]
        path.write_text("image,reference\n" + "".join(lines))
        return path

    return write


def scores(path):
    with path.open(newline="") as file:
        return [(row["distorted"], row["dfb"]) for row in csv.DictReader(file)]


def test_scores_are_those_of_the_metric_in_order(files, table):
    metrics = create_metrics(["dfb", "psnr"])
    rows = list(compare(table(files), None, metrics))
    assert list(rows[0]) == [
        "distorted", "reference", "width", "height", "dfb", "psnr", "seconds", "error",
    ]  # fmt: skip
    assert [(r["distorted"], r["reference"]) for r in rows] == [(str(d), str(r)) for d, r in files]
    for row in rows:
        assert row["error"] is None
        for metric in metrics:
            direct = float(metric(row["distorted"], row["reference"]))
            assert row[metric.name] == pytest.approx(direct, rel=1e-6)


def test_a_reference_that_comes_again_is_decoded_and_run_once(files, table, monkeypatch):
    from snellen.backbones import Backbone

    metrics = create_metrics(["dfb"])
    passes, decoded = [], []
    stream, read = Backbone.stream, _decode.as_image_batch

    def count_passes(self, *args, **kwargs):
        passes.append(1)
        return stream(self, *args, **kwargs)

    def count_reads(path, *args, **kwargs):
        decoded.append(path)
        return read(path, *args, **kwargs)

    monkeypatch.setattr(Backbone, "stream", count_passes)
    monkeypatch.setattr(_decode, "as_image_batch", count_reads)
    list(compare(table(files), None, metrics))
    assert len(passes) == 6 + 3
    assert len(decoded) == 6 + 3

    passes.clear()
    list(compare(table(files), None, metrics, cache_bytes=0))
    assert len(passes) == 6 + 6


def test_a_broken_file_is_a_row_and_the_run_goes_on(files, table, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not an image")
    pairs = [(broken, files[0][1]), *files, (files[0][0], broken)]
    rows = list(compare(table(pairs)))
    assert [row["error"] is None for row in rows] == [False] + [True] * 6 + [False]
    assert "broken.png" in rows[0]["error"]
    assert rows[0]["dfb"] is None


def test_one_metric_that_fails_does_not_cost_the_others(tmp_path):
    small = tmp_path / "small.png"
    Image.new("RGB", (64, 64), "red").save(small)
    other = tmp_path / "other.png"
    Image.new("RGB", (64, 64), "blue").save(other)
    (row,) = compare(small, other, ["ms-ssim", "psnr", "dfb"])
    assert row["ms-ssim"] is None
    assert "ms-ssim" in row["error"]
    assert row["psnr"] is not None
    assert row["dfb"] is not None


def test_a_score_that_is_no_number_is_an_error_of_its_metric_alone(tmp_path):
    black = tmp_path / "black.png"
    Image.new("RGB", (64, 64)).save(black)
    (row,) = compare(black, black, ["haarpsi", "psnr"])
    assert row["haarpsi"] is None
    assert "haarpsi: the score is" in row["error"]
    assert row["psnr"] is not None


def test_sizes_that_differ_are_an_error_that_states_both(tmp_path):
    for name, size in (("a.png", (40, 32)), ("b.png", (41, 32))):
        Image.new("RGB", size).save(tmp_path / name)
    (row,) = compare(tmp_path / "a.png", tmp_path / "b.png", "psnr")
    assert all(size in row["error"] for size in ("40x32", "41x32"))


@pytest.fixture
def scored(monkeypatch):
    """How many images were scored, one entry each."""
    counted, original = [], MetricSet.forward

    def count(self, x, y):
        counted.extend([1] * len(x))
        return original(self, x, y)

    monkeypatch.setattr(MetricSet, "forward", count)
    return counted


def cut_off(run, output, after):
    """Bring rows into a file, and end as if killed in the middle of the line after so many."""
    seen = []

    def stop(row):
        seen.append(row)
        if len(seen) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.into(output, on_row=stop)
    with output.with_name(f".{output.name}.part").open("a") as file:
        file.write('["abc", {"distorted": "d1_8')
    return seen


def test_a_run_that_was_cut_off_goes_on(files, table, tmp_path, scored):
    pairs, output = table(files), tmp_path / "out.csv"
    first = cut_off(compare(pairs, threads=1), output, 2)
    scored.clear()
    done = compare(pairs).into(output)
    assert (done.rows, done.kept, len(scored)) == (6, 2, 4)
    rows = done.table().to_pylist()
    assert [row["distorted"] for row in rows] == [str(d) for d, _ in files]
    kept = {row["distorted"]: row["dfb"] for row in first}
    assert {r["distorted"]: r["dfb"] for r in rows if r["distorted"] in kept} == kept


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet", "folder"])
def test_an_image_made_anew_under_its_name_is_scored_anew(files, table, tmp_path, form, finished):
    """Not so once: the score of the old pixels was reported for the new ones."""
    pairs = table(files)
    output = tmp_path / ("out" if form == "folder" else f"out.{form}")
    if finished:
        compare(pairs).into(output)
    elif form != "folder":
        cut_off(compare(pairs, threads=1), output, 5)
    Image.open(files[0][1]).save(files[0][0], "PNG")  # now equal to its reference
    done = compare(pairs).into(output)
    assert done.failed == 0
    rows = {row["distorted"]: row["dfb"] for row in done.table().to_pylist()}
    assert rows == {row["distorted"]: row["dfb"] for row in compare(pairs)}
    assert rows[str(files[0][0])] == 0


def test_other_settings_are_refused_with_the_difference_and_nothing_is_lost(files, table, tmp_path):
    """Not so once: the kept rows of another command were thrown away without a word."""
    from snellen.runs import score

    pairs, output = table(files), tmp_path / "out.csv"
    cut_off(score(pairs, "dfb", threads=1), output, 4)
    log = output.with_name(".out.csv.part")
    before = log.read_bytes()
    with pytest.raises(RunError, match=r"command was .score. and is .compare.*--restart"):
        compare(pairs).into(output)
    with pytest.raises(RunError, match=r"resize was .native. and is .half."):
        score(pairs, "dfb", resize="half").into(output)
    assert log.read_bytes().startswith(before[: before.rindex(b"\n")])
    assert score(pairs, "dfb").into(output).kept == 4


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet", "folder"])
def test_a_finished_output_is_kept(files, table, tmp_path, scored, form):
    pairs = table(files)
    output = tmp_path / ("out" if form == "folder" else f"out.{form}")
    compare(pairs, None, ["dfb", "psnr"]).into(output)
    names = sorted(p.name for p in tmp_path.iterdir())
    before = {} if form == "folder" else {output: (output.read_bytes(), output.stat().st_mtime_ns)}
    with pytest.raises(RunError, match="--restart"):
        compare(pairs, None, "psnr").into(output)
    scored.clear()
    done = compare(pairs, None, ["dfb", "psnr"]).into(output)
    assert (done.rows, done.kept, scored) == (6, 6, [])
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before}
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    done = compare(pairs, None, "psnr").into(output, restart=True)
    assert (done.kept, len(scored)) == (0, 6)


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_a_file_of_something_else_is_not_replaced(files, table, tmp_path, form):
    pairs, output = table(files[:1]), tmp_path / f"out.{form}"
    output.write_text("my own notes")
    with pytest.raises(RunError, match="no result of a run"):
        compare(pairs).into(output)
    assert output.read_text() == "my own notes"
    assert compare(pairs).into(output, restart=True).rows == 1


def test_a_table_that_was_edited_is_not_taken_for_what_was_written(files, table, tmp_path):
    pairs, output = table(files), tmp_path / "out.csv"
    compare(pairs).into(output)
    lines = output.read_text().splitlines(keepends=True)
    output.write_text("".join([lines[0], *reversed(lines[1:])]))
    with pytest.raises(RunError, match="was changed after it was written"):
        compare(pairs).into(output)


def test_an_input_is_not_replaced_by_the_output(files, table):
    pairs = table(files)
    before = pairs.read_text()
    for restart in (False, True):
        with pytest.raises(RunError, match="is one of the inputs"):
            compare(pairs).into(pairs, restart=restart)
    assert pairs.read_text() == before


def test_rows_with_errors_are_tried_again(files, table, tmp_path):
    late, output = tmp_path / "late.png", tmp_path / "o.csv"
    pairs = table([(late, files[0][1]), *files])
    assert compare(pairs).into(output).failed == 1
    again = compare(pairs).into(output)
    assert (again.rows, again.kept, again.failed) == (7, 6, 1)
    with Image.open(files[0][1]) as image:
        image.save(late)
    done = compare(pairs).into(output)
    assert (done.rows, done.kept, done.failed) == (7, 6, 0)
    assert done.table().to_pylist()[0]["distorted"] == str(late)


def test_a_run_cut_off_while_it_takes_up_a_finished_file_loses_nothing(
    files, table, tmp_path, scored
):
    pairs, output = table(files), tmp_path / "o.csv"
    compare(pairs).into(output)
    before = scores(output)
    more = [*files, *((reference, reference) for _, reference in files)]
    table(more)
    cut_off(compare(pairs, threads=1), output, 6 + 3)
    assert scores(output) == before
    scored.clear()
    done = compare(pairs).into(output)
    assert (done.rows, done.kept, len(scored)) == (12, 9, 3)
    assert scores(output)[:6] == before


def test_without_references_it_says_so(files):
    with pytest.raises(RunError, match="REFERENCE is missing"):
        compare(files[0][0])
