import csv
import importlib.util
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from snellen.agreement import Resampling, agree, fit_logistic, holm
from snellen.backbones import Backbone
from snellen.datasets import load_dataset
from snellen.errors import DatasetError, MetricError
from snellen.metrics import create_metric, create_metrics
from snellen.runs import ScoreCache, bench
from tests.runs.inside import enough_resamples
from tests.runs.rated import write_database

QUICK = Resampling(resamples=50)


@pytest.fixture
def rated(tmp_path, photos):
    return load_dataset("mine", write_database(tmp_path / "data", photos))


@pytest.fixture
def cache(tmp_path):
    return ScoreCache(tmp_path / "scores")


@pytest.fixture
def computed(monkeypatch):
    """How often each metric scored a pair."""
    counts = Counter()
    kind = type(create_metric("psnr"))
    original = kind._score

    def count(self, *args):
        counts[self.name] += 1
        return original(self, *args)

    monkeypatch.setattr(kind, "_score", count)
    return counts


def test_scores_are_the_metrics_and_agreement_is_that_of_the_scores(rated):
    result = bench(["psnr", "gmsd"], [rated], resampling=QUICK)
    assert [row["image"] for row in result.scores] == [str(path) for path in rated.image]
    for metric in create_metrics(["psnr", "gmsd"]):
        mine = [float(metric(image.image, image.reference)) for image in rated]
        found = [row[metric.name] for row in result.scores]
        np.testing.assert_allclose(found, mine, rtol=1e-6)
        one = result.agreements[metric.name, "mine"]
        sign = -1 if metric.lower_better else 1
        assert one.srcc.value == pytest.approx(sign * stats.spearmanr(found, rated.score)[0])
        assert one.krcc.value == pytest.approx(sign * stats.kendalltau(found, rated.score)[0])
        assert one.plcc.value == pytest.approx(sign * stats.pearsonr(found, rated.score)[0])
        fitted = fit_logistic(found, rated.score, parameters=5)
        assert one.plcc_fitted.value == pytest.approx(fitted.plcc)
        assert one.rmse.value == pytest.approx(fitted.rmse)
        assert one.srcc.low < one.srcc.value < one.srcc.high
        assert (one.size, one.contents, sorted(one.by_type)) == (24, 3, ["jpeg", "noise"])


def test_both_directions_of_people_and_metrics_agree(tmp_path, photos):
    mos = load_dataset("mos", write_database(tmp_path / "a", photos))
    dmos = load_dataset("dmos", write_database(tmp_path / "b", photos, higher_better=False))
    result = bench(["psnr", "gmsd"], [mos, dmos], resampling=QUICK)
    for metric in ("psnr", "gmsd"):
        first, second = (result.agreements[metric, name] for name in ("mos", "dmos"))
        assert first.srcc.value > 0.5
        assert second.srcc.value == pytest.approx(first.srcc.value)
        assert second.plcc.value == pytest.approx(first.plcc.value)


def test_a_second_run_computes_nothing_and_one_more_metric_only_itself(rated, cache, computed):
    first = bench(["psnr", "gmsd"], [rated], cache=cache, resampling=QUICK)
    assert computed == {"psnr": 24, "gmsd": 24}
    again = bench(["psnr", "gmsd"], [rated], cache=ScoreCache(cache.folder), resampling=QUICK)
    assert computed == {"psnr": 24, "gmsd": 24}
    assert again.scores == first.scores
    assert again.table() == first.table()
    more = bench(["psnr", "mdsi", "gmsd"], [rated], cache=cache, resampling=QUICK)
    assert computed == {"psnr": 24, "gmsd": 24, "mdsi": 24}
    assert [row["gmsd"] for row in more.scores] == [row["gmsd"] for row in first.scores]
    bench(["psnr"], [rated], resampling=QUICK)
    assert computed["psnr"] == 48


