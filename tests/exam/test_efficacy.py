"""The efficacy exam: sets of channels against people, with planted answers."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import nn

from snellen import create_metric
from snellen.agreement import RankAgreement, Resampling, srcc
from snellen.backbones import create_backbone
from snellen.errors import BackboneError, MetricError
from snellen.exam import TuningStimuli, efficacy, efficacy_images
from snellen.images import read_image
from snellen.metrics import Protocol, load_channel_weights, save_channel_weights
from snellen.vision import Viewing
from tests.exam.inside import ChannelEfficacy, ExamRun, activity, respond, set_agreements

STIMULI = TuningStimuli(
    viewing=Viewing(8), ring_frequencies=(0.5, 1, 2, 4), bar_frequency=1.0, bar_step=30, phases=3,
    size=16,
)  # fmt: skip
HOW = Resampling(resamples=40)
CONTROLS = {"H", "L", "H-normalized", "top-activation", "top-variance", "random"}


class Filters(nn.Module):
    """Sixteen random filters, and again: two layers of features that are never negative."""

    def __init__(self):
        super().__init__()
        self.conv1, self.act1 = nn.Conv2d(3, 16, 5, padding=2), nn.ReLU()
        self.conv2, self.act2 = nn.Conv2d(16, 8, 3, padding=1), nn.ReLU()

    def forward(self, x):
        return self.act2(self.conv2(self.act1(self.conv1(x))))


@pytest.fixture
def filters():
    torch.manual_seed(1)
    return create_backbone(Filters(), name="filters")


@pytest.fixture
def found(filters, dataset):
    return efficacy(
        filters, ["act1", "act2"], dataset, x=(25, 50), stimuli=STIMULI, draws=20, resampling=HOW
    )


def test_every_set_is_reported_beside_its_controls(found):
    layers = {row["layer"] for row in found.rows}
    assert layers == {"act1", "act2", "mean of layers"}
    own = [row for row in found.rows if row["layer"] == "act1"]
    assert {row["set"] for row in own if row["x"] is None} == {"F", "soft"}
    for x in (25, 50):
        assert {row["set"] for row in own if row["x"] == x} == CONTROLS
    sizes = {row["set"]: row["channels"] for row in own if row["x"] == 25}
    assert {sizes[name] for name in CONTROLS - {"L"}} == {4}
    for row in own:
        assert row["srcc_low"] <= row["srcc_high"]
    pairs = {(row["first"], row["second"]) for row in found.differences}
    assert {("H", "F"), ("H", "random"), ("H", "top-activation"), ("soft", "F")} <= pairs


def test_rows_are_the_correlations_of_eq_1(found, filters, dataset):
    answers = respond(
        filters, dataset, ["act1"], {}, protocol=Protocol(), by_channel=True, run=ExamRun()
    )
    by_channel, own = answers.channels["act1"], found.channels["act1"]

    def agreement(distances):
        return srcc(distances, dataset.score, lower_better=True)

    rows = {(row["set"], row["x"]): row for row in found.rows if row["layer"] == "act1"}
    assert rows["F", None]["srcc"] == pytest.approx(agreement(by_channel.mean(1)))
    best = np.argsort(-own.efficacy)[:4]
    assert rows["H", 25]["srcc"] == pytest.approx(agreement(by_channel[:, best].mean(1)))
    worst = np.argsort(own.efficacy)[:4]
    assert rows["L", 25]["srcc"] == pytest.approx(agreement(by_channel[:, worst].mean(1)))
    active = np.argsort(-own.activation)[:4]
    top = agreement(by_channel[:, active].mean(1))
    assert rows["top-activation", 25]["srcc"] == pytest.approx(top)
    soft = agreement(by_channel @ own.efficacy)
    assert rows["soft", None]["srcc"] == pytest.approx(soft)
    difference = next(
        row for row in found.differences
        if (row["layer"], row["x"], row["first"], row["second"]) == ("act1", 25, "H", "F")
    )  # fmt: skip
    expected = rows["H", 25]["srcc"] - rows["F", None]["srcc"]
    assert difference["difference"] == pytest.approx(expected)
    assert difference["low"] <= difference["high"]


def test_the_mean_of_layers_is_one(found):
    def value(layer):
        wanted = (layer, 50, "H", "top-variance")
        return next(
            row["difference"] for row in found.differences
            if (row["layer"], row["x"], row["first"], row["second"]) == wanted
        )  # fmt: skip

    assert value("mean of layers") == pytest.approx((value("act1") + value("act2")) / 2)


def test_a_planted_efficacy_beats_its_controls():
    """Four of forty channels follow the scores; efficacy knows them, activation does not."""
    rng = np.random.default_rng(2)
    contents = np.repeat([f"c{i}" for i in range(8)], 10)
    quality = rng.normal(size=80)
    by_channel = rng.gamma(2, 1, (80, 40))
    by_channel[:, :4] = np.exp(-quality)[:, None] * rng.gamma(60, 1 / 60, (80, 4))
    known = np.r_[np.full(4, 10.0), rng.random(36)]
    activation = rng.random(40)
    activation[:4] = 0
    layer = ChannelEfficacy("l", "mean", known, known, known, known, activation, activation)
    ranks = RankAgreement(quality, contents, HOW)
    found = set_agreements(layer, by_channel, ranks, [10.0], draws=50, seed=0)
    assert found["H", 10.0].value > 0.95
    assert found["H", 10.0].value > found["F", None].value + 0.2
    assert found["random", 10.0].value < 0.6
    assert found["top-activation", 10.0].value < 0.4
    low, high = np.quantile(found["random", 10.0].values, [0.025, 0.975])
    assert low < found["random", 10.0].value < high
    assert ranks.estimate(
        found["H", 10.0].value - found["random", 10.0].value,
        found["H", 10.0].draws - found["random", 10.0].draws,
    ).low > 0  # fmt: skip


def test_activity_is_that_of_the_references(filters, dataset):
    found = activity(filters, dataset, ["act1"], protocol=Protocol(), run=ExamRun())["act1"]
    paths = sorted(set(dataset.reference))
    features = filters(torch.stack([read_image(path) for path in paths]))["act1"]
    flat = features.transpose(0, 1).flatten(1)
    np.testing.assert_allclose(found.mean, flat.mean(1), rtol=1e-5)
    np.testing.assert_allclose(found.variance, flat.var(1, correction=0), rtol=1e-4, atol=1e-9)


def test_weights_serve_a_metric(found, filters, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_channel_weights(path, {one.layer: one.weights for one in found.weights()})
    weights = load_channel_weights(path)
    assert list(weights) == ["act1", "act2"]
    own = {"act1": weights["act1"]}
    metric = create_metric(
        "euclidean-gabor", backbone=filters, layer="act1", readout="squared", channel_weights=own
    )
    x, y = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    f, g = filters(x)["act1"], filters(y)["act1"]
    share = torch.tensor(found.channels["act1"].efficacy).float()
    expected = ((f - g).square().mean((2, 3)) @ share) / share.sum()
    torch.testing.assert_close(metric(x, y), expected, rtol=1e-4, atol=1e-7)


def test_progress_and_resuming(filters, dataset, tmp_path, monkeypatch):
    told = []
    options = {"x": [50], "stimuli": STIMULI, "draws": 5, "resampling": HOW}
    first = efficacy(filters, "act1", dataset, checkpoint=tmp_path, progress=told.append, **options)
    assert sum(told) == efficacy_images(dataset, STIMULI)
    calls = []
    stream = filters.stream

    def count(images, layers):
        calls.append(len(images))
        return stream(images, layers)

    monkeypatch.setattr(filters, "stream", count)
    again = efficacy(filters, "act1", dataset, checkpoint=tmp_path, **options)
    assert sum(calls) <= 1  # a probe that asks for the order of the layers
    assert again.rows == first.rows
    assert "mean of layers" not in {row["layer"] for row in first.rows}


def test_tables_and_manifest(found):
    assert found.to_table().num_rows == len(found.rows)
    assert found.channel_table().num_rows == 24
    assert found.difference_table().column("difference").null_count == 0
    manifest = json.loads(json.dumps(found.manifest(), default=str))
    assert manifest["exam"] == "efficacy"
    assert manifest["stimuli"]["size"] == 16


def test_gain_counts_in_efficacy_but_not_without_it(filters, dataset):
    """A channel made ten times louder changes its efficacy a thousandfold, its shape not."""
    options = {"x": [50], "stimuli": STIMULI, "draws": 2, "resampling": Resampling(resamples=0)}
    before = efficacy(filters, "act1", dataset, **options).channels["act1"]
    loud = Filters()
    torch.manual_seed(1)
    loud = Filters()
    with torch.no_grad():
        loud.conv1.weight[3] *= 10
        loud.conv1.bias[3] *= 10
    after = efficacy(create_backbone(loud, name="loud"), "act1", dataset, **options)
    own = after.channels["act1"]
    raised = own.mu1[3] * own.mu2[3] / (before.mu1[3] * before.mu2[3])
    assert raised == pytest.approx(1000, rel=1e-3)
    np.testing.assert_allclose(own.normalized, before.normalized, rtol=1e-3)


def test_wrong_questions_are_refused(filters, dataset):
    with pytest.raises(MetricError, match="above 0 and below 100"):
        efficacy(filters, "act1", dataset, x=[0], stimuli=STIMULI)
    with pytest.raises(MetricError, match="at least one draw"):
        efficacy(filters, "act1", dataset, draws=0, stimuli=STIMULI)
    with pytest.raises(BackboneError, match="nowhere"):
        efficacy(filters, "nowhere", dataset, stimuli=STIMULI)
    with pytest.raises(MetricError, match="resize"):
        efficacy(filters, "act1", dataset, stimuli=STIMULI, resize="quarter")
    assert dataclasses.replace(STIMULI, phases=6).published_images == 1 + 24 + 7
