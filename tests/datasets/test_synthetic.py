import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from snellen.datasets import load_dataset
from snellen.errors import DatasetError
from tests.datasets.releases import (
    cells,
    published,
    touch,
    write_csv,
    write_excel,
    write_live,
    write_live_md_part,
    write_tid,
)


def scores_by_name(dataset, depth=1):
    names = ["/".join(image.parts[-depth:]) for image in dataset.image]
    return dict(zip(names, dataset.score.tolist(), strict=True))


def expected_by_name(rows, depth=1):
    return {"/".join(row["dis_img_path"].split("/")[-depth:]): float(row["score"]) for row in rows}


class TestLive:
    def test_whole_release_equals_the_published_list(self, shared, tmp_path):
        rows = published(shared, "LIVE")
        rated = {
            row["dis_img_path"].removeprefix("LIVE/"): (
                row["ref_img_path"].split("/")[-1],
                float(row["score"]),
            )
            for row in rows
        }
        write_live(tmp_path / "databaserelease2", rated)
        live = load_dataset("LIVE", tmp_path)
        assert scores_by_name(live, depth=2) == {k: s for k, (_, s) in rated.items()}
        references = {"/".join(r.image.parts[-2:]): r.reference.name for r in live}
        assert references == {k: name for k, (name, _) in rated.items()}
        counts = {"jp2k": 169, "jpeg": 175, "wn": 145, "gblur": 145, "fastfading": 145}
        assert Counter(live.type.tolist()) == counts
        assert len(set(live.content.tolist())) == 29
        assert not live.higher_better

    def test_copies_are_left_out_and_realigned_scores_are_read(self, tmp_path):
        write_live(tmp_path, {"wn/img174.bmp": ("ocean.bmp", 40.0)})
        (row,) = load_dataset("live", tmp_path)
        assert (row.image, row.reference) == (
            tmp_path / "wn" / "img174.bmp",
            tmp_path / "refimgs" / "ocean.bmp",
        )
        assert (row.score, row.score_std, row.type, row.content) == (40.0, 4.0, "wn", "ocean")
        assert math.isnan(row.level)

    def test_first_alignment_is_no_substitute(self, tmp_path):
        write_live(tmp_path, {"wn/img1.bmp": ("ocean.bmp", 40.0)})
        (tmp_path / "dmos_realigned.mat").unlink()
        with pytest.raises(DatasetError, match=r"dmos_realigned\.mat is missing.*LIVE"):
            load_dataset("live", tmp_path)

    def test_score_vectors_of_another_length(self, tmp_path):
        write_live(tmp_path, {"wn/img1.bmp": ("ocean.bmp", 40.0)})
        scipy.io.savemat(tmp_path / "refnames_all.mat", {"refnames_all": cells(["a.bmp"] * 981)})
        with pytest.raises(DatasetError, match="981 entries, expected 982"):
            load_dataset("live", tmp_path)


class TestLiveMultiplyDistorted:
    PART_1 = (
        ("babygirl_blur1.bmp", "babygirl.bmp", 21.5789),
        ("babygirl_blur2_jpeg3.bmp", "babygirl.bmp", 46.2105),
        ("wheel_jpeg2.bmp", "wheel.bmp", 16.9474),
    )
    PART_2 = (
        ("babygirl_blur1.bmp", "babygirl.bmp", 25.0556),
        ("babygirl_blur1_noise2.bmp", "babygirl.bmp", 45.7222),
    )

    @pytest.mark.parametrize("part", ["Part {}", "Part_{}"])
    def test_both_parts(self, tmp_path, part):
        root = tmp_path / "LIVE" / "To_Release"
        write_live_md_part(root / part.format(1), "blurjpeg", list(self.PART_1))
        write_live_md_part(root / part.format(2), "blurnoise", list(self.PART_2))
        data = load_dataset("LIVE MD", tmp_path)
        assert [image.name for image in data.image] == [n for n, _, _ in self.PART_1 + self.PART_2]
        assert [path.name for path in data.reference] == [
            r for _, r, _ in self.PART_1 + self.PART_2
        ]
        assert data.score.tolist() == [s for _, _, s in self.PART_1 + self.PART_2]
        assert data.type.tolist() == ["blur", "blur+jpeg", "jpeg", "blur", "blur+noise"]
        np.testing.assert_array_equal(data.level, [1, np.nan, 2, 1, np.nan])
        assert data.extra["blur"].tolist() == [1, 2, 0, 1, 1]
        assert data.extra["jpeg"].tolist() == [0, 3, 2, 0, 0]
        assert data.extra["noise"].tolist() == [0, 0, 0, 0, 2]
        assert set(data.content.tolist()) == {"babygirl", "wheel"}

    def test_names_of_the_whole_release(self, shared, tmp_path):
        rows = [
            (*(row[k].split("/")[-1] for k in ("dis_img_path", "ref_img_path")), row["score"])
            for row in published(shared, "LIVE_MD")
        ]
        rows = [(image, reference, float(score)) for image, reference, score in rows]
        write_live_md_part(tmp_path / "Part 1", "blurjpeg", rows[:225])
        write_live_md_part(tmp_path / "Part 2", "blurnoise", rows[225:])
        counts = {"blur": 90, "jpeg": 45, "noise": 45, "blur+jpeg": 135, "blur+noise": 135}
        data = load_dataset("live-md", tmp_path)
        assert Counter(data.type.tolist()) == counts
        assert data.score.tolist() == [score for _, _, score in rows]