def test_an_image_that_changed_is_scored_anew_and_a_copy_is_not(rated, cache, computed, tmp_path):
    before = bench(["psnr"], [rated], cache=cache, resampling=QUICK)
    with Image.open(rated.image[3]) as image:
        changed = image.point(lambda value: 255 - value)
    changed.save(rated.image[3])
    after = bench(["psnr"], [rated], cache=cache, resampling=QUICK)
    assert computed["psnr"] == 25
    differ = [a["psnr"] != b["psnr"] for a, b in zip(before.scores, after.scores, strict=True)]
    assert differ.index(True) == 3
    assert sum(differ) == 1
    moved = tmp_path / "moved"
    rated.image[0].parent.rename(moved)
    elsewhere = bench(
        ["psnr"], [load_dataset("m", moved / "scores.csv")], cache=cache, resampling=QUICK
    )
    assert computed["psnr"] == 25
    assert [r["psnr"] for r in elsewhere.scores] == [r["psnr"] for r in after.scores]


def test_another_protocol_is_not_taken_from_the_cache(rated, cache):
    native = bench(["psnr"], [rated], cache=cache, resampling=QUICK)
    half = bench(create_metrics(["psnr"], resize="half"), [rated], cache=cache, resampling=QUICK)
    direct = create_metric("psnr", resize="half")(rated.image[0], rated.reference[0])
    assert half.scores[0]["psnr"] == pytest.approx(float(direct))
    assert half.scores[0]["psnr"] != native.scores[0]["psnr"]


def test_a_run_that_was_cut_off_goes_on(rated, cache, computed):
    seen = []

    def stop(row):
        seen.append(row["image"])
        if len(seen) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench(["psnr"], [rated], cache=cache, resampling=QUICK, on_row=stop)
    done = computed["psnr"]
    bench(["psnr"], [rated], cache=cache, resampling=QUICK, on_row=lambda row: seen.append(row))
    assert computed["psnr"] == 24 + done - 5
    assert len(seen) == 5 + 24


def test_the_features_of_a_reference_are_computed_once(rated, monkeypatch):
    passes, stream = [], Backbone.stream
    shuffled = rated.subset(np.random.default_rng(0).permutation(len(rated)))

    def count(self, *args, **kwargs):
        passes.append(1)
        return stream(self, *args, **kwargs)

    metrics = create_metrics(["dfb-gabor", "euclidean-gabor"])
    monkeypatch.setattr(Backbone, "stream", count)
    result = bench(metrics, [shuffled], resampling=QUICK)
    assert len(passes) == 24 + 3
    assert [row["image"] for row in result.scores] == [str(path) for path in shuffled.image]


def test_an_image_that_fails_is_left_out_and_counted(rated, cache):
    rated.image[5].write_bytes(b"no image")
    result = bench(["psnr", "gmsd"], [rated], cache=cache, resampling=QUICK)
    assert result.failed == 1
    assert rated.image[5].name in result.scores[5]["error"]
    assert result.scores[5]["psnr"] is None
    kept = [i for i in range(24) if i != 5]
    expected = agree(
        [result.scores[i]["psnr"] for i in kept],
        rated.score[kept],
        groups=rated.content[kept],
        types=rated.type[kept],
        resampling=QUICK,
    )
    assert result.agreements["psnr", "mine"].srcc == expected.srcc
    row = result.table(types=False)[0]
    assert (row["images"], row["failed"]) == (23, 1)


def test_a_metric_that_fails_everywhere_says_why_and_costs_no_other(tmp_path, photos):
    small = [photo[..., :64, :64] for photo in photos]
    rated = load_dataset("small", write_database(tmp_path / "data", small))
    result = bench(["psnr", "ms-ssim"], [rated], resampling=QUICK)
    assert ("ms-ssim", "small") not in result.agreements
    assert "at least two images" in result.problems["ms-ssim", "small"]
    assert all("ms-ssim" in row["error"] for row in result.scores)
    assert result.agreements["psnr", "small"].size == 24
    by_metric = {row["metric"]: row for row in result.table(types=False)}
    assert by_metric["ms-ssim"]["srcc"] is None
    assert by_metric["ms-ssim"]["failed"] == 24
    assert list(by_metric["ms-ssim"]) == list(by_metric["psnr"])
    assert result.comparisons == {}


