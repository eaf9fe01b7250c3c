import builtins
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.datasets import Dataset, list_datasets, load_dataset, read_score_table
from snellen.errors import DatasetError, SnellenError
from tests.datasets.inside import Ratings
from tests.datasets.releases import touch, write_csv, write_excel, write_tid


def make(size=6):
    from pathlib import Path

    ratings = Ratings(
        image=[Path(f"{i}.png") for i in range(size)],
        reference=[Path(f"{'ab'[i % 2]}.png") for i in range(size)],
        type=[("blur", "noise", "jpeg")[i % 3] for i in range(size)],
        level=list(range(size)),
        score=np.arange(size, dtype=float),
        extra={"number": np.arange(size)},
    )
    return Dataset(
        name="made", higher_better=True, range=None, citation="", protocol="",
        unordered=frozenset(), **ratings.columns("made"),
    )  # fmt: skip


class TestSubset:
    def test_conditions_are_combined(self):
        part = make(12).subset(types=["blur", "jpeg"], references=["a"])
        assert [row.image.stem for row in part] == ["0", "2", "6", "8"]
        assert part.extra["number"].tolist() == [0, 2, 6, 8]

    @given(st.lists(st.booleans(), min_size=6, max_size=6))
    def test_mask_keeps_rows_together(self, mask):
        data = make()
        kept = [row[:6] for row, keep in zip(data, mask, strict=True) if keep]
        assert [row[:6] for row in data.subset(np.array(mask))] == kept
        assert [row[:6] for row in data.subset(np.flatnonzero(mask))] == kept

    def test_columns_cannot_be_written_to(self):
        with pytest.raises(ValueError, match="read-only"):
            make().score[0] = 9

    @pytest.mark.parametrize("mask", [np.ones(5, bool), np.array([6]), np.array([-1]), [0.5]])
    def test_mask_that_does_not_fit(self, mask):
        with pytest.raises(DatasetError, match="6 truth values or positions from 0 to 5"):
            make().subset(mask)

    def test_unknown_names(self):
        with pytest.raises(DatasetError, match="no type 'rain'; it has 'blur', 'jpeg', 'noise'"):
            make().subset(types=["rain"])
        with pytest.raises(DatasetError, match="no content 'c'"):
            make().subset(references=["c"])
        with pytest.raises(DatasetError, match="no split 'test'"):
            make().subset(split="test")


class TestNames:
    def test_unknown_database(self, tmp_path):
        with pytest.raises(
            DatasetError, match=r"No database is called 'ava'; there are live, .*CSV"
        ):
            load_dataset("ava", tmp_path)

    def test_missing_folder_tells_the_release(self, tmp_path):
        for name in list_datasets("rated"):
            with pytest.raises(
                DatasetError, match=f"{tmp_path}.*(holds no|is missing|not a folder)"
            ):
                load_dataset(name, tmp_path)
            with pytest.raises(DatasetError, match="nowhere"):
                load_dataset(name, tmp_path / "nowhere")

    def test_direction_of_a_release_is_not_the_users_choice(self, tmp_path):
        with pytest.raises(DatasetError, match="no CSV file"):
            load_dataset("tid2013", tmp_path, higher_better=False)

    def test_partial_release_is_told(self, tmp_path, caplog):
        write_tid(tmp_path, [("i01_01_1.bmp", 5.0, 0.1)], ["I01.BMP"])
        with caplog.at_level(logging.WARNING):
            load_dataset("tid2013", tmp_path)
        assert "has 1 images, the release 3000" in caplog.text

    def test_errors_are_caught_as_snellen_errors(self, tmp_path):
        with pytest.raises(SnellenError):
            load_dataset("live", tmp_path)

    def test_unknown_kind(self):
        with pytest.raises(DatasetError, match="kinds: rated, compared, jnd"):
            list_datasets("videos")


class TestScoreTables:
    def test_excel_without_the_extra(self, tmp_path, monkeypatch):
        touch(tmp_path, ["scores.xlsx"])
        real = builtins.__import__

        def without(name, *args, **kwargs):
            if name == "openpyxl":
                raise ImportError(name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(DatasetError, match=r"pip install 'snellen\[datasets\]'"):
            read_score_table(tmp_path / "scores.xlsx")

    def test_header_below_other_rows(self, tmp_path):
        pytest.importorskip("openpyxl")
        rows = [("a title",), (), (None, "image", "dmos"), (None, "a", 0.5), (), (None, "b", 1)]
        write_excel(tmp_path / "t.xlsx", "s", rows)
        table = read_score_table(tmp_path / "t.xlsx", columns=["image", "dmos"])
        assert table == {"image": ["a", "b"], "dmos": [0.5, 1]}

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_delimiters(self, tmp_path, delimiter):
        path = write_csv(tmp_path / "t.csv", f"image{delimiter}score", [(f"a{delimiter}1",)])
        assert read_score_table(path) == {"image": ["a"], "score": ["1"]}

    def test_other_kinds(self, tmp_path):
        touch(tmp_path, ["scores.doc"])
        with pytest.raises(DatasetError, match=r"\.mat, \.xlsx, \.csv or \.txt"):
            read_score_table(tmp_path / "scores.doc")
        with pytest.raises(DatasetError, match="There is no score table"):
            read_score_table(tmp_path / "scores.csv")

    def test_broken_matlab_file(self, tmp_path):
        (tmp_path / "scores.mat").write_bytes(b"not a MATLAB file, but long enough to be one" * 8)
        with pytest.raises(DatasetError, match="cannot be read as a MATLAB file"):
            read_score_table(tmp_path / "scores.mat")

    def test_missing_column(self, tmp_path):
        path = write_csv(tmp_path / "t.csv", "image,score", [("a", 1)])
        with pytest.raises(DatasetError, match="no column 'mos'; its columns are image, score"):
            read_score_table(path, columns=["mos"])
