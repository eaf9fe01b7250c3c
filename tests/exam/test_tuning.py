"""The tuning exam, against the closed form of the embedded network and small made-up ones."""

import dataclasses
import json

import numpy as np
import pyarrow.parquet
import pytest
import torch
from torch import nn

from snellen.backbones import GaborBank, create_backbone
from snellen.errors import BackboneError, ImageError, MetricError
from snellen.exam import TuningStimuli, tuning
from snellen.vision import Viewing, find_csf
from tests.exam.inside import (
    ExamRun,
    Look,
    fit_contrast_response,
    frequency_sensitivity,
    orientation_sensitivity,
    perceptual_efficacy,
    present,
)

LAYERS = ("simple1", "energy2", "complex2")
SIZE = 128
SMALL = TuningStimuli(
    viewing=Viewing(8),
    ring_frequencies=(0.5, 1, 2, 4),
    bar_frequency=1.0,
    bar_step=30,
    frequencies=(0.5, 1, 2),
    orientations=(0, 45, 90, 135),
    contrasts=(0.25, 0.5, 1),
    phases=3,
    size=16,
)


@pytest.fixture(scope="module")
def gabor_exam():
    """The bank at a contrast at which normalization is nearly linear; a few frequencies only."""
    stimuli = TuningStimuli(
        contrast=0.02,
        contrasts=(0.05, 0.1, 0.2, 0.4, 0.8),
        ring_frequencies=(2, 4, 8, 16),
        frequencies=tuple(30 * 2 ** (-k / 3) for k in range(8, 0, -1)),
        orientations=tuple(range(0, 180, 15)),
        bar_frequency=7.5,
        bar_step=15,
        phases=3,
        size=SIZE,
    )
    backbone = create_backbone("gabor")
    return tuning(backbone, LAYERS, stimuli=stimuli, center=0.5)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_bank_is_tuned_as_its_closed_form(gabor_exam, layer):
    bank = GaborBank()
    rows = gabor_exam.of_layer(layer)
    known = bank.channels(layer)
    assert len(rows) == len(known)
    grey = [(row, one) for row, one in zip(rows, known, strict=True) if one.plane == "luminance"]
    for row, one in grey:
        error = row["preferred_orientation"] - np.rad2deg(one.orientation)
        assert abs((error + 90) % 180 - 90) < 0.5
        assert row["preferred_frequency"] / 60 == pytest.approx(one.frequency, rel=0.035)
        assert row["bandwidth_octaves"] == pytest.approx(one.bandwidth, abs=0.06)
        assert row["orientation_half_width"] == pytest.approx(np.rad2deg(one.half_width), abs=0.9)
        assert row["osi"] > 0.99
    for row, one in zip(rows, known, strict=True):
        assert row["color_preference"] == one.plane.replace("luminance", "achromatic")
        assert row["reading"] == ("modulation" if layer.startswith("simple") else "mean")
        assert not row["dead"]


def test_phase_matters_to_simple_cells_only(gabor_exam):
    for layer, wanted in (("simple1", 1.0), ("energy2", 0.0), ("complex2", 0.0)):
        found = [row["phase_modulation"] for row in gabor_exam.of_layer(layer)[:6]]
        np.testing.assert_allclose(found, wanted, atol=0.02)