class TestTid:
    def test_case_of_names_does_not_matter(self, tmp_path):
        rows = [
            ("I01_01_1.bmp", 5.9706, 0.1),
            ("i01_17_2.bmp", 6.1, 0.2),
            ("i25_08_4.bmp", 2.5, 0.3),
        ]
        write_tid(tmp_path, rows, ["I01.BMP", "i25.bmp"])
        data = load_dataset("TID-2008", tmp_path)
        assert [path.name for path in data.reference] == ["I01.BMP", "I01.BMP", "i25.bmp"]
        assert data.content.tolist() == ["i01", "i01", "i25"]
        types = ["additive Gaussian noise", "contrast change", "Gaussian blur"]
        assert data.type.tolist() == types
        assert data.score.tolist() == [5.9706, 6.1, 2.5]
        assert data.score_std.tolist() == [0.1, 0.2, 0.3]
        assert data.level.tolist() == [1, 2, 4]

    def test_levels_that_alternate_in_sign_are_no_severity(self, tmp_path):
        rows = [(f"i01_{kind}_3.bmp", 5.0, 0.1) for kind in ("08", "16", "17", "18")]
        write_tid(tmp_path, rows, ["I01.BMP"])
        data = load_dataset("tid2013", tmp_path)
        np.testing.assert_array_equal(data.severity, [3, np.nan, np.nan, 3])

    @pytest.mark.parametrize(("name", "types"), [("TID2008", 17), ("TID2013", 24)])
    def test_whole_release_equals_the_published_list(self, shared, tmp_path, name, types):
        rows = published(shared, name)
        files = [row["dis_img_path"].split("/")[-1] for row in rows]
        scored = [(f, float(row["score"]), 0.1) for f, row in zip(files, rows, strict=True)]
        write_tid(tmp_path, scored, [f"I{i:02}.BMP" for i in range(1, 25)] + ["i25.bmp"])
        data = load_dataset(name, tmp_path)
        assert data.score.tolist() == [float(row["score"]) for row in rows]
        assert set(Counter(data.type.tolist()).values()) == {len(rows) // types}
        assert len(set(data.type.tolist())) == types
        lists = {
            "Gaussian blur": "GBLUR",
            "JPEG2000 compression": "JP2K",
            "mean shift": "Mean_Shift",
        }
        for ours, theirs in lists.items():
            chosen = np.array([row["dis_type"] == theirs for row in rows])
            np.testing.assert_array_equal(data.type == ours, chosen)

    def test_the_last_deviation_is_missing(self, tmp_path):
        write_tid(tmp_path, [("i01_01_1.bmp", 5.0, 0.1), ("i01_01_2.bmp", 5.0, 0.1)], ["I01.BMP"])
        (tmp_path / "mos_std.txt").write_text("0.1\n")
        with pytest.raises(DatasetError, match="has 1 lines, expected 2"):
            load_dataset("tid2013", tmp_path)

    def test_type_18_is_not_in_tid2008(self, tmp_path):
        write_tid(tmp_path, [("i01_18_1.bmp", 5.0, 0.1)], ["I01.BMP"])
        with pytest.raises(DatasetError, match=r"i01_18_1\.bmp"):
            load_dataset("tid2008", tmp_path)

    def test_missing_images_are_counted(self, tmp_path):
        rows = [(f"i01_01_{level}.bmp", 5.0, 0.1) for level in range(1, 6)]
        write_tid(tmp_path, rows, ["I01.BMP"])
        (tmp_path / "distorted_images" / "I01_01_2.BMP").unlink()
        (tmp_path / "distorted_images" / "I01_01_4.BMP").unlink()
        expected = (
            r"2 of 5 files are missing in .*distorted_images, the first is i01_01_2\.bmp.*TID2013"
        )
        with pytest.raises(DatasetError, match=expected):
            load_dataset("tid2013", tmp_path)


class TestKadid:
    def test_dmos_is_a_mos_and_var_a_deviation(self, tmp_path):
        root = tmp_path / "kadid10k"
        rows = [("I01_01_01.png", "I01.png", 4.57, 0.496), ("I81_25_05.png", "I81.png", 3.0, 1.1)]
        write_csv(root / "dmos.csv", "dist_img,ref_img,dmos,var", rows)
        touch(root / "images", ["I01.png", "I81.png", "I01_01_01.png", "I81_25_05.png"])
        data = load_dataset("KADID-10k", tmp_path)
        assert data.higher_better
        seventeen_fives = [5] * 17 + [4] * 13
        assert data.score[0] == pytest.approx(np.mean(seventeen_fives), abs=0.005)
        assert data.score_std[0] == pytest.approx(np.std(seventeen_fives), abs=0.0005)
        assert data.type.tolist() == ["Gaussian blur", "contrast change"]
        np.testing.assert_array_equal(data.severity, [1, np.nan])

    def test_types_are_numbered_as_in_the_published_list(self, shared, tmp_path):
        rows = [row for row in published(shared, "KADID-10k") if "/I07" in row["dis_img_path"]]
        files = [row["dis_img_path"].split("/")[-1] for row in rows]
        scored = [(f, "I07.png", r["score"], 0.5) for f, r in zip(files, rows, strict=True)]
        write_csv(tmp_path / "dmos.csv", "dist_img,ref_img,dmos,var", scored)
        touch(tmp_path / "images", ["I07.png", *files])
        data = load_dataset("kadid", tmp_path)
        pairs = set(zip(data.type.tolist(), [row["dis_type"] for row in rows], strict=True))
        assert len(pairs) == 25
        named = {("white noise YCbCr", "AWGN_YCbCr"), ("JPEG2000", "JP2K"), ("jitter", "Jitter")}
        assert named <= pairs
        assert scores_by_name(data) == expected_by_name(rows)


class TestCsiq:
    HEADER = (None, None, None, "image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos")
    ROWS = (
        (1600, 1, "noise", 1, 0.05, 0.061989),
        ("couple", 5, "jpeg 2000", 3, 0.10, 0.5723),
        ("swarm", 4, "contrast", 2, None, None),
        ("swarm", 3, "fnoise", 5, 0.02, 0.8),
    )

    @pytest.fixture
    def release(self, tmp_path) -> Path:
        pytest.importorskip("openpyxl")
        rows = [("CSIQ",), (), ("DMOS",), self.HEADER, *((None,) * 3 + row for row in self.ROWS)]
        write_excel(tmp_path / "csiq.DMOS.xlsx", "all_by_image", rows)
        touch(tmp_path / "src_imgs", ["1600.png", "couple.png", "swarm.png"])
        touch(tmp_path / "dst_imgs" / "awgn", ["1600.AWGN.1.png"])
        touch(tmp_path / "dst_imgs" / "jpeg2000", ["couple.jpeg2000.3.png"])
        touch(tmp_path / "dst_imgs" / "fnoise", ["swarm.fnoise.5.png"])
        return tmp_path

    def test_the_image_called_1600_and_the_unrated_one(self, release):
        data = load_dataset("csiq", release)
        names = ["1600.AWGN.1.png", "couple.jpeg2000.3.png", "swarm.fnoise.5.png"]
        assert [path.name for path in data.image] == names
        assert [path.name for path in data.reference] == ["1600.png", "couple.png", "swarm.png"]
        assert data.score.tolist() == [0.061989, 0.5723, 0.8]
        assert data.type.tolist() == ["awgn", "jpeg2000", "fnoise"]
        assert data.level.tolist() == [1, 3, 5]
        assert not data.higher_better

    def test_other_sheet(self, release):
        write_excel(release / "csiq.DMOS.xlsx", "all_by_distortion", [self.HEADER])
        with pytest.raises(DatasetError, match="no sheet 'all_by_image', but all_by_distortion"):
            load_dataset("csiq", release)


class TestMdid:
    def test_scores_are_in_the_order_of_the_names(self, shared, tmp_path):
        rows = published(shared, "MDID2016")
        names = [row["dis_img_path"].split("/")[-1] for row in rows]
        touch(tmp_path / "distortion_images", [*reversed(names), "Thumbs.db"])
        touch(tmp_path / "reference_images", [f"img{i:02}.bmp" for i in range(1, 21)])
        (tmp_path / "mos.txt").write_text("\n".join(row["score"] for row in rows))
        data = load_dataset("mdid", tmp_path)
        assert scores_by_name(data) == expected_by_name(rows)
        assert Counter(path.name for path in data.reference)["img20.bmp"] == 80

    def test_fewer_images_than_scores(self, tmp_path):
        touch(tmp_path / "distortion_images", ["img01_01.bmp"])
        (tmp_path / "mos.txt").write_text("1.5\n2.5\n")
        with pytest.raises(DatasetError, match="2 scores for 1 images"):
            load_dataset("mdid", tmp_path)


class TestMdivl:
    def test_parameters_are_in_the_names(self, shared, tmp_path):
        rows = published(shared, "MDIVL")
        for kind in ("Blur", "Noise"):
            folder = f"Data_{kind}_JPEG"
            names = [
                row["dis_img_path"].split("/")[-1] for row in rows if folder in row["dis_img_path"]
            ]
            touch(tmp_path / "MDIVL" / "MDIVL" / folder, names)
        references = {row["ref_img_path"].split("/")[-1] for row in rows}
        place = tmp_path / "MDIVL" / "MDIVL" / "MD_IVLreference" / "OCEreferenceMD"
        touch(place, references)
        table = [[row["dis_img_path"], row["score"]] for row in rows]
        write_csv(tmp_path / "MDIVL.csv", "dis_img_path,score", table)
        data = load_dataset("mdivl", tmp_path)
        assert scores_by_name(data) == expected_by_name(rows)
        assert Counter(data.type.tolist()) == {"blur+jpeg": 350, "noise+jpeg": 400}
        assert set(data.extra["blur"][data.type == "blur+jpeg"]) == {
            0.001,
            0.66,
            1.33,
            2,
            2.66,
            3.33,
            4,
        }
        assert set(data.extra["noise"][data.type == "noise+jpeg"]) == {
            1,
            2,
            3,
            4,
            5,
            6,
            8,
            10,
            12,
            14,
        }
        assert set(data.extra["jpeg_quality"]) == {10, 20, 30, 50, 100}
        assert len(set(data.content.tolist())) == 10

    def test_no_table_of_scores(self, tmp_path):
        touch(tmp_path / "Data_Blur_JPEG", ["baby_blur_0.66_jpg_50.jpg"])
        write_csv(tmp_path / "other.csv", "a,b", [(1, 2)])
        with pytest.raises(
            DatasetError, match=r"has no table of scores of MDIVL.*found other\.csv"
        ):
            load_dataset("mdivl", tmp_path)


class TestPipal:
    def test_label_files(self, tmp_path):
        touch(tmp_path / "Train_Ref", ["A0001.bmp", "A0002.bmp"])
        touch(tmp_path / "Distortion_1", ["A0001_00_00.bmp"])
        touch(tmp_path / "Distortion_4", ["A0002_06_26.bmp"])
        labels = tmp_path / "Train_Label"
        labels.mkdir()
        (labels / "A0001.txt").write_text("A0001_00_00.bmp,1520.0648\n")
        (labels / "A0002.txt").write_text("A0002_06_26.bmp,1346.4\n")
        data = load_dataset("PIPAL", tmp_path)
        assert data.score.tolist() == [1520.0648, 1346.4]
        assert data.type.tolist() == ["00", "06"]
        assert [path.parent.name for path in data.image] == ["Distortion_1", "Distortion_4"]
        assert data.content.tolist() == ["A0001", "A0002"]
        (tmp_path / "Distortion_4" / "A0002_06_26.bmp").unlink()
        with pytest.raises(DatasetError, match=r"1 of 2 files are missing.*A0002_06_26"):
            load_dataset("PIPAL", tmp_path)


class TestPieApp:
    def test_only_test_images_have_scores(self, tmp_path):
        root = tmp_path / "PieAPP_dataset_CVPR_2018"
        name = "distort_165_additive gaussian noise_inter_3.png"
        touch(root / "reference_images" / "test", ["ref_165.png"])
        touch(root / "distorted_images" / "test" / "ref_165", [name])
        rows = [("ref_165.png", name, 2.25), ("ref_165.png", "ref_165.png", 0.0)]
        header = "ref. image, distorted image A, score for image A"
        write_csv(root / "labels" / "test" / "ref_165_per_image_score.csv", header, rows)
        (row,) = load_dataset("pieapp", tmp_path)
        assert (row.score, row.type, row.split) == (2.25, "additive gaussian noise", "test")
        assert row.reference == root / "reference_images" / "test" / "ref_165.png"
        assert not load_dataset("pieapp", tmp_path).higher_better
