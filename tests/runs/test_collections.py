"""Collections: every input is a row, with the numbers of the metric, however it is run."""

import csv
import json
import os
import threading
import time

import pyarrow.parquet
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import RunError, SourceError, TableError
from snellen.metrics import MetricSet, NoReferenceMetric, create_metric, create_metrics
from snellen.runs import open_source, score
from tests.inside import threads_module as _threads
from tests.runs.folders import broken_files, folder_of, noise, png
from tests.runs.inside import (
    ByteBudget,
    DoneAhead,
    EngineOptions,
    Item,
    Location,
    Outcome,
    in_order,
    score_items,
)


@pytest.fixture
def folders(tmp_path):
    """`images` and `references`: twelve pairs, of two sizes."""
    for name, start in (("images", 0), ("references", 100)):
        (tmp_path / name).mkdir()
        for i in range(12):
            width = 40 if i % 3 else 52
            (tmp_path / name / f"{i:02d}.png").write_bytes(png(start + i, width, 36))
    return tmp_path / "images", tmp_path / "references"


def direct(metric, images, references):
    names = sorted(p.name for p in images.iterdir())
    return [float(metric(images / name, references / name)) for name in names]


def test_scores_are_those_of_the_metric_in_the_order_of_the_source(folders):
    rows = list(score(folders[0], ["dfb", "psnr"], reference=folders[1], batch_size=1))
    assert list(rows[0]) == [
        "image", "reference", "width", "height", "dfb", "psnr", "seconds", "sha256", "error",
    ]  # fmt: skip
    assert [row["image"] for row in rows] == sorted(map(str, folders[0].iterdir()))
    for name in ("dfb", "psnr"):
        assert [row[name] for row in rows] == direct(create_metric(name), *folders)
    assert [row["width"] for row in rows[:3]] == [52, 40, 40]
    assert all(row["error"] is None and row["seconds"] > 0 for row in rows)


class Watched(MetricSet):
    """Scores by `psnr`, and notes the threads, the batches, and how many are in work at once."""

    def __init__(self, together=1, thread_safe=True):
        super().__init__([create_metric("psnr")])
        self.said, self.lock = thread_safe, threading.Lock()
        self.together, self.first = threading.Barrier(together), together
        self.threads, self.batches, self.working, self.most = [], [], 0, 0
        self.pixels = self.most_pixels = 0

    @property
    def thread_safe(self):
        return self.said

    def forward(self, x, y):
        with self.lock:
            self.threads.append(threading.get_ident())
            self.batches.append(len(x))
            self.working += 1
            self.most = max(self.most, self.working)
            self.pixels += x[:, 0].numel()
            self.most_pixels = max(self.most_pixels, self.pixels)
            wait = len(self.threads) <= self.first
        try:
            if wait:
                self.together.wait(timeout=60)  # for others to begin
            return super().forward(x, y)
        finally:
            with self.lock:
                self.working -= 1
                self.pixels -= x[:, 0].numel()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("reference", ["folder", "file"])