@pytest.mark.parametrize("layer", ["energy2", "complex2"])
def test_curves_are_those_of_the_closed_form(gabor_exam, layer):
    bank, stimuli = GaborBank(), gabor_exam.stimuli
    curves = gabor_exam.curves[layer]
    peak = np.argmin(np.abs(np.array(stimuli.frequencies) - 7.5))
    best = stimuli.frequencies[peak] / 60
    frequencies = np.array(stimuli.frequencies) / 60
    over_frequency = bank.tuning(layer, frequencies, 0.0, stimuli.contrast)[:, 0]
    np.testing.assert_allclose(curves.frequency[0], over_frequency, rtol=0.03, atol=1e-4)
    angles = np.deg2rad(stimuli.orientations)
    over_angle = bank.tuning(layer, best, angles, stimuli.contrast)[:, 0]
    np.testing.assert_allclose(curves.orientation[0], over_angle, rtol=0.03, atol=1e-4)
    over_contrast = bank.tuning(layer, best, 0.0, np.array(stimuli.contrasts))[:, 0]
    np.testing.assert_allclose(curves.contrast[0], over_contrast, rtol=0.03, atol=1e-4)
    fit = fit_contrast_response(over_contrast[None], stimuli.contrasts)
    row = gabor_exam.of_layer(layer)[0]
    assert row["contrast_exponent"] == pytest.approx(fit.exponent[0], rel=0.05)
    assert row["contrast_half"] == pytest.approx(fit.half[0], rel=0.03)
    assert np.isnan(row["contrast_c50"]) == (layer == "energy2")


def test_colour_channels_are_tuned_to_gratings_of_their_colour():
    stimuli = dataclasses.replace(
        SMALL,
        viewing=Viewing(60),
        frequencies=tuple(30 * 2 ** (-k / 3) for k in range(9, 0, -1)),
        orientations=tuple(range(0, 180, 15)),
        contrast=0.02,
        color="red-green",
        size=96,
    )
    found = tuning(create_backbone("gabor"), "energy2", stimuli=stimuli, center=0.5)
    for row, one in zip(found.rows, GaborBank().channels("energy2"), strict=True):
        if one.plane == "red-green":
            assert row["preferred_frequency"] / 60 == pytest.approx(one.frequency, rel=0.04)
            error = row["preferred_orientation"] - np.rad2deg(one.orientation)
            assert abs((error + 90) % 180 - 90) < 0.5
        else:
            assert np.isnan(row["preferred_frequency"])


def test_efficacy_follows_from_the_curves(gabor_exam):
    curves, stimuli = gabor_exam.curves["energy2"], gabor_exam.stimuli
    mu1 = frequency_sensitivity(curves.rings, stimuli.ring_frequencies, find_csf("tariq"))
    mu2 = orientation_sensitivity(curves.bars)
    rows = gabor_exam.of_layer("energy2")
    np.testing.assert_allclose([row["mu1"] for row in rows], mu1)
    np.testing.assert_allclose([row["mu2"] for row in rows], mu2)
    np.testing.assert_allclose([row["efficacy"] for row in rows], perceptual_efficacy(mu1, mu2))


