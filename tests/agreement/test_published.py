"""Numbers that others published from the same per-image scores."""

import numpy as np
import pytest

from snellen.agreement import (
    agree,
    fit_logistic,
    krcc,
    plcc,
    srcc,
    two_afc_score,
    two_afc_values,
)
from tests.agreement.published import live, tid2013


def lower_better(column, mos, higher_better):
    """Which way a published column runs; the files do not say, the tables drop the sign."""
    return srcc(column, mos, higher_better=higher_better) < 0


# Rows of pyiqa's FR_benchmark_results.csv: raw PLCC, SRCC, KRCC.
@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("psnr", (0.6601, 0.6869, 0.4958)),
        ("msssim", (0.7819, 0.7859, 0.6048)),
        ("fsim", (0.8322, 0.8509, 0.6665)),
        ("dists", (0.7538, 0.7077, 0.5212)),
    ],
)
def test_tid2013(shared, metric, expected):
    columns = tid2013(shared)
    x, y = columns[metric], columns["mos"]
    down = lower_better(x, y, True)
    found = [correlation(x, y, lower_better=down) for correlation in (plcc, srcc, krcc)]
    np.testing.assert_allclose(found, expected, atol=5.1e-5)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("psnr", (0.8435, 0.8730, 0.6801)),
        ("msssim", (0.7668, 0.9508, 0.8034)),
        ("fsim", (0.8598, 0.9646, 0.8366)),
        ("dists", (0.9115, 0.9477, 0.7927)),
    ],
)
def test_live(shared, metric, expected):
    columns = live(shared)
    x, y = columns[metric], columns["mos"]
    down = lower_better(x, y, False)
    found = [
        correlation(x, y, lower_better=down, higher_better=False)
        for correlation in (plcc, srcc, krcc)
    ]
    np.testing.assert_allclose(found, expected, atol=5.1e-5)


def test_directions_are_what_the_metrics_say(shared):
    for columns, higher_better in ((tid2013(shared), True), (live(shared), False)):
        for metric in ("psnr", "dists"):
            agreed = srcc(
                columns[metric] if metric == "psnr" else -columns[metric],
                columns["mos"],
                higher_better=higher_better,
            )
            assert abs(agreed) > 0.6


def test_vsi_paper_after_the_curve(shared):
    """Zhang, Shen, Li, TIP 2014: FSIMc has PLCC .8769 and RMSE .5959 on TID2013."""
    columns = tid2013(shared)
    fit = fit_logistic(columns["fsim"], columns["mos"])
    assert fit.plcc == pytest.approx(0.8769, abs=2e-4)
    assert fit.rmse == pytest.approx(0.5959, abs=3e-4)


BAPPS = {
    "traditional": 77.5,
    "cnn": 82.9,
    "superres": 71.2,
    "deblur": 61.0,
    "color": 65.2,
    "frameinterp": 62.4,
}


@pytest.mark.parametrize(("kind", "percent"), BAPPS.items())
def test_bapps_two_afc(shared, kind, percent):
    with np.load(shared / "scores" / "bapps_val_2afc_lpips_distances.npz") as data:
        human = data[f"{kind}/judge_p1"]
        for metric in ("alex_vanilla", "alex_shift_tolerant", "vgg_vanilla", "vgg_shift_tolerant"):
            d0, d1 = data[f"{kind}/{metric}/d0"], data[f"{kind}/{metric}/d1"]
            score = two_afc_score(d0, d1, human)
            assert score == pytest.approx(float(data[f"{kind}/{metric}/score2afc"]), abs=1e-6)
            if metric == "alex_vanilla":
                assert round(100 * score, 1) == percent
        assert two_afc_values(d0, d1, human).mean() == pytest.approx(score)


def test_types_of_live(shared):
    columns = live(shared)
    down = lower_better(columns["fsim"], columns["mos"], False)
    found = agree(
        columns["fsim"],
        columns["mos"],
        lower_better=down,
        higher_better=False,
        groups=columns["ref"],
        types=columns["type"],
    )
    assert (found.size, found.contents, len(found.by_type)) == (779, 29, 5)
    for kind, one in found.by_type.items():
        chosen = columns["type"] == kind
        direct = srcc(
            columns["fsim"][chosen], columns["mos"][chosen], lower_better=down, higher_better=False
        )
        assert one.srcc.value == pytest.approx(direct)
        assert one.srcc.low < one.srcc.value < one.srcc.high
    mean = np.mean([one.srcc.value for one in found.by_type.values()])
    assert found.mean_over_types() == pytest.approx(mean)
