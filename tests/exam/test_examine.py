"""The whole exam: every part, its summary, resuming, failing, and what is left out."""

import json

import numpy as np
import pyarrow.parquet
import pytest

from snellen.errors import BackboneError, DatasetError, MetricError
from snellen.exam import EXAM_PARTS, efficacy, examine, layers, separability, tuning
from snellen.plots import write_report
from tests.exam.inside import (
    TABLES,
    Examination,
    ExamPlan,
    Part,
    csf_part_module,
    exam_images,
    projection,
    tuning_exam,
)

from .small_exams import OPTIONS, distorted, pristine, rated, small_gratings, two_layers


@pytest.fixture(autouse=True)
def few_gratings(monkeypatch):
    small_gratings(monkeypatch)


@pytest.fixture
def given(tmp_path):
    return {"dataset": rated(tmp_path), "images": distorted(tmp_path / "p"), **OPTIONS}


@pytest.fixture
def backbone():
    return two_layers()


def runs(backbone, monkeypatch):
    """Count how often a network is used."""
    calls = []
    stream = backbone.stream
    monkeypatch.setattr(backbone, "stream", lambda *a: calls.append(1) or stream(*a))
    return calls


def same(a, b):
    np.testing.assert_equal([dict(row) for row in a], [dict(row) for row in b])


def test_the_summary_is_what_the_exams_say_one_by_one(backbone, given):
    found = examine(backbone, **given)
    assert found.errors == ()
    assert {part.name for part in found.parts} == set(EXAM_PARTS)
    row = found.summary()[0]
    plan = ExamPlan(viewing=given["viewing"])
    stimuli, how = plan.stimuli(backbone), given["resampling"]
    names = plan.layers_of(backbone)

    tuned = tuning(backbone, names, stimuli=stimuli)
    preferred = [one["preferred_frequency"] for one in tuned.rows]
    assert row["preferred_frequency"] == pytest.approx(np.nanmedian(preferred))
    octaves = np.log2(row["preferred_frequency"] / row["human_peak"])
    assert row["octaves_from_human"] == pytest.approx(octaves)
    osi = np.array([one["osi"] for one in tuned.rows])
    assert row["orientation_selective"] == np.mean(osi[np.isfinite(osi)] >= 1 / 3)

    worth = efficacy(
        backbone, names, given["dataset"], stimuli=stimuli, resize="half", resampling=how
    )
    gap = next(
        one for one in worth.differences
        if (one["layer"], one["x"], one["first"], one["second"])
        == ("mean of layers", 10, "H", "random")
    )  # fmt: skip
    measured = [row["efficacy_gain"], row["efficacy_gain_low"], row["efficacy_gain_high"]]
    assert measured == [gap["difference"], gap["low"], gap["high"]]

    best = layers(
        {"x": backbone}, given["dataset"], layers=["input", *names], resize="half", resampling=how
    ).best("x")
    assert (row["agreement_layer"], row["srcc"]) == (best["layer"], best["srcc"])

    apart = separability(
        {"x": backbone}, given["images"], layers=["input", *names], poolings="mean-std",
        components=32, resampling=how,
    ).best(difference=False)  # fmt: skip
    numbers = [row["separability"], row["separability_low"], row["chance"]]
    assert numbers == [apart["accuracy"], apart["accuracy_low"], apart["chance"]]
    assert row["csf_n"] <= 7


def test_a_second_run_reads_everything_back(backbone, given, tmp_path, monkeypatch):
    first = examine(backbone, checkpoint=tmp_path / "kept", **given)
    calls = runs(backbone, monkeypatch)
    told = []
    again = examine(backbone, checkpoint=tmp_path / "kept", progress=told.append, **given)
    assert calls == []
    assert told == []
    assert again.facts == first.facts
    for a, b in zip(first.parts, again.parts, strict=True):
        assert (a.name, a.network, a.seconds) == (b.name, b.network, b.seconds)
        assert a.tables.keys() == b.tables.keys()
        for name in a.tables:
            same(a.tables[name], b.tables[name])
    same(first.summary(), again.summary())


def test_other_weights_scores_or_options_are_measured_anew(given, tmp_path, monkeypatch):
    kept = {"checkpoint": tmp_path / "kept", "parts": ["agreement"]}
    one = two_layers(0)
    first = examine({"a": one}, **kept, **given)
    other = examine({"a": two_layers(1)}, **kept, **given)
    assert first.summary()[0]["srcc"] != other.summary()[0]["srcc"]
    fewer = given | {"dataset": given["dataset"].subset(np.arange(9))}
    calls = runs(one, monkeypatch)
    assert examine({"a": one}, **kept, **fewer).facts["dataset"]["images"] == 9
    again = examine({"a": one}, **kept, **given | {"resize": "native"})
    assert again.facts["resize"] == {"a": "native"}
    assert calls


def test_a_part_that_fails_leaves_the_others_and_is_tried_again(backbone, given, tmp_path):
    broken = given["dataset"].image[3]
    good = broken.read_bytes()
    broken.write_bytes(good[:40])
    kept = {"checkpoint": tmp_path / "kept", "parts": ["csf", "agreement", "efficacy"]}
    found = examine(backbone, **kept, **given)
    assert [part.name for part in found.errors] == ["efficacy", "agreement"]
    assert all(broken.name in part.error for part in found.errors)
    assert list(found.of("csf")) == ["two-layers-0"]
    assert found.summary()[0]["srcc"] is None
    broken.write_bytes(good)
    assert examine(backbone, **kept, **given).errors == ()


