import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from snellen.datasets import load_dataset
from snellen.errors import DatasetError
from tests.datasets.releases import touch, write_csv


@pytest.fixture
def pairs(tmp_path):
    touch(tmp_path, ["a1.png", "a2.png", "b1.png", "a.png", "b.png"])
    rows = [
        ("a1.png", "a.png", "blur", 1, 4.5, 0.1, "train", 30),
        ("a2.png", "a.png", "JPEG", 2, 3.5, "", "train", ""),
        ("b1.png", "", "JPEG", "", 2.5, 0.3, "test", 10),
    ]
    return write_csv(
        tmp_path / "own.csv", "image,reference,type,level,score,score_std,split,quality", rows
    )


class TestOwnCsv:
    def test_all_columns(self, pairs):
        data = load_dataset("mine", pairs, higher_better=True)
        assert data.name == "mine"
        assert [path.name for path in data.image] == ["a1.png", "a2.png", "b1.png"]
        assert data.reference.tolist() == [pairs.parent / "a.png"] * 2 + [None]
        assert data.content.tolist() == ["a", "a", "b1"]
        np.testing.assert_array_equal(data.level, [1, 2, np.nan])
        np.testing.assert_array_equal(data.score_std, [0.1, np.nan, 0.3])
        np.testing.assert_array_equal(data.extra["quality"], [30, np.nan, 10])
        assert data.split.tolist() == ["train", "train", "test"]
        assert data.range is None

    def test_direction_is_never_guessed(self, pairs):
        with pytest.raises(DatasetError, match="higher_better="):
            load_dataset("mine", pairs)

    def test_the_file_may_state_facts(self, pairs):
        facts = "# higher_better: false\n# range: 0, 9\n# citation: nobody, 2026\n"
        pairs.write_text(facts + pairs.read_text())
        data = load_dataset("mine", pairs)
        assert (data.higher_better, data.range, data.citation) == (False, (0, 9), "nobody, 2026")
        assert load_dataset("mine", pairs, higher_better=True).higher_better

    def test_missing_image(self, pairs):
        (pairs.parent / "a2.png").unlink()
        with pytest.raises(DatasetError, match=r"names 1 files that do not exist.*a2\.png"):
            load_dataset("mine", pairs, higher_better=True)

    def test_images_elsewhere_and_compressed_table(self, pairs, tmp_path):
        (tmp_path / "tables").mkdir()
        packed = tmp_path / "tables" / "own.csv.gz"
        packed.write_bytes(gzip.compress(pairs.read_bytes()))
        data = load_dataset("mine", packed, higher_better=True, images=tmp_path)
        assert data.image[0] == tmp_path / "a1.png"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "is empty"),
            ("picture,score\na1.png,1\n", "no column 'image'"),
            ("image,score\na1.png,good\n", "row 1 of column 'score' holds 'good'"),
            ("image,score\na1.png,nan\n", "has the score nan"),
            ("image,score\na1.png\n", "row 1 has 1 cells, expected 2"),
            ("image,score\n,1\n", "row 1 names no image"),
            ("image,score\n", "no rows"),
        ],
    )
    def test_what_is_wrong_is_told(self, pairs, text, message):
        pairs.write_text(text)
        with pytest.raises(DatasetError, match=message):
            load_dataset("mine", pairs, higher_better=True)

    def test_lists_with_the_columns_of_iqa_dataset(self, pairs):
        text = "dis_img_path,dis_type,ref_img_path,score\na1.png,GBLUR,a.png,1.5\n"
        pairs.write_text(text)
        (row,) = load_dataset("mine", pairs, higher_better=True)
        assert (row.type, row.reference, row.score) == ("GBLUR", pairs.parent / "a.png", 1.5)


@pytest.mark.parametrize(
    ("name", "size", "references", "types", "first_is_best"),
    [("tid2013r", 806, 12, 14, True), ("live_r", 196, 9, 4, False)],
)
def test_rebuilt_subsets_are_plain_csv(
    shared, tmp_path, name, size, references, types, first_is_best
):
    """The table that `regen.py` writes, here without writing the pixels."""
    with (shared / name / "scores.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    image = [row["image"].rsplit(".", 1)[0].replace("/", "_") + ".png" for row in rows]
    touch(tmp_path, [*image, *(row["reference"] for row in rows)])
    table = [
        (i, row["reference"], row["type_name"], row["level"], row["mos"], row["mos_std"])
        for i, row in zip(image, rows, strict=True)
    ]
    path = write_csv(tmp_path / "pairs.csv", "image,reference,type,level,score,score_std", table)
    data = load_dataset(name, path, higher_better=first_is_best)
    assert len(data) == size
    assert len(set(data.content.tolist())) == references
    assert len(set(data.type.tolist())) == types
    assert data.score.tolist() == [float(row["mos"]) for row in rows]
    assert data.full_reference


def test_arrow_table_keeps_rows_and_facts(pairs):
    data = load_dataset("mine", pairs, higher_better=False)
    table = data.to_table()
    assert table.num_rows == 3
    assert table["reference"].to_pylist() == [str(pairs.parent / "a.png")] * 2 + [None]
    assert table["quality"].to_pylist()[::2] == [30, 10]
    facts = json.loads(table.schema.metadata[b"snellen"])
    assert (facts["name"], facts["higher_better"]) == ("mine", False)
    assert Path(table["image"][0].as_py()) == data.image[0]


def test_images_of_one_name_in_two_folders_are_two_contents(tmp_path):
    for folder in ("a", "b"):
        touch(tmp_path / folder, ["1.png", "2.png"])
    rows = [("a/1.png", 1), ("b/1.png", 2), ("a/2.png", 3)]
    path = write_csv(tmp_path / "own.csv", "image,score", rows)
    content = load_dataset("mine", path, higher_better=True).content.tolist()
    assert len(set(content)) == 3