def test_batches_side_by_side_score_as_one_after_the_other(folders, four_threads, batch, reference):
    images, references = folders
    one = references / "01.png"  # of the size of two images in three
    metrics = Watched(together=2)
    chosen = references if reference == "folder" else one
    rows = list(score(images, metrics, reference=chosen, batch_size=batch))
    assert threading.get_ident() not in metrics.threads
    assert max(metrics.batches) <= batch
    assert 2 <= metrics.most <= 4
    psnr = create_metric("psnr")
    for i, (image, row) in enumerate(zip(sorted(images.iterdir()), rows, strict=True)):
        if reference == "file" and i % 3 == 0:
            assert (row["psnr"], "sizes must be equal" in row["error"]) == (None, True)
        else:
            expected = float(psnr(image, one if reference == "file" else references / image.name))
            assert row["psnr"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("limit", [2 * 52 * 36, 3 * 40 * 36, 52 * 36])
def test_images_of_all_sizes_in_work_stay_within_the_limit(
    folders, four_threads, monkeypatch, limit
):
    monkeypatch.setattr(_threads, "_PIXELS", limit)
    metrics = Watched()
    rows = list(score(folders[0], metrics, reference=folders[1], batch_size=1))
    assert [row["error"] for row in rows] == [None] * 12
    assert metrics.most_pixels <= limit


@pytest.mark.parametrize("why", ["state", "size"])
def test_what_must_not_run_side_by_side_does_not(folders, four_threads, monkeypatch, why):
    if why == "size":
        monkeypatch.setattr(_threads, "_COMMON", 40 * 36 - 1)
    metrics = Watched(thread_safe=why != "state")
    rows = list(score(folders[0], metrics, reference=folders[1], batch_size=1))
    assert [row["error"] for row in rows] == [None] * 12
    assert metrics.most == 1
    assert set(metrics.threads) == {threading.get_ident()}


@pytest.mark.parametrize("batch", [2, 16])
def test_batches_change_scores_by_rounding_only(folders, batch):
    alone = list(score(folders[0], ["dfb", "ssim"], reference=folders[1], batch_size=1))
    together = list(score(folders[0], ["dfb", "ssim"], reference=folders[1], batch_size=batch))
    # Small distances of dfb are made of small differences of features rounded to 1e-7.
    for name, tolerance in (("dfb", 1e-4), ("ssim", 1e-5)):
        assert [row[name] for row in together] == pytest.approx(
            [row[name] for row in alone], rel=tolerance
        )


def test_every_image_is_scored_in_a_batch_of_its_own_size(folders, monkeypatch):
    metrics = create_metrics(["psnr"])
    shapes = []
    forward = type(metrics).forward

    def watch(self, x, y):
        shapes.append(tuple(x.shape))
        time.sleep(0.05)  # so that the rest is decoded meanwhile
        return forward(self, x, y)

    monkeypatch.setattr(type(metrics), "forward", watch)
    rows = list(score(folders[0], metrics, reference=folders[1] / "01.png", batch_size=4))
    assert sum(row["error"] is None for row in rows) == 8
    good = [shape for shape in shapes if shape[3] == 40]
    assert sum(shape[0] for shape in good) == 8
    assert max(shape[0] for shape in good) > 1


def test_a_reference_of_all_is_decoded_and_run_once(folders, monkeypatch):
    from snellen.backbones import Backbone
    from tests.runs.inside import decode_module as _decode

    passes, decoded = [], []
    stream, read = Backbone.stream, _decode.as_image_batch

    def count_passes(self, batch, *args):
        passes.append(len(batch))
        return stream(self, batch, *args)

    def count_reads(path, *args, name):
        decoded.append(name)
        return read(path, *args, name=name)

    monkeypatch.setattr(Backbone, "stream", count_passes)
    monkeypatch.setattr(_decode, "as_image_batch", count_reads)
    images = sorted(folders[0].iterdir())[1:3]
    rows = list(score(images, "dfb", reference=folders[1] / "01.png", batch_size=1))
    assert all(row["error"] is None for row in rows)
    assert sum(passes) == 2 + 1
    assert decoded.count("reference") == 1


class Mean(NoReferenceMetric):
    """Mean of an image."""

    def _assess(self, x):
        return x.mean((1, 2, 3))


@pytest.fixture
def blind():
    """A metric set without references, whose numbers are known."""
    from dataclasses import replace

    from snellen.metrics import Handling, find_row

    row = replace(find_row("psnr"), name="mean", kind="no-reference", range=(0, 1))
    return MetricSet([Mean(row, Handling())])


def test_without_references(folders, blind):
    rows = list(score(folders[0], blind))
    assert "reference" not in rows[0]
    for row in rows:
        expected = torch.tensor(noise_of(row["image"])).float().mean() / 255
        assert row["mean"] == pytest.approx(float(expected), rel=1e-5)


def noise_of(path):
    import numpy as np
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image)


def test_broken_files_are_rows_with_their_reason_and_the_rest_is_scored(tmp_path, blind):
    good = folder_of(tmp_path / "mixed", 30)
    reasons = broken_files(tmp_path / "mixed")
    rows = {row["image"].rpartition("/")[2]: row for row in score(tmp_path / "mixed", blind)}
    assert len(rows) == len(good) + len(reasons)
    for name, reason in reasons.items():
        assert reason in rows[name]["error"]
        assert name in rows[name]["error"]
        assert rows[name]["mean"] is None
    assert all(rows[path.name]["error"] is None for path in good)


def test_a_file_of_another_format_than_its_name_says_is_read(tmp_path, blind):
    noise(3).save(tmp_path / "photo.png", "JPEG")
    (row,) = score(tmp_path, blind)
    assert row["error"] is None