def test_an_error_that_nobody_expected_is_kept_with_its_type(backbone, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("out of everything")

    monkeypatch.setattr(csf_part_module, "metric_csf", fail)
    found = examine(backbone, parts="csf", **OPTIONS)
    assert found.errors[0].error == "RuntimeError: out of everything"


def test_parts_without_data_are_left_out_and_it_says_what_they_need(backbone):
    found = examine(backbone, parts=["csf", "separability", "agreement"], **OPTIONS)
    assert set(found.left_out) == {"separability", "agreement"}
    assert "--images" in found.left_out["separability"]
    assert "--dataset" in found.left_out["agreement"]
    assert [part.name for part in found.parts] == ["csf"]


def test_bad_requests_are_refused_before_any_work(backbone, tmp_path):
    with pytest.raises(MetricError, match=r"expected some of tuning.*found 'eyes'"):
        examine(backbone, parts=["eyes"])
    with pytest.raises(MetricError, match="found none"):
        examine(backbone, parts=[])
    with pytest.raises(DatasetError, match="images with human scores"):
        examine(backbone, parts="agreement")
    with pytest.raises(BackboneError, match="retina"):
        examine(backbone, layers=["retina"])
    (tmp_path / "none").mkdir()
    with pytest.raises(DatasetError, match="found none"):
        examine(backbone, images=tmp_path / "none")


def test_progress_grows_to_the_whole_over_all_parts(backbone, given):
    told = []
    examine({"a": backbone, "b": two_layers(1)}, progress=told.append, **given)
    done = [one.done for one in told]
    assert done == sorted(done)
    assert len({one.total for one in told}) == 1
    assert done[-1] == pytest.approx(told[0].total)
    assert {(one.part, one.network) for one in told} == {(p, n) for p in EXAM_PARTS for n in "ab"}


def test_objects_for_figures_come_back_from_tables(backbone, given):
    found = examine(backbone, parts=["tuning", "separability"], **given)
    part = found.of("tuning")["two-layers-0"]
    plan = ExamPlan(viewing=given["viewing"])
    direct = tuning(backbone, plan.layers_of(backbone), stimuli=plan.stimuli(backbone))
    restored = tuning_exam(part)
    assert restored.stimuli == direct.stimuli
    same(restored.rows, direct.rows)
    for layer, curves in direct.curves.items():
        for name in ("rings", "bars", "frequency", "orientation", "contrast", "color", "blank"):
            np.testing.assert_array_equal(
                getattr(restored.curves[layer], name), getattr(curves, name)
            )
    points = projection(found.of("separability")["two-layers-0"])
    assert points.points.shape == (len(given["images"]), 2)
    assert points.row["layer"] == found.summary()[0]["separability_layer"]


def test_tables_are_written_and_hold_every_network(given, tmp_path):
    found = examine({"a": two_layers(0), "b": two_layers(1)}, **given)
    written = {path.name for path in found.save(tmp_path / "out")}
    assert {"summary.csv", "tuning.parquet", "efficacy.csv", "agreement.csv"} <= written
    assert "curves.csv" not in written
    for name, rows in found.tables().items():
        table = pyarrow.parquet.read_table(tmp_path / "out" / f"{name}.parquet")
        same(table.to_pylist(), rows)
        assert set(table["network"].to_pylist()) == {"a", "b"}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert set(manifest["networks"]) == {"a", "b"}
    assert len(manifest["parts"]) == 2 * len(EXAM_PARTS)
    assert set(found.tables()) == set(TABLES)


def test_folders_and_files_may_be_text(backbone, tmp_path):
    folder = str(tmp_path / "out")
    found = examine(backbone, parts="csf", checkpoint=str(tmp_path / "kept"), **OPTIONS)
    assert all(path.is_file() for path in found.save(folder))
    write_report(found, f"{folder}/report.html")
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_tables_of_an_earlier_exam_do_not_stay(backbone, tmp_path):
    (tmp_path / "agreement.csv").write_text("old")
    (tmp_path / "notes.csv").write_text("mine")
    examine(backbone, parts="csf", **OPTIONS).save(tmp_path)
    assert not (tmp_path / "agreement.csv").exists()
    assert (tmp_path / "notes.csv").exists()


def test_few_images_are_chosen_evenly_and_all_on_demand(tmp_path):
    folder = pristine(tmp_path / "many", 30)
    few = exam_images(folder, full=False, crop=32)
    assert len(few.images) == 12
    assert few.levels == (1, 3, 5)
    assert len({path.name for path in few.images}) == 12
    everything = exam_images(folder, full=True, crop=32)
    assert (len(everything.images), everything.levels) == (30, (1, 2, 3, 4, 5))


def test_a_summary_without_any_part_says_nothing():
    failed = Part("tuning", "a", error="no")
    row = Examination((failed,), {"a": {"weights": {"source": "file"}}}, facts={}).summary()[0]
    assert {k for k, v in row.items() if v is not None} == {"network", "weights"}
