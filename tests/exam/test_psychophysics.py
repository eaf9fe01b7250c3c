import math

import numpy as np
import pytest
import torch

from snellen import create_metric
from snellen.errors import ImageError, MetricError
from snellen.exam import masking, metric_csf
from snellen.vision import HUMAN_CSF, AliasingWarning, Grating, Viewing
from tests.exam.inside import Observer, anchor_grating

# 60 pixels at 60 per degree: whole cycles of every whole frequency.
SMALL = Grating(4.0, contrast=0.0, size=60)


def test_psnr_is_flat_at_its_closed_form():
    """A grating of whole cycles has mean square (mean * contrast)^2 / 2, whatever its frequency."""
    decibels = 40.0
    found = metric_csf(
        "psnr", [1.0, 4.0, 15.0], [0.0, 90.0], stimulus=SMALL, phases=3, criterion=-decibels,
        multiple=1.0,
    )  # fmt: skip
    expected = math.sqrt(2 * 10 ** (-decibels / 10)) / 0.5
    assert len(found.rows) == 6
    for row in found.rows:
        assert row["status"] == "found"
        assert row["monotone"]
        assert row["threshold"] == pytest.approx(expected, rel=0.005)
        assert row["threshold_code"] == pytest.approx(row["threshold"])
        assert row["sensitivity"] == pytest.approx(1 / row["threshold_cones"])
    assert found.agreement()["pearson"] is None  # a flat curve correlates with nothing
    assert found.anchor is None


def test_psnr_of_colour_counts_the_three_channels():
    color = metric_csf(
        "psnr", [4.0], colors=["red-green"], stimulus=SMALL, phases=3, criterion=-40, multiple=1
    )
    power = np.square(Grating(4.0, color="red-green").direction).mean()
    expected = math.sqrt(2 * 1e-4 / power) / 0.5
    assert color.rows[0]["threshold"] == pytest.approx(expected, rel=0.005)


def test_at_the_anchor_people_and_metric_agree_by_construction():
    anchor = anchor_grating(SMALL, multiple=10.0)
    sensitivity = HUMAN_CSF.sensitivity(anchor.frequency, area=1.0)
    assert anchor.contrasts()["luminance"] == pytest.approx(10 / sensitivity, rel=1e-6)
    grid = np.geomspace(0.3, 30, 500)
    assert sensitivity == pytest.approx(HUMAN_CSF.sensitivity(grid, area=1.0).max(), rel=1e-3)
    found = metric_csf("psnr", [anchor.frequency], stimulus=SMALL)
    row = found.rows[0]
    assert row["sensitivity"] == pytest.approx(row["human_sensitivity"], rel=0.01)
    assert found.criterion == pytest.approx(
        float(Observer(create_metric("psnr")).distance(anchor, [anchor.contrast], None)[0])
    )


def test_the_embedded_network_sees_its_bands_best():
    """Bands of `gabor` at 60 pixels per degree: 15, 7.5, 3.75 and 1.875 cycles per degree."""
    metric = create_metric("euclidean-gabor", layers=["energy1"])
    found = metric_csf(metric, [3.75, 7.5, 15.0, 25.0], stimulus=Grating(4.0, size=64), phases=2)
    by_frequency = {row["frequency"]: row["sensitivity"] for row in found.rows}
    assert max(by_frequency, key=by_frequency.get) == 15.0
    assert by_frequency[7.5] > by_frequency[3.75]


def test_distances_do_not_depend_on_the_direction_of_the_metric():
    class Reversed(torch.nn.Module):
        """A metric of which higher is better: 1 - mean square."""

        lower_better = False

        def prepare(self, image):
            return image

        def forward(self, x, y):
            return 1 - (x - y).square().mean((1, 2, 3))

    observer = Observer(Reversed(), phases=3)
    distances = observer.distance(SMALL, [0.1, 0.2], None)
    assert distances[1] > distances[0]
    assert distances + 1 == pytest.approx([0.05**2 / 2, 0.1**2 / 2], rel=1e-2)


