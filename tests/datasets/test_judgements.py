import numpy as np
import pytest

from snellen.datasets import JndPair, Triplet, load_comparisons, load_dataset, load_jnd
from snellen.errors import DatasetError
from tests.datasets.releases import touch, write_csv


def save(folder, values):
    folder.mkdir(parents=True)
    for i, value in enumerate(values):
        np.save(folder / f"{i:06}.npy", np.array([value], dtype=np.float32))


@pytest.fixture
def bapps(tmp_path):
    root = tmp_path / "dataset"
    names = ["000000.png", "000001.png"]
    groups = [
        ("train/traditional", (1.0, 0.0)),
        ("val/cnn", (0.2, 0.8)),
        ("val/deblur", (0.4, 0.6)),
    ]
    for group, values in groups:
        save(root / "2afc" / group / "judge", values)
        for place in ("ref", "p0", "p1"):
            touch(root / "2afc" / group / place, names)
    save(root / "jnd" / "val" / "cnn" / "same", (0.0, 1 / 3))
    for place in ("p0", "p1"):
        touch(root / "jnd" / "val" / "cnn" / place, names)
    return root


class TestBapps:
    def test_triplets(self, bapps):
        data = load_comparisons("BAPPS-2AFC", bapps.parent)
        assert len(data) == 6
        assert data.split.tolist() == ["train"] * 2 + ["validation"] * 4
        validation = data.subset(split="validation", types=["cnn"])
        np.testing.assert_allclose(validation.human, [0.2, 0.8], rtol=1e-6)
        folder = bapps / "2afc" / "val" / "cnn"
        (first, _) = validation
        assert isinstance(first, Triplet)
        assert first.reference == folder / "ref" / "000000.png"
        assert (first.p0, first.p1) == (folder / "p0" / "000000.png", folder / "p1" / "000000.png")

    def test_pairs_that_look_the_same(self, bapps):
        data = load_jnd("bapps_jnd", bapps)
        np.testing.assert_allclose(data.same, [0, 1 / 3], rtol=1e-6)
        assert [type(row) for row in data] == [JndPair, JndPair]
        assert data.to_table().column_names == ["type", "split", "p0", "p1", "same"]

    def test_judgement_outside_0_to_1(self, bapps):
        np.save(bapps / "2afc" / "val" / "cnn" / "judge" / "000001.npy", np.array([1.5]))
        with pytest.raises(DatasetError, match=r"000001\.npy holds \[1\.5\]"):
            load_comparisons("bapps-2afc", bapps)

    def test_missing_candidate(self, bapps):
        (bapps / "2afc" / "val" / "cnn" / "p1" / "000001.png").unlink()
        with pytest.raises(DatasetError, match=r"p1, the first is 000001\.png.*BAPPS"):
            load_comparisons("bapps-2afc", bapps)

    def test_wrong_loader_names_the_right_one(self, bapps):
        with pytest.raises(DatasetError, match="use load_comparisons"):
            load_dataset("bapps-2afc", bapps)
        with pytest.raises(DatasetError, match="use load_jnd"):
            load_comparisons("bapps-jnd", bapps)


class TestPieAppPairs:
    def test_preference_for_a_is_turned_round_and_estimates_are_left_out(self, tmp_path):
        a, b = "distort_1_motion blur_intra_0.png", "distort_1_jpeg_inter_1.png"
        for part, reference in (("train", "ref_1.png"), ("test", "ref_2.png")):
            touch(tmp_path / "reference_images" / part, [reference])
            touch(tmp_path / "distorted_images" / part / reference.removesuffix(".png"), [a, b])
        header = "ref,A,B,raw preference,processed preference"
        rows = [("ref_1.png", a, b, 0.25, 0.3), ("ref_1.png", b, a, "", 0.9)]
        write_csv(tmp_path / "labels" / "train" / "ref_1_pairwise_labels.csv", header, rows)
        rows = [("ref_2.png", "ref_2.png", b, 1.0)]
        write_csv(tmp_path / "labels" / "test" / "ref_2_pairwise_labels.csv", "ref,A,B,p", rows)
        train, test = load_comparisons("pieapp-pairs", tmp_path)
        assert (train.p0.name, train.p1.name, train.human) == (a, b, 0.75)
        assert (train.split, train.type) == ("train", "motion blur | jpeg")
        assert test.p0 == test.reference == tmp_path / "reference_images" / "test" / "ref_2.png"
        assert (test.human, test.type) == (0.0, "reference | jpeg")