def test_a_score_that_is_not_finite_is_an_error(rated, cache, monkeypatch):
    kind = type(create_metric("psnr"))
    monkeypatch.setattr(kind, "_score", lambda self, x, y, cached: x.new_tensor([float("inf")]))
    result = bench(["psnr"], [rated], cache=cache, resampling=QUICK)
    assert result.failed == 24
    assert result.scores[0]["error"] == "psnr: the score is inf"
    monkeypatch.undo()
    assert bench(["psnr"], [rated], cache=cache, resampling=QUICK).failed == 0


def test_databases_and_metrics_that_do_not_fit_are_refused(rated, tmp_path):
    (tmp_path / "alone.csv").write_text(
        f"# higher_better: true\nimage,score\n{rated.image[0]},1\n{rated.image[1]},2\n"
    )
    alone = load_dataset("alone", tmp_path / "alone.csv")
    with pytest.raises(DatasetError, match="alone has no reference images, and psnr cannot"):
        bench(["psnr", "ddr-blur:3"], [alone])
    with pytest.raises(DatasetError, match="one name"):
        bench(["psnr"], [rated, rated])
    with pytest.raises(MetricError, match="contrast is an attribute, neither good nor bad"):
        bench(["psnr", "contrast"], [rated])


def test_metrics_without_a_reference_stand_beside_those_with_one(rated):
    result = bench(["psnr", "ddr-noise:3", "rr-gabor"], [rated], resampling=QUICK)
    blind = create_metric("ddr-noise:3")
    found = [row["ddr-noise:3"] for row in result.scores]
    np.testing.assert_allclose(found, [float(blind(one.image)) for one in rated], rtol=1e-5)
    expected = stats.spearmanr(found, rated.score)[0]
    assert result.agreements["ddr-noise:3", "mine"].srcc.value == pytest.approx(expected)
    assert {row["metric"]: row["lower_better"] for row in result.table(types=False)} == {
        "psnr": False, "ddr-noise:3": False, "rr-gabor": True,
    }  # fmt: skip
    assert len(result.differences()) == 3


def test_images_without_a_reference_are_scored_by_those_that_need_none(rated, cache, tmp_path):
    lines = [f"{one.image},{one.score},{one.content}" for one in rated]
    table = "\n".join(["# higher_better: true", "image,score,content", *lines, ""])
    (tmp_path / "alone.csv").write_text(table)
    alone = load_dataset("alone", tmp_path / "alone.csv")
    result = bench(["ddr-noise:3"], [alone], cache=cache, resampling=QUICK)
    assert result.failed == 0
    with_references = bench(["ddr-noise:3"], [rated], cache=cache, resampling=QUICK)
    values = [[row["ddr-noise:3"] for row in r.scores] for r in (result, with_references)]
    assert values[0] == values[1]
    (shard,) = cache.folder.glob("ddr-noise*.jsonl")
    assert len(shard.read_text().splitlines()) == 1 + 24


def test_where_only_some_images_have_a_reference_each_metric_scores_what_it_can(rated, tmp_path):
    lines = [
        f"{one.image},{one.reference if i % 2 else ''},{one.score},{one.content}"
        for i, one in enumerate(rated)
    ]
    header = ["# higher_better: true", "image,reference,score,content"]
    (tmp_path / "half.csv").write_text("\n".join([*header, *lines, ""]))
    half = load_dataset("half", tmp_path / "half.csv")
    result = bench(["psnr", "ddr-noise:3"], [half], resampling=QUICK)
    assert [result.failures(name, "half") for name in ("psnr", "ddr-noise:3")] == [12, 0]
    assert {row["error"] for row in result.scores[::2]} == {"there is no reference"}
    assert result.scores[1]["error"] is None


def test_an_image_that_no_blind_metric_can_score_is_left_out(rated):
    rated.image[5].write_bytes(b"no image")
    result = bench(["ddr-noise:3", "ddr-blur:3"], [rated], resampling=QUICK)
    assert result.failed == 1
    assert rated.image[5].name in result.scores[5]["error"]


def test_means_weigh_databases_by_size_or_alike(rated):
    half = rated.subset(np.arange(0, 24, 2))
    result = bench(["psnr"], {"all": rated, "half": half}, resampling=Resampling(resamples=0))
    a, b = (result.agreements["psnr", name].srcc.value for name in ("all", "half"))
    by_images, by_databases = result.means()
    assert by_images["srcc"] == pytest.approx((24 * a + 12 * b) / 36)
    assert by_databases["srcc"] == pytest.approx((a + b) / 2)
    assert by_images["images"] == 36
    assert bench(["psnr"], {"all": rated}, resampling=QUICK).means() == []
    assert result.differences() == []