def test_a_mask_leaves_psnr_alone():
    found = masking("psnr", [0.1, 0.5], target=SMALL, phases=2)
    assert [row["mask_contrast"] for row in found.rows] == [0.0, 0.1, 0.5]
    assert [row["relative_threshold"] for row in found.rows] == pytest.approx([1, 1, 1], rel=0.01)
    assert found.to_table().num_rows == 3


def test_divisive_normalization_masks():
    metric = create_metric("euclidean-gabor", layers=["complex1"])
    found = masking(
        metric, [0.1, 0.6], target=Grating(15.0, contrast=0.0, size=64), phases=2,
        mask_orientation=90.0,
    )  # fmt: skip
    thresholds = [row["threshold"] for row in found.rows]
    assert thresholds[2] > thresholds[1] > thresholds[0]


def test_masks_leave_room():
    with pytest.raises(ImageError, match="no room for a target"):
        masking("psnr", [1.0], target=SMALL, phases=1)


def test_all_or_none_distances_have_no_thresholds():
    """The cosine of nothing and something is the same at any contrast."""
    found = metric_csf("dfb-gabor", [4.0], stimulus=Grating(4.0, size=64), phases=1)
    assert found.rows[0]["status"] in ("jump", "below")
    assert found.rows[0]["sensitivity"] is None
    assert found.agreement() == {"n": 0, "pearson": None, "rms": None, "rms_shape": None}


def test_agreement_on_a_known_curve():
    found = metric_csf("psnr", [2.0, 4.0, 8.0], stimulus=SMALL, phases=1)
    for row, factor in zip(found.rows, (2.0, 2.0, 2.0), strict=True):
        row["sensitivity"] = factor * row["human_sensitivity"]
    agreement = found.agreement()
    assert agreement["pearson"] == pytest.approx(1)
    assert agreement["rms"] == pytest.approx(math.log10(2))
    assert agreement["rms_shape"] == pytest.approx(0, abs=1e-9)
    assert agreement["n"] == 3


def test_oblique_effect_is_a_ratio_of_geometric_means():
    found = metric_csf("psnr", [4.0], [0.0, 45.0, 90.0, 135.0], stimulus=SMALL, phases=1)
    for row in found.rows:
        row["sensitivity"] = {0: 8.0, 90: 2.0, 45: 1.0, 135: 4.0}[row["orientation"]]
    assert found.oblique_effect() == [{"frequency": 4.0, "ratio": pytest.approx(0.5)}]
    assert found.oblique_effect("red-green") == []


def test_manifest_and_table():
    counted = []
    found = metric_csf("psnr", [4.0], [None], stimulus=SMALL, phases=1, progress=counted.append)
    assert counted == [1]
    assert found.rows[0]["orientation"] is None
    table = found.to_table()
    assert str(table.schema.field("orientation").type) == "double"
    assert str(table.schema.field("monotone").type) == "bool"
    manifest = found.manifest()
    assert manifest["metric"]["metric"] == "psnr"
    assert manifest["anchor"]["viewing"] == {"pixels_per_degree": 60.0}
    assert manifest["multiple"] == 10.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frequencies": []}, "at least one frequency"),
        ({"colors": ["green"]}, "color must be one of"),
        ({"human": "tariq"}, "shape without thresholds"),
        ({"human": "daly"}, "no contrast sensitivity curve"),
        ({"multiple": 1e4}, "cannot be shown"),
    ],
)
def test_bad_questions(options, message):
    with pytest.raises(MetricError, match=message):
        metric_csf("psnr", **{"frequencies": [4.0], "stimulus": SMALL, "phases": 1, **options})


def test_relative_curves_serve_beside_a_given_criterion():
    found = metric_csf("psnr", [4.0], stimulus=SMALL, criterion=-40, human="tariq", phases=1)
    assert found.rows[0]["human_sensitivity"] == pytest.approx(0.32, abs=0.01)


def test_aliased_questions_warn():
    coarse = Grating(4.0, contrast=0.0, size=32, viewing=Viewing(20))
    with pytest.warns(AliasingWarning, match="limit is 10"):
        metric_csf("psnr", [12.0], stimulus=coarse, phases=1)
