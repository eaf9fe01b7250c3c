import csv
import json
import math

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.runs import FORMATS, TableError, format_of, write_table
from tests.runs.inside import tables_module as tables

ROWS = [
    {"distorted": "a,b.png", "width": 3, "dfb": 0.1, "error": None},
    {"distorted": "ü\n.png", "width": None, "dfb": None, "error": 'said "no"'},
    {"distorted": "c.png", "width": 5, "dfb": math.inf, "error": None},
]


def test_csv_reads_back(tmp_path):
    path = tmp_path / "deep" / "o.csv"
    write_table(path, ROWS, "csv", {"metric": "dfb"})
    with path.open(newline="") as file:
        back = list(csv.DictReader(file))
    assert [row["distorted"] for row in back] == [row["distorted"] for row in ROWS]
    assert float(back[0]["dfb"]) == 0.1
    assert back[1]["dfb"] == ""
    side = json.loads((tmp_path / "deep" / "o.csv.manifest.json").read_text())
    assert side == {"schema": tables.SCHEMA_VERSION, "manifest": {"metric": "dfb"}}


def test_json_holds_the_manifest_and_no_infinities(tmp_path):
    path = tmp_path / "o.json"
    write_table(path, ROWS, "json", [1])
    document = json.loads(path.read_text(), parse_constant=lambda c: pytest.fail(c))
    assert document["manifest"] == [1]
    assert document["rows"][0] == ROWS[0]
    assert document["rows"][2]["dfb"] is None


def test_json_lines_are_one_object_a_line(tmp_path):
    path = tmp_path / "o.jsonl"
    write_table(path, ROWS, "jsonl", None)
    assert [json.loads(line)["distorted"] for line in path.read_text().splitlines()] == [
        row["distorted"] for row in ROWS
    ]


def test_parquet_keeps_types_nulls_and_manifest(tmp_path):
    path = tmp_path / "o.parquet"
    write_table(path, ROWS, "parquet", {"x": 1})
    table = pyarrow.parquet.read_table(path)
    assert table.to_pylist() == ROWS
    assert str(table.schema.field("width").type) == "int64"
    assert json.loads(table.schema.metadata[b"snellen"])["manifest"] == {"x": 1}


@given(st.lists(st.floats(allow_nan=False) | st.none(), min_size=1, max_size=5))
def test_parquet_takes_any_column_of_numbers(values):
    rows = [{"a": value} for value in values]
    table = pyarrow.parquet.read_table(pyarrow.BufferReader(FORMATS["parquet"](rows)))
    assert [row["a"] for row in table.to_pylist()] == values


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "o.csv"
    path.write_text("old")

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(tables.os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write_table(path, ROWS, "csv", None)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["o.csv"]


@pytest.mark.parametrize("name", ["scores", "scores.xlsx", "scores.csv.gz"])
def test_an_unknown_suffix_is_an_error_that_names_the_known(name, tmp_path):
    with pytest.raises(TableError, match=r"\.csv, \.json, \.jsonl, \.parquet"):
        format_of(tmp_path / name)
