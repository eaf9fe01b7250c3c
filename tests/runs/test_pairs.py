import pytest
from PIL import Image

from snellen.images import Pair
from snellen.metrics import create_metrics
from snellen.runs import Journal, comparison_rows, score_pairs


@pytest.fixture
def files(tmp_path, photos):
    """Three references, two distorted versions of each, and one broken file."""
    pairs = []
    for i, photo in enumerate(photos[:3]):
        pixels = (photo[0].permute(1, 2, 0).numpy() * 255).round().astype("uint8")
        reference = tmp_path / f"r{i}.png"
        Image.fromarray(pixels).save(reference)
        for quality in (80, 10):
            distorted = tmp_path / f"d{i}_{quality}.jpg"
            Image.fromarray(pixels).save(distorted, quality=quality)
            pairs.append(Pair(distorted, reference))
    return pairs


def test_scores_are_those_of_the_metric_in_order(files):
    metrics = create_metrics(["dfb", "psnr"])
    results = list(score_pairs(files, metrics))
    assert [(r.distorted, r.reference) for r in results] == [
        (p.distorted, p.reference) for p in files
    ]
    for result in results:
        assert result.error is None
        for metric in metrics:
            direct = float(metric(result.distorted, result.reference))
            assert result.scores[metric.name] == pytest.approx(direct, rel=1e-6)


def test_a_reference_that_comes_again_is_decoded_and_run_once(files, monkeypatch):
    from snellen.backbones import Backbone
    from tests.runs.inside import decode_module as _decode

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
    list(score_pairs(files, metrics))
    assert len(passes) == 6 + 3
    assert len(decoded) == 6 + 3

    passes.clear()
    list(score_pairs(files, metrics, cache_bytes=0))
    assert len(passes) == 6 + 6


def test_a_broken_file_is_a_row_and_the_run_goes_on(files, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not an image")
    pairs = [Pair(broken, files[0].reference), *files, Pair(files[0].distorted, broken)]
    rows = list(comparison_rows(pairs, create_metrics(["dfb"])))
    assert [row["error"] is None for row in rows] == [False] + [True] * 6 + [False]
    assert "broken.png" in rows[0]["error"]
    assert rows[0]["dfb"] is None


def test_one_metric_that_fails_does_not_cost_the_others(tmp_path):
    small = tmp_path / "small.png"
    Image.new("RGB", (64, 64), "red").save(small)
    other = tmp_path / "other.png"
    Image.new("RGB", (64, 64), "blue").save(other)
    (row,) = comparison_rows([Pair(small, other)], create_metrics(["ms-ssim", "psnr", "dfb"]))
    assert row["ms-ssim"] is None
    assert "ms-ssim" in row["error"]
    assert row["psnr"] is not None
    assert row["dfb"] is not None


def test_sizes_that_differ_are_an_error_that_states_both(files):
    pair = Pair(files[0].distorted, files[-1].reference)
    with Image.open(pair.distorted) as a, Image.open(pair.reference) as b:
        if a.size == b.size:
            pytest.skip("the first and the last photograph have one size")
        sizes = [f"{w}x{h}" for w, h in (a.size, b.size)]
    (row,) = comparison_rows([pair], create_metrics(["dfb"]))
    assert all(size in row["error"] for size in sizes)


def test_a_run_that_was_cut_off_goes_on(files, tmp_path, monkeypatch):
    metrics = create_metrics(["dfb"])
    output, manifest = tmp_path / "out.csv", metrics.manifest()
    key = ("distorted", "reference")
    with Journal(output, manifest, key) as journal:
        rows = comparison_rows(files, metrics, journal)
        first = [next(rows), next(rows)]
    # As if killed in the middle of a line.
    with journal.path.open("a") as file:
        file.write('{"distorted": "d1_8')
    scored = []
    original = type(metrics).forward

    def count(self, *args):
        scored.append(1)
        return original(self, *args)

    monkeypatch.setattr(type(metrics), "forward", count)
    with Journal(output, manifest, key) as journal:
        assert len(journal.finished) == 2
        again = list(comparison_rows(files, metrics, journal))
    assert again[:2] == first
    assert len(scored) == 4
    assert [r["distorted"] for r in again] == [str(p.distorted) for p in files]


def test_a_journal_of_another_metric_is_not_continued(files, tmp_path):
    key = ("distorted", "reference")
    with Journal(tmp_path / "o.csv", {"metric": "a"}, key) as journal:
        list(comparison_rows(files[:1], create_metrics(["dfb"]), journal))
    assert Journal(tmp_path / "o.csv", {"metric": "b"}, key).finished == {}
    assert len(Journal(tmp_path / "o.csv", {"metric": "a"}, key).finished) == 1


def test_rows_with_errors_are_tried_again(files, tmp_path):
    late = tmp_path / "late.png"
    pairs = [Pair(late, files[0].reference)]
    key = ("distorted", "reference")
    metrics = create_metrics(["dfb"])
    with Journal(tmp_path / "o.csv", {}, key) as journal:
        (row,) = comparison_rows(pairs, metrics, journal)
    assert row["error"]
    with Image.open(files[0].reference) as image:
        image.save(late)
    with Journal(tmp_path / "o.csv", {}, key) as journal:
        (row,) = comparison_rows(pairs, metrics, journal)
    assert row["error"] is None
    assert row["dfb"] == 0
