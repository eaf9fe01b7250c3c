import dataclasses

import pytest
import torch
from PIL import Image

from snellen import exam
from snellen.agreement import Resampling
from snellen.errors import BackboneError, DatasetError, WeightsError
from snellen.runs import ScoreCache

CODE = """
from torch import nn
def make():
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 7, 3, 2))
def number():
    return 3
"""


@pytest.fixture
def plan(dataset, tmp_path):
    (tmp_path / "study_networks.py").write_text(CODE)
    path = tmp_path / "study.yaml"
    path.write_text(
        """
datasets: [{name: tiny, path: pairs.csv}]
resize: [native, half]
readouts: [euclidean, mean]
metrics: [psnr, {name: psnr, label: halved, resize: half}]
networks:
  - {name: foreign, module: "study_networks:make", tags: {goal: nothing, family: plain}}
  - {name: other, module: "study_networks:make", weights: random, seed: 1,
     tags: {goal: something, family: plain}}
"""
    )
    return exam.load_study(path)


def test_a_study_compares_networks_factors_and_metrics(plan):
    found = exam.study(plan, resampling=Resampling(resamples=100))
    assert [one.exam.resize for one in found] == ["native", "half"]
    first, second = found[0].networks
    weights = {row["network"]: row["weights"] for row in found[0].exam.rows}
    assert weights == {"foreign": "module", "other": "random"}
    factors = {(row["factor"], row["level"]): row for row in found[0].factors}
    assert factors["goal", "nothing"]["srcc"] == pytest.approx(first["srcc"])
    family = factors["family", "plain"]
    assert family["srcc"] == pytest.approx((first["srcc"] + second["srcc"]) / 2)
    assert family["srcc_low"] <= family["srcc"] <= family["srcc_high"]
    own = [
        row["srcc"]
        for row in found[0].exam.rows
        if (row["network"], row["readout"], row["combination"]) == ("foreign", "euclidean", "layer")
    ]
    assert first["srcc"] == max(own[1:])  # the input is no layer of the network
    metric, halved = found[0].metrics
    assert [metric["metric"], halved["metric"]] == ["psnr", "halved"]
    assert halved["srcc"] == pytest.approx(found[1].exam.rows[0]["srcc"])  # pixels at half size
    assert first["lead_over_psnr"] == pytest.approx(first["srcc"] - metric["srcc"])
    # The network "input" compares pixels: its rank correlation is that of PSNR.
    assert own[0] == pytest.approx(metric["srcc"])
    text = exam.summarize(found)
    assert text.count("## tiny") == 2
    assert f"| foreign | {first['layer']} |" in text


def cut_off(path):
    path.write_bytes(path.read_bytes()[:40])


def cropped(path):
    with Image.open(path) as image:
        part = image.crop((0, 0, image.width, image.height - 3))
    part.save(path)


@pytest.mark.parametrize("metrics", [({"name": "psnr", "align": "crop"},), ()])
@pytest.mark.parametrize("spoil", [cut_off, cropped])
def test_an_image_that_fails_is_a_row_and_the_study_goes_on(plan, metrics, spoil):
    plan = dataclasses.replace(plan, metrics=metrics)
    broken = plan.datasets[0].image[4]
    spoil(broken)
    found = exam.study(plan, resampling=Resampling(resamples=20))
    others = plan.datasets[0].subset([i for i in range(20) if i != 4])
    without = exam.study(
        dataclasses.replace(plan, datasets=(others,)), resampling=Resampling(resamples=20)
    )
    for one, other in zip(found, without, strict=True):
        (row,) = one.failed
        assert row["image"] == str(broken)
        assert row["error"]
        assert other.failed == ()
        assert one.exam.rows == other.exam.rows
        assert (one.metrics, one.networks) == (other.metrics, other.networks)


def test_a_dataset_of_broken_images_is_refused(plan):
    for path in plan.datasets[0].image:
        path.write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"tiny: every image failed; the first: .*\.png"):
        exam.study(plan)