def test_one_metric_that_fails_does_not_cost_the_others(folders):
    rows = list(score(folders[0], ["ms-ssim", "psnr"], reference=folders[1], batch_size=4))
    assert all("ms-ssim" in row["error"] and row["ms-ssim"] is None for row in rows)
    assert all(row["psnr"] is not None for row in rows)


def test_equal_images_are_scored_once_on_request(tmp_path, blind, monkeypatch):
    files = folder_of(tmp_path / "images", 4)
    (tmp_path / "images" / "0002b.png").write_bytes(files[2].read_bytes())
    (tmp_path / "images" / "0001b.png").write_bytes(files[1].read_bytes())
    (tmp_path / "images" / "zero.png").write_bytes(b"")
    for threads in (1, 4):
        rows = {r["image"][-9:]: r for r in score(tmp_path / "images", blind, dedupe=True,
                                                   threads=threads)}  # fmt: skip
        found = {name: row["duplicate_of"] for name, row in rows.items() if row["duplicate_of"]}
        assert found == {"0001b.png": str(files[1]), "0002b.png": str(files[2])}
        assert rows["0002b.png"]["sha256"] == rows["/0002.png"]["sha256"]
        assert rows["0002b.png"]["mean"] is None
        assert rows["/0002.png"]["mean"] is not None
        assert "empty" in rows["/zero.png"]["error"]


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet", "folder"])
def test_sinks_hold_the_rows_of_the_iterator(folders, tmp_path, form, blind):
    table = tmp_path / "t.csv"
    lines = [f"images/{p.name},{i},{i % 2}\n" for i, p in enumerate(sorted(folders[0].iterdir()))]
    table.write_text("image,width,group\n" + "".join(lines) + "images/gone.png,9,\n")
    expected = list(score(table, blind))
    sink = tmp_path / ("out" if form == "folder" else f"out.{form}")
    done = score(table, blind).into(sink)
    assert (done.rows, done.failed, done.kept, done.path) == (13, 1, 0, sink)
    rows = done.table().to_pylist()
    assert list(rows[0]) == list(expected[0])
    for row, wanted in zip(rows, expected, strict=True):
        for name in ("image", "height", "mean", "sha256", "error"):
            assert row[name] == (wanted[name] if form != "csv" else wanted[name] or row[name])
        assert str(row["source_width"]) == wanted["source_width"]
    files = {p.name for p in (sink if sink.is_dir() else tmp_path).iterdir()}
    assert not [name for name in files if name.startswith(".")]
    if form == "folder":
        assert files == {"part-00000.parquet", "_manifest.json"}
        manifest = json.loads((sink / "_manifest.json").read_text())
        assert manifest["run"] == {"finished": True, "rows": 13, "failed": 1} | {
            "seconds": manifest["run"]["seconds"]
        }
        assert manifest["manifest"]["metrics"][0]["metric"] == "mean"
    elif form in ("csv", "jsonl"):
        assert f"out.{form}.manifest.json" in files


def test_shards_write_to_one_folder(folders, tmp_path, blind):
    for shard in ("2/3", "1/3", "3/3"):
        done = score(folders[0], blind, shard=shard).into(tmp_path / "out")
        assert done.rows == 4
    table = pyarrow.parquet.read_table(tmp_path / "out")
    assert sorted(table["image"].to_pylist()) == sorted(map(str, folders[0].iterdir()))
    assert len({p.name for p in (tmp_path / "out").glob("_*manifest.json")}) == 3
    assert done.table().num_rows == 12


def test_a_finished_folder_takes_up_what_is_new_changed_or_gone(folders, tmp_path, blind):
    sink, images = tmp_path / "out", sorted(folders[0].iterdir())
    (folders[0] / "bad.png").write_bytes(b"")
    assert score(folders[0], blind).into(sink).failed == 1
    again = score(folders[0], blind).into(sink)
    assert (again.rows, again.kept, again.failed) == (13, 12, 1)
    images[0].unlink()
    images[1].write_bytes(png(500, 40, 36))
    (folders[0] / "bad.png").write_bytes(png(501))
    (folders[0] / "new.png").write_bytes(png(502))
    done = score(folders[0], blind).into(sink)
    assert (done.rows, done.kept, done.failed) == (13, 10, 0)
    rows = {row["image"]: row["mean"] for row in done.table().to_pylist()}
    assert len(rows) == done.table().num_rows
    assert rows == {row["image"]: row["mean"] for row in score(folders[0], blind)}


