import csv
import io
import json
import math

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import TableError
from snellen.records import (
    csv_lines,
    file_digest,
    format_of,
    read_table,
    table_bytes,
    write_table,
)
from tests.records.inside import files_module

ROWS = [
    {"distorted": "a,b.png", "width": 3, "dfb": 0.1, "error": None},
    {"distorted": "ü\n.png", "width": None, "dfb": None, "error": 'said "no"'},
    {"distorted": "c.png", "width": 5, "dfb": math.inf, "error": None},
]


def test_csv_reads_back(tmp_path):
    path = tmp_path / "deep" / "o.csv"
    write_table(path, ROWS, {"metric": "dfb"})
    with path.open(newline="") as file:
        back = list(csv.DictReader(file))
    assert [row["distorted"] for row in back] == [row["distorted"] for row in ROWS]
    assert float(back[0]["dfb"]) == 0.1
    assert back[1]["dfb"] == ""
    side = json.loads((tmp_path / "deep" / "o.csv.manifest.json").read_text())
    assert side == {"schema": 1, "manifest": {"metric": "dfb"}, "sha256": file_digest(path)}


def test_json_holds_the_manifest_and_no_infinities(tmp_path):
    path = tmp_path / "o.json"
    write_table(path, ROWS, [1])
    document = json.loads(path.read_text(), parse_constant=lambda c: pytest.fail(c))
    assert document["manifest"] == [1]
    assert document["rows"][0] == ROWS[0]
    assert document["rows"][2]["dfb"] is None


def test_json_lines_are_one_object_a_line(tmp_path):
    path = tmp_path / "o.jsonl"
    write_table(path, ROWS)
    assert [json.loads(line)["distorted"] for line in path.read_text().splitlines()] == [
        row["distorted"] for row in ROWS
    ]


def test_parquet_keeps_types_nulls_and_manifest(tmp_path):
    path = tmp_path / "o.parquet"
    write_table(path, ROWS, {"x": 1})
    table = pyarrow.parquet.read_table(path)
    assert table.to_pylist() == ROWS
    assert str(table.schema.field("width").type) == "int64"
    assert json.loads(table.schema.metadata[b"snellen"])["manifest"] == {"x": 1}


@given(st.lists(st.floats(allow_nan=False) | st.none(), min_size=1, max_size=5))
def test_parquet_takes_any_column_of_numbers(values):
    rows = [{"a": value} for value in values]
    table = pyarrow.parquet.read_table(pyarrow.BufferReader(table_bytes(rows, "parquet")))
    assert [row["a"] for row in table.to_pylist()] == values


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "o.csv"
    path.write_text("old")

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files_module.os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write_table(path, ROWS)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["o.csv"]


@pytest.mark.parametrize("name", ["scores", "scores.xlsx", "scores.csv.gz"])
def test_an_unknown_suffix_is_an_error_that_names_the_known(name, tmp_path):
    with pytest.raises(TableError, match=r"\.csv, \.json, \.jsonl, \.parquet"):
        format_of(tmp_path / name)


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS}), max_size=5))
def test_any_text_survives_csv(rows):
    lines = csv_lines(rows, ["a", "b"])
    back = list(csv.reader(io.StringIO(lines, newline="")))
    assert [{"a": a, "b": b} for a, b in back] == rows


def test_a_carriage_return_does_not_end_a_row():
    assert csv_lines([{"a": "x\ry", "b": 1}], ["a", "b"]) == '"x\ry",1\n'


def test_a_table_longer_than_a_piece_is_whole(tmp_path):
    rows = [{"i": i, "x": i / 7} for i in range(10_000)]
    for form in ("csv", "json", "jsonl", "parquet"):
        path = tmp_path / f"long.{form}"
        write_table(path, iter(rows), columns={"i": "int64", "x": "double"})
        assert read_table(path, form).to_pylist() == rows