@pytest.mark.parametrize("metrics", range(2, 31))
def test_any_difference_can_come_out_significant(metrics):
    pairs = metrics * (metrics - 1) // 2
    smallest = 2 / (enough_resamples(metrics, 1) + 1)
    assert holm([smallest] + [1.0] * (pairs - 1))[0] < 0.05
    assert enough_resamples(metrics, 10**6) == 10**6
    assert enough_resamples(metrics, 0) == 0


def test_a_difference_is_that_of_the_correlations(rated):
    result = bench(["psnr", "gmsd", "mdsi"], [rated], resampling=QUICK)
    rows = {(row["first"], row["second"]): row for row in result.differences()}
    assert list(rows) == [("psnr", "gmsd"), ("psnr", "mdsi"), ("gmsd", "mdsi")]
    for (first, second), row in rows.items():
        a, b = (result.agreements[name, "mine"].srcc.value for name in (first, second))
        assert row["difference"] == pytest.approx(a - b)
        assert row["p_value"] <= row["p_adjusted"] <= 1


def test_the_manifest_has_the_protocol_in_full(rated):
    result = bench(["psnr", "dfb"], {"here": rated}, resampling=QUICK)
    manifest = result.manifest
    assert manifest["metrics"] == create_metrics(["psnr", "dfb"]).manifest()
    (facts,) = manifest["datasets"]
    assert (facts["name"], facts["images"], facts["contents"]) == ("here", 24, 3)
    assert manifest["statistics"]["resamples"] == 50
    other = bench(["psnr"], {"here": rated.subset(np.arange(24)[::-1])}, resampling=QUICK)
    key = "human scores sha256"
    assert other.manifest["datasets"][0][key] != facts[key]


README = {"tid2013r": (0.638, 0.818, True), "live_r": (0.875, 0.977, False)}


@pytest.mark.parametrize(("name", "reference"), [("tid2013r", "I01.png"), ("live_r", "caps.png")])
def test_our_pipeline_gives_the_scores_of_the_rebuilt_databases(shared, tmp_path, name, reference):
    """PSNR and FSIM (chromatic) of every second image of one content, scored by `bench`."""
    folder = shared / name
    rows = [row for row in _table(folder) if row["reference"] == reference][::2]
    dataset = _regenerated(shared, folder, rows, tmp_path, higher_better=README[name][2])
    result = bench(["psnr", "fsim"], [dataset], resampling=Resampling(resamples=0))
    assert result.failed == 0
    for metric in ("psnr", "fsim"):
        found = [row[metric] for row in result.scores]
        expected = [float(row[f"{metric}_ours"]) for row in rows]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", list(README))
def test_pooled_agreement_of_the_rebuilt_databases_is_that_of_their_readme(shared, name):
    rows = _table(shared / name)
    *expected, higher_better = README[name]
    for metric, value in zip(("psnr", "fsim"), expected, strict=True):
        found = agree(
            [float(row[f"{metric}_ours"]) for row in rows],
            [float(row["mos"]) for row in rows],
            higher_better=higher_better,
            parameters=None,
            resampling=Resampling(resamples=0),
        )
        assert round(found.srcc.value, 3) == value


def _table(folder: Path) -> list[dict[str, str]]:
    with (folder / "scores.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _regenerated(shared, folder, rows, out, *, higher_better):
    spec = importlib.util.spec_from_file_location("regen", shared / "regen.py")
    regen = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(regen)
    lines = [f"# higher_better: {str(higher_better).lower()}", "image,reference,type,score"]
    for i, row in enumerate(rows):
        image = Image.fromarray(regen.load(str(folder), row))
        image.save(out / f"{i}.png", compress_level=1)
        reference = folder / row["reference"]
        lines.append(f"{i}.png,{reference},{row['type_name']},{row['mos']}")
    (out / "pairs.csv").write_text("\n".join(lines) + "\n")
    return load_dataset(folder.name, out / "pairs.csv")
