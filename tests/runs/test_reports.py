import csv
import json
import re

import pyarrow.parquet
import pytest

from snellen.agreement import Estimate, Resampling
from snellen.datasets import load_dataset
from snellen.errors import TableError
from snellen.runs import bench, report_tables, write_report
from tests.runs.inside import _cell
from tests.runs.rated import write_database

QUICK = Resampling(resamples=50)


@pytest.fixture
def rated(tmp_path, photos):
    return load_dataset("mine", write_database(tmp_path / "data", photos))


@pytest.fixture
def result(rated):
    first = rated.subset(range(12))
    return bench(["psnr", "gmsd"], {"my_data": rated, "50%": first}, resampling=QUICK)


def test_csv_has_the_rows_and_the_rest_lies_beside(result, tmp_path):
    written = write_report(result, tmp_path / "a.csv")
    assert sorted(path.name for path in written) == [
        "a.csv", "a.csv.manifest.json", "a.differences.csv", "a.means.csv",
    ]  # fmt: skip
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = result.table()
    assert len(rows) == len(table) == 2 * 2 * 3
    for read, row in zip(rows, table, strict=True):
        assert (read["metric"], read["dataset"], read["type"]) == (
            row["metric"], row["dataset"], row["type"],
        )  # fmt: skip
        assert float(read["srcc"]) == row["srcc"]
        assert read["srcc_low"] == str(row["srcc_low"] if row["srcc_low"] is not None else "")
    manifest = json.loads((tmp_path / "a.csv.manifest.json").read_text())["manifest"]
    assert [one["metric"] for one in manifest["metrics"]] == ["psnr", "gmsd"]
    with (tmp_path / "a.differences.csv").open(newline="") as file:
        assert [row["dataset"] for row in csv.DictReader(file)] == ["my_data", "50%"]


def test_files_of_an_earlier_run_do_not_contradict_this_one(result, rated, tmp_path):
    write_report(result, tmp_path / "a.csv")
    alone = bench(["psnr"], [rated], resampling=QUICK)
    write_report(alone, tmp_path / "a.csv")
    names = sorted(path.name for path in tmp_path.glob("a*"))
    assert names == ["a.csv", "a.csv.manifest.json"]


def test_parquet_has_the_same_rows_and_the_manifest(result, tmp_path):
    write_report(result, tmp_path / "a.parquet", types=False)
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert [row["srcc"] for row in table.to_pylist()] == [
        row["srcc"] for row in result.table(types=False)
    ]
    assert b'"statistics"' in table.schema.metadata[b"snellen"]
    assert (tmp_path / "a.differences.parquet").exists()


def test_json_holds_everything(result, tmp_path):
    assert write_report(result, tmp_path / "a.json") == [tmp_path / "a.json"]
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["agreement"] == json.loads(json.dumps(result.table()))
    assert document["means"] == result.means()
    assert document["differences"] == result.differences()
    assert document["manifest"]["statistics"]["seed"] == 0
    assert "rows" not in document


def test_markdown_shows_values_intervals_and_protocol(result, tmp_path):
    write_report(result, tmp_path / "a.md")
    text = (tmp_path / "a.md").read_text()
    one = result.agreements["psnr", "my_data"]
    value, low, high = one.srcc
    assert f"| psnr ↑ | 24 | 3 | {value:.3f} [{low:.3f}, {high:.3f}] |" in text
    assert "gmsd ↓" in text
    assert f"| {one.mean_over_types():.3f} |" in text
    assert "resize native" in text
    assert "chromatic" not in text
    assert "curve: logistic with 5 parameters" in text
    widths = {
        title: {line.count("|") for line in part.splitlines() if line.startswith("|")}
        for title, part in (block.split("\n", 1) for block in text.split("## ")[1:-1])
    }
    assert all(len(counts) == 1 for counts in widths.values())
    assert (tmp_path / "a.md.manifest.json").exists()


def test_latex_is_escaped_and_its_rows_are_even(result, tmp_path):
    write_report(result, tmp_path / "a.tex")
    text = (tmp_path / "a.tex").read_text()
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert r"my\_data" in body
    assert r"50\%" in body
    assert not re.search(r"(?<!\\)[_%#$]", body.replace(r"$\uparrow$", "").replace(
        r"$\downarrow$", "").replace(r"$\cdot$", "").replace("$<$", ""))  # fmt: skip
    assert body.count("{") == body.count("}")
    assert body.isascii()
    for table in body.split(r"\begin{tabular}{")[1:]:
        columns = len(table.split("}")[0])
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len(rows) >= 3
        assert {line.count("&") + 1 for line in rows} == {columns}


def test_the_signs_of_differences_are_those_of_the_rows(rated):
    result = bench(["psnr", "gmsd", "mdsi"], [rated], resampling=QUICK)
    (matrix,) = (rows for title, rows in report_tables(result).items() if "Differences" in title)
    cells = {(row["metric"], column): row[column] for row in matrix for column in row}
    for row in result.differences():
        first, second = row["first"], row["second"]
        better = row["difference"] > 0
        expected = "·" if row["significant"] == "no" else "+" if better else "-"
        assert cells[first, second] == expected
        assert cells[second, first] == expected.translate(str.maketrans("+-", "-+"))
        assert cells[first, first] == ""


def test_failures_and_odd_curves_are_said(tmp_path, photos):
    small = load_dataset("s", write_database(tmp_path / "d", [p[..., :64, :64] for p in photos]))
    result = bench(["psnr", "ms-ssim"], [small], resampling=QUICK)
    pooled, by_type, *_ = report_tables(result).values()
    notes = {row["metric"]: row["note"] for row in pooled}
    assert "24 failed" in notes["ms-ssim ↑"]
    assert pooled[1]["SRCC"] == "-"
    assert {row["ms-ssim ↑"] for row in by_type} == {"-"}
    fit = result.agreements["psnr", "s"].fit
    assert ("not monotone" in notes["psnr ↑"]) == (not fit.monotone)


@pytest.mark.parametrize(
    ("estimate", "statistic", "text"),
    [
        (Estimate(-0.0004, -0.2, 0.2), "srcc", "0.000 [-0.200, 0.200]"),
        (Estimate(0.71, 0.6, 12.34), "rmse", "0.710 [0.600, 12.3]"),
        (Estimate(123.4), "rmse", "123"),
        (Estimate(float("nan")), "srcc", "-"),
    ],
)
def test_numbers_are_rounded_alike(estimate, statistic, text):
    assert _cell(estimate, statistic) == text


def test_an_unknown_suffix_is_refused_before_anything_is_written(result, tmp_path):
    with pytest.raises(TableError, match=r"\.csv, \.json, \.parquet, \.md, \.tex"):
        write_report(result, tmp_path / "a.xlsx")
    assert not list(tmp_path.glob("a*"))
