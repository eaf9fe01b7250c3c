"""Score tables that are no text in UTF-8, are cut off, or are no table: a message instead."""

import gzip
import os
import struct
import zlib

import numpy as np
import pytest
import scipy.io

from snellen.datasets import load_dataset, read_score_table
from snellen.errors import DatasetError

TABLE = "image,score\na.png,1\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (TABLE.encode("utf-16"), "expected text in UTF-8, found UTF-16; save it as UTF-8"),
        (TABLE.encode("utf-16-be"), "has no column 'image'"),
        ("image,score\ncafé.png,1\n".encode("latin-1"), "found the byte 0xe9; save it as UTF-8"),
        (b"image,score\n" + b"a" * 200_000 + b",1\n", "cannot be read as CSV: field larger"),
        (b"", "is empty"),
    ],
)
def test_anyones_csv(tmp_path, data, said):
    (tmp_path / "t.csv").write_bytes(data)
    (tmp_path / "a.png").touch()
    with pytest.raises(DatasetError, match=f"t\\.csv.*{said}"):
        load_dataset("csv", tmp_path / "t.csv", higher_better=True)


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv", "t.txt", "t.mat", "t.xlsx"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "zeros", "turned"])
def test_every_kind(tmp_path, name, damage):
    path = tmp_path / name
    if name == "t.mat":
        scipy.io.savemat(path, {"score": np.arange(100.0)})
    elif name == "t.xlsx":
        openpyxl = pytest.importorskip("openpyxl")
        openpyxl.Workbook().save(path)
    else:
        text = TABLE.encode("latin-1") * 50
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    whole = path.read_bytes()
    damaged = {"cut": whole[: len(whole) // 2 - 1], "garbage": b"\xff\xfe\xfd" * 30,
               "zeros": bytes(300), "turned": whole[:8] + whole[:7:-1]}[damage]  # fmt: skip
    path.write_bytes(damaged)
    if damage == "cut" and name in ("t.csv", "t.txt"):
        return  # cut text is text
    with pytest.raises(DatasetError, match=name.replace(".", r"\.")):
        read_score_table(path, columns=["image", "score"])


@pytest.mark.parametrize("kind", [0, 8, 10, 11, 19, 200])
@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_values_of_no_known_type(tmp_path, kind, compressed):
    """Such a type is a null pointer to scipy, which crashes."""
    path = tmp_path / "t.mat"
    scipy.io.savemat(path, {"score": np.arange(100.0)})
    data = bytearray(path.read_bytes())
    place = data.rindex(b"\x09\0\0\0\x20\3\0\0")
    data[place] = kind
    if compressed:
        packed = zlib.compress(data[128:])
        data[128:] = struct.pack("<II", 15, len(packed)) + packed
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="cannot be read as a MATLAB file"):
        read_score_table(path)


def test_matlab_files_of_a_later_version_are_named(tmp_path):
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM"
    (tmp_path / "t.mat").write_bytes(header + b"\x89HDF\r\n\x1a\n" + bytes(500))
    with pytest.raises(DatasetError, match="HDF"):
        read_score_table(tmp_path / "t.mat")


def test_matlab_files_of_every_kind(tmp_path):
    path = tmp_path / "t.mat"
    names = np.array([["a.png"], ["bb.png"]], dtype=object)
    values = {"names": names, "score": np.arange(6.0).reshape(2, 3), "z": 1j * np.ones(2),
              "flag": np.array([True]), "text": "word", "empty": np.zeros((0, 0)),
              "small": np.int8(3), "inside": {"a": 1, "b": names}}  # fmt: skip
    for options in ({}, {"do_compression": True}, {"format": "4"}):
        saved = {"score": values["score"]} if "format" in options else values
        scipy.io.savemat(path, saved, **options)
        found = read_score_table(path)
        assert set(found) == set(saved)
        assert found["score"] == list(range(6))
        assert found.get("names", ["a.png", "bb.png"]) == ["a.png", "bb.png"]


def test_pipe(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(DatasetError):
        load_dataset("csv", tmp_path / "t.csv", higher_better=True)