def test_another_manifest_is_refused_and_restart_begins_afresh(folders, tmp_path):
    sink, reference = tmp_path / "out", folders[1] / "01.png"
    score(folders[0], "psnr", reference=reference).into(sink)
    with pytest.raises(RunError, match=r"protocol\.resize was .native. and is .half.*--restart"):
        score(folders[0], "psnr", reference=reference, resize="half").into(sink)
    with pytest.raises(RunError, match=r"source\.inputs"):
        score(folders[1], "psnr", reference=reference).into(sink)
    done = score(folders[0], "psnr", reference=reference, resize="half").into(sink, restart=True)
    assert done.kept == 0
    assert done.table().num_rows == 12


def test_a_limit_may_be_raised_later(folders, tmp_path, blind):
    assert score(folders[0], blind, limit=5).into(tmp_path / "out").rows == 5
    done = score(folders[0], blind).into(tmp_path / "out")
    assert (done.rows, done.kept) == (12, 5)


def test_results_that_are_being_written_are_locked(folders, tmp_path, blind):
    def write_too(row):
        with pytest.raises(RunError, match="another process is writing"):
            score(folders[0], blind).into(tmp_path / "out.csv")

    score(folders[0], blind, limit=2).into(tmp_path / "out.csv", on_row=write_too)


def test_inputs_that_are_named_twice_have_two_rows_through_a_resumed_run(folders, tmp_path, blind):
    name = str(sorted(folders[0].iterdir())[0])
    sink, seen = tmp_path / "out.jsonl", []

    def stop(row):
        seen.append(row)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score([name] * 3, blind, batch_size=1).into(sink, on_row=stop)
    done = score([name] * 3, blind).into(sink)
    assert (done.rows, done.kept) == (3, 2)
    assert [row["image"] for row in done.table().to_pylist()] == [name] * 3


def test_metrics_that_are_made_are_taken_as_they_are(folders):
    made = create_metric("psnr", resize="half")
    expected = direct(made, *folders)
    for metrics in (made, [made], MetricSet([made])):
        rows = list(score(folders[0], metrics, reference=folders[1], batch_size=1))
        assert [row["psnr"] for row in rows] == expected


def test_a_source_that_is_open_has_its_references(folders):
    source = open_source(folders[0], folders[1])
    with pytest.raises(RunError, match="name it where the source is opened"):
        score(source, "psnr", reference=folders[1])
    rows = list(score(source, "psnr", batch_size=1))
    assert [row["psnr"] for row in rows] == direct(create_metric("psnr"), *folders)


def test_wrong_settings_are_refused(folders, tmp_path, blind):
    file = tmp_path / "file"
    file.write_text("no folder")
    cases = [
        ({"metrics": "psnr"}, RunError, "compares with a reference"),
        ({"metrics": "psnr", "engine": "steam"}, RunError, "compares with a reference"),
        ({"metrics": blind, "engine": "steam"}, RunError, "one of local, ray"),
        ({"metrics": blind, "tile": "large"}, RunError, "expected 'auto', 'off'"),
        ({"metrics": blind, "shard": "3/2"}, SourceError, "PART/PARTS"),
        ({"metrics": blind, "limit": -1}, SourceError, "0 or more"),
        ({"metrics": blind, "batch_size": 0}, RunError, "batch_size: expected 1 or more"),
        ({"metrics": blind, "resize": "half"}, RunError, "resize: cannot be changed"),
        ({"metrics": blind, "precision": "bfloat16"}, RunError, "precision: cannot be changed"),
        ({"metrics": blind, "device": "cuda"}, RunError, "device: cannot be changed"),
        ({"metrics": blind, "attributes": True}, RunError, "attributes: cannot be changed"),
        ({"metrics": ["psnr", create_metric("ssim")]}, RunError, "got both"),
        ({"metrics": create_metric("psnr")}, RunError, "psnr: compares with a reference"),
        ({"metrics": []}, RunError, "expected at least one name"),
        ({"metrics": blind, "engine_options": {"x": 1}}, RunError, "no option x"),
    ]
    for options, error, message in cases:
        with pytest.raises(error, match=message):
            score(folders[0], **options)


