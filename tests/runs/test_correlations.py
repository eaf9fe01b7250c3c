import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from snellen.agreement import Resampling
from snellen.errors import AgreementError
from snellen.runs import correlation_table

QUICK = Resampling(200)


@pytest.fixture
def rows():
    drawn = np.random.default_rng(0).normal(size=(40, 3))
    drawn[:, 1] += 2 * drawn[:, 0]
    return [
        {
            "image": f"{i}.png",
            "blur": x,
            "noise": y,
            "complexity": z,
            "photo": i // 4,
            "error": None,
        }
        for i, (x, y, z) in enumerate(drawn)
    ]


def test_correlations_are_those_of_scipy(rows):
    table = correlation_table(rows, ["blur", "noise", "complexity"], resampling=QUICK)
    assert [(row["first"], row["second"]) for row in table] == [
        ("blur", "blur"), ("blur", "noise"), ("blur", "complexity"),
        ("noise", "noise"), ("noise", "complexity"), ("complexity", "complexity"),
    ]  # fmt: skip
    for row in table:
        x, y = ([one[row[key]] for one in rows] for key in ("first", "second"))
        assert row["srcc"] == pytest.approx(spearmanr(x, y).statistic)
        assert row["low"] <= row["srcc"] <= row["high"]
        assert row["images"] == 40
    assert table[1]["low"] > 0.5
    assert table[2]["low"] < 0 < table[2]["high"]


def test_images_of_one_photograph_are_resampled_together(rows):
    for row in rows:
        row["blur"] = row["photo"] + 1e-6 * row["blur"]
        row["noise"] = row["photo"] % 3 + 1e-6 * row["noise"]
    alone = correlation_table(rows, ["blur", "noise"], resampling=QUICK)[1]
    grouped = correlation_table(rows, ["blur", "noise"], groups="photo", resampling=QUICK)[1]
    assert alone["srcc"] == grouped["srcc"]
    assert grouped["high"] - grouped["low"] > 1.4 * (alone["high"] - alone["low"])


def test_missing_values_leave_out_their_pairs_only(rows):
    rows[0]["blur"], rows[1]["noise"], rows[2]["noise"] = None, "", math.nan
    table = correlation_table(rows, ["blur", "noise", "complexity"], resampling=QUICK)
    assert [row["images"] for row in table] == [39, 37, 39, 38, 38, 40]
    kept = rows[3:]
    expected = spearmanr([r["blur"] for r in kept], [r["noise"] for r in kept]).statistic
    assert table[1]["srcc"] == pytest.approx(expected)


def test_constants_and_few_images_give_no_number(rows):
    for row in rows:
        row["blur"] = 1.0
    table = correlation_table(rows, ["blur", "noise"], resampling=QUICK)
    assert math.isnan(table[1]["srcc"])
    assert math.isnan(correlation_table(rows[:2], ["noise", "complexity"])[1]["srcc"])


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (["blur"], {}, "at least two columns"),
        (["blur", "sharpness"], {}, "No row has a column 'sharpness'; there are image, blur"),
        (["blur", "image"], {}, r"column 'image' holds '0\.png': expected numbers"),
        (["blur", "noise"], {"groups": "content"}, "No row has a column 'content'"),
    ],
)
def test_what_is_no_column_of_numbers_is_named(rows, columns, options, message):
    with pytest.raises(AgreementError, match=message):
        correlation_table(rows, columns, **options)