def test_known_scores_of_metrics_are_not_computed_again(plan, tmp_path, monkeypatch):
    cache = ScoreCache(tmp_path / "scores")
    first = exam.study(plan, cache=cache, resampling=Resampling(resamples=20))
    monkeypatch.setattr("snellen.metrics.Metric.__call__", None)
    monkeypatch.setattr("snellen.metrics.MetricSet.forward", None)
    again = exam.study(plan, cache=cache, resampling=Resampling(resamples=20))
    assert [one.metrics for one in again] == [one.metrics for one in first]


def test_intervals_of_a_network_are_those_of_its_best_layer(plan):
    (one, _) = exam.study(plan, resampling=Resampling(resamples=200))
    for row in one.networks:
        best = next(
            other
            for other in one.exam.rows
            if (other["network"], other["layer"], other["readout"], other["combination"])
            == (row["network"], row["layer"], "euclidean", "layer")
        )
        for name in ("srcc", "srcc_low", "srcc_high"):
            assert row[name] == pytest.approx(best[name], abs=1e-12)


def test_foreign_checkpoints_are_loaded_by_a_line(tmp_path):
    (tmp_path / "study_networks.py").write_text(CODE)
    source = torch.nn.Sequential(
        torch.nn.Conv2d(3, 5, 3), torch.nn.ReLU(), torch.nn.Conv2d(5, 7, 3)
    )
    state = {f"trunk.{name}": value for name, value in source.state_dict().items()}
    state["head.weight"] = torch.ones(2)
    torch.save({"a": {"b": state}, "epoch": 3}, tmp_path / "file.pth")
    options = {
        "name": "n", "module": "study_networks:make", "weights": "file.pth",
        "prefix": "trunk.", "folder": tmp_path,
    }  # fmt: skip
    backbone = exam.NetworkSpec(**options, key="a.b").build()
    x = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        expected = source[0]((x - mean()) / std())
        torch.testing.assert_close(backbone(x, ["0"])["0"], expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(WeightsError, match=r"no 'c' of key 'a\.c'"):
        exam.NetworkSpec(**options, key="a.c").build()
    with pytest.raises(WeightsError, match="is int"):
        exam.NetworkSpec(**options, key="epoch").build()


def mean():
    return torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)


def std():
    return torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def test_random_weights_come_from_the_seed(tmp_path):
    (tmp_path / "study_networks.py").write_text(CODE)
    make = {"name": "n", "module": "study_networks:make", "folder": tmp_path}
    hashes = [exam.NetworkSpec(**make, seed=s).build().weights_sha256 for s in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_wrong_study_files_say_what_is_wrong(dataset, tmp_path):
    path = tmp_path / "study.yaml"
    for text, message in (
        ("networks: []", "expected datasets and networks"),
        ("a: [", "not a study file"),
        ("{datasets: [{name: x}], networks: []}", "name and path"),
        ("{datasets: [], networks: [{name: x, colour: red}]}", "unknown colour"),
    ):
        path.write_text(text)
        with pytest.raises(DatasetError, match=message):
            exam.load_study(path)
    with pytest.raises(BackboneError, match="either"):
        exam.NetworkSpec(name="x")
    (tmp_path / "study_networks.py").write_text(CODE)
    for module, message in (
        ("study_networks:number", "returned int"),
        ("study_networks:nothing", "cannot be used"),
    ):
        with pytest.raises(BackboneError, match=message):
            exam.NetworkSpec(name="x", module=module, folder=tmp_path).build()


@pytest.mark.parametrize("metrics", ["[psnr, psnr]", "[{label: nameless}, {resize: half}]"])
def test_metrics_need_names_of_their_own(plan, tmp_path, metrics):
    path = tmp_path / "study.yaml"
    text = path.read_text()
    start, end = text.index("metrics:"), text.index("networks:")
    path.write_text(text[:start] + f"metrics: {metrics}\n" + text[end:])
    with pytest.raises(DatasetError, match=r"study.yaml: every metric needs a name"):
        exam.load_study(path)