def test_outputs_that_cannot_be_are_refused(folders, tmp_path, blind):
    file = tmp_path / "file"
    file.write_text("no folder")
    os.mkfifo(tmp_path / "pipe.csv")
    cases = [
        (file / "a.csv", {}, RunError, "no results can be written there"),
        (file / "out", {}, RunError, "no results can be written there"),
        (file, {}, RunError, "no results can be written there"),
        (tmp_path / "a.xyz", {}, TableError, "suffix"),
        (tmp_path, {"form": "csv"}, RunError, "needs the name of a file"),
        (tmp_path / "pipe.csv", {"restart": True}, RunError, "is no regular file"),
    ]
    for sink, options, error, message in cases:
        with pytest.raises(error, match=message):
            score(folders[0], blind).into(sink, **options)


def test_the_default_with_references_is_dfb(folders):
    row = next(iter(score(folders[0], reference=folders[1])))
    assert row["dfb"] > 0


def test_leaving_off_early_ends_the_threads(folders, blind):
    rows = iter(score(folders[0], blind, batch_size=1))
    next(rows)
    del rows
    names = [t.name for t in threading.enumerate()]
    assert not [name for name in names if name.startswith("snellen-decode")]


@given(sizes=st.lists(st.integers(1, 30), max_size=40), limit=st.integers(0, 40))
def test_threads_hold_no_more_than_the_budget(sizes, limit):
    budget, held, most = ByteBudget(limit), [0], [0]

    def work(size):
        budget.acquire(size)
        held[0] += size
        most[0] = max(most[0], held[0])
        return size

    with DoneAhead(sizes, work, threads=3) as ahead:
        found = []
        while (size := ahead.take()) is not None:
            found.append(size)
            held[0] -= size
            budget.release(size)
    assert sorted(found) == sorted(sizes)
    assert most[0] <= max([limit, *sizes])


@given(st.permutations(range(12)))
def test_results_come_back_into_order(order):
    assert list(in_order((i, str(i)) for i in order)) == [str(i) for i in range(12)]


@given(
    sizes=st.lists(st.sampled_from([(8, 8), (8, 9), (16, 8)]), max_size=12),
    batch=st.integers(1, 5),
    ahead=st.sampled_from([0, 2000, 1 << 20]),
)
def test_every_input_has_one_outcome_whatever_the_batches(tmp_path_factory, sizes, batch, ahead):
    folder = tmp_path_factory.mktemp("sizes")
    tasks = []
    for i, (width, height) in enumerate(sizes):
        (folder / f"{i}.png").write_bytes(png(i, width, height))
        tasks.append((i, Item(Location(str(folder / f"{i}.png")), Location(str(folder / "0.png")))))
    options = EngineOptions(batch_size=batch, ahead_bytes=ahead, threads=2)
    found = sorted(score_items(tasks, create_metrics(["psnr"]), options), key=position)
    assert [one.position for one in found] == list(range(len(sizes)))
    for one, (width, height) in zip(found, sizes, strict=True):
        assert (one.width, one.height) == (width, height)
        assert (one.error is None) == ((width, height) == sizes[0])


def position(outcome: Outcome) -> int:
    return outcome.position


def test_large_images_are_scored_in_tiles_with_the_same_numbers(folders, monkeypatch, blind):
    tiled = []
    original = MetricSet.tiled

    def watch(self, *arguments, **options):
        tiled.append(options)
        return original(self, *arguments, **options)

    monkeypatch.setattr(MetricSet, "tiled", watch)
    images, reference = sorted(folders[0].iterdir())[1:3], folders[1] / "01.png"
    whole = list(score(images, ["dfb", "psnr"], reference=reference))
    assert tiled == []
    parts = list(score(images, ["dfb", "psnr"], reference=reference, tile=16))
    assert tiled == [{"side": 16}] * 2
    for name in ("dfb", "psnr"):
        assert [r[name] for r in parts] == pytest.approx([r[name] for r in whole], rel=1e-5)
    assert [(r["width"], r["height"]) for r in parts] == [(40, 36)] * 2
    (wrong,) = score(images[:1], ["dfb"], reference=folders[1] / "00.png", tile=16)
    assert "52x36" in wrong["error"]
    list(score(images, blind, tile=16))  # which cannot be tiled
    list(score(images, "dfb", reference=reference, tile="off"))
    assert len(tiled) == 3


def test_csv_has_a_header_even_without_rows(folders, tmp_path, blind):
    score(folders[0], blind, limit=0).into(tmp_path / "o.csv")
    (header,) = csv.reader((tmp_path / "o.csv").read_text().splitlines())
    assert header == ["image", "width", "height", "mean", "seconds", "sha256", "error"]