class Odd(nn.Module):
    """A channel that passes red on, one that is dead, one that falls with what it sees."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            self.mix.weight.copy_(
                torch.tensor([[1.0, 0, 0], [0, 0, 0], [-1.0, 0, 0]])[..., None, None]
            )
            self.mix.bias.copy_(torch.tensor([0.0, 0.7, 1.0]))
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.mix(x))


@pytest.fixture
def odd():
    return create_backbone(Odd(), name="odd")


def test_dead_channels_are_flagged_and_say_nothing(odd):
    found = tuning(odd, "act", stimuli=SMALL)
    assert [row["dead"] for row in found.rows] == [False, True, False]
    dead = found.rows[1]
    assert np.isnan([dead["preferred_frequency"], dead["osi"], dead["phase_modulation"]]).all()
    assert dead["color_preference"] == "none"
    assert dead["blank"] == pytest.approx(0.7)
    assert dead["efficacy"] == 0


def test_responses_are_means_over_positions_and_phases(odd):
    seen = present(odd, ["act"], [SMALL.grid], Look(center=0.5), ExamRun())["act"]["grid"]
    grating = SMALL.grid.gratings[4]
    images = torch.stack([one.render() for one in grating.phases(3)])
    features = odd(images)["act"][..., 4:12, 4:12]
    np.testing.assert_allclose(seen.mean[1, 0], features.mean((0, 2, 3)), rtol=1e-5)
    expected = features.transpose(0, 1).flatten(1).var(1, correction=0)
    np.testing.assert_allclose(seen.variance[1, 0], expected, rtol=1e-4, atol=1e-9)
    unit = odd(images)["act"][:, 0, 8, 8].numpy()
    np.testing.assert_allclose(seen.f0[1, 0, 0], unit.mean(), rtol=1e-5)
    wave = np.exp(-2j * np.pi * np.arange(3) / 3)
    np.testing.assert_allclose(seen.f1[1, 0, 0], abs(2 * (unit @ wave) / 3), rtol=1e-4)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_the_batch_does_not_matter(odd, batch):
    one = tuning(odd, "act", stimuli=SMALL, batch=batch)
    other = tuning(odd, "act", stimuli=SMALL)
    np.testing.assert_allclose(one.curves["act"].rings, other.curves["act"].rings, rtol=1e-6)


def test_an_exam_that_was_cut_off_goes_on(odd, tmp_path, monkeypatch):
    done = []

    def stop(count):
        done.append(count)
        if sum(done) > SMALL.published_images:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuning(odd, "act", stimuli=SMALL, checkpoint=tmp_path, progress=stop)
    calls = []
    stream = odd.stream

    def count(images, layers):
        calls.append(len(images))
        return stream(images, layers)

    monkeypatch.setattr(odd, "stream", count)
    again, told = [], []
    again = tuning(odd, "act", stimuli=SMALL, checkpoint=tmp_path, progress=told.append)
    assert sum(calls) == SMALL.images - SMALL.published_images
    assert sum(told) == SMALL.images
    whole = tuning(odd, "act", stimuli=SMALL)
    np.testing.assert_array_equal(again.curves["act"].rings, whole.curves["act"].rings)
    assert str(again.rows) == str(whole.rows)
    calls.clear()
    tuning(odd, "act", stimuli=dataclasses.replace(SMALL, mean=0.4), checkpoint=tmp_path)
    assert sum(calls) == SMALL.images


def test_tables_hold_rows_and_curves(odd, tmp_path):
    found = tuning(odd, "act", stimuli=SMALL)
    path = tmp_path / "tuning.parquet"
    pyarrow.parquet.write_table(found.to_table(), path)
    table = pyarrow.parquet.read_table(path)
    assert table.column("channel").to_pylist() == [0, 1, 2]
    curves = found.curve_table()
    assert len(curves.column("rings")[0]) == 4
    assert len(curves.column("bars")[0]) == 7
    manifest = json.loads(json.dumps(found.manifest(), default=str))
    assert manifest["stimuli"]["size"] == 16
    assert manifest["csf"] == "tariq"


def test_frequencies_follow_the_viewing_geometry():
    assert TuningStimuli(viewing=Viewing(20)).ring_frequencies[-1] == 10
    assert TuningStimuli().ring_frequencies[0] == pytest.approx(0.1)
    assert max(TuningStimuli(viewing=Viewing(20)).frequencies) < 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"orientations": (0, 45, 90, 135, 180)}, "evenly spaced over 180"),
        ({"frequencies": (2, 1, 4)}, "frequencies must be"),
        ({"contrasts": (0.5, 1)}, "at least 3"),
        ({"phases": 2}, "at least 3 phases"),
        ({"bar_step": 0}, "bar_step"),
    ],
)
def test_wrong_stimuli_are_refused(options, message):
    with pytest.raises(ImageError, match=message):
        TuningStimuli(**options)


def test_wrong_questions_are_refused(odd):
    with pytest.raises(BackboneError, match="nowhere"):
        tuning(odd, "nowhere", stimuli=SMALL)
    with pytest.raises(BackboneError, match="0 < center"):
        tuning(odd, "act", stimuli=SMALL, center=0)
    with pytest.raises(BackboneError, match="expected one of auto"):
        tuning(odd, "act", stimuli=SMALL, reading="median")
    with pytest.raises(MetricError, match="contrast sensitivity"):
        tuning(odd, "act", stimuli=SMALL, csf="owl")
    with pytest.raises(BackboneError, match="has no layer"):
        tuning(odd, "act", stimuli=SMALL).of_layer("mix")
