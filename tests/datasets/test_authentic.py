import numpy as np
import pytest
import scipy.io

from snellen.datasets import load_dataset
from snellen.errors import DatasetError
from tests.datasets.releases import cells, published, touch, write_csv, write_excel


class TestClive:
    def test_the_seven_training_images_are_left_out(self, shared, tmp_path):
        rows = published(shared, "LIVE_Challenge")
        names = [f"t{i}.bmp" for i in range(1, 8)] + [
            r["dis_img_path"].split("/")[-1] for r in rows
        ]
        scores = np.array([[50.0] * 7 + [float(row["score"]) for row in rows]])
        data = tmp_path / "ChallengeDB_release" / "Data"
        data.mkdir(parents=True)
        nested = cells([np.array([name]) for name in names], column=True)
        scipy.io.savemat(data / "AllImages_release.mat", {"AllImages_release": nested})
        scipy.io.savemat(data / "AllMOS_release.mat", {"AllMOS_release": scores})
        scipy.io.savemat(data / "AllStdDev_release.mat", {"AllStdDev_release": scores / 4})
        touch(data.parent / "Images", names[7:])
        touch(data.parent / "Images" / "trainingImages", names[:7])
        clive = load_dataset("LIVE in the Wild", tmp_path)
        assert [path.name for path in clive.image] == names[7:]
        assert clive.score.tolist() == scores[0, 7:].tolist()
        assert clive.score_std.tolist() == (scores[0, 7:] / 4).tolist()
        assert not clive.full_reference
        assert clive.higher_better


class TestKoniq:
    HEADER = "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,MOS_zscore"

    def scores(self, folder):
        # The first image of the real list: its mean is 3.82857142857143 = 402 / 105.
        rows = [
            ("10004473376.jpg", 0, 0, 25, 73, 7, 105, 3.8286, 0.5, 69.2),
            ("2.jpg", 4, 4, 2, 0, 0, 10, 1.8, 0.7, 21),
        ]
        touch(folder / "1024x768", [row[0] for row in rows])
        return write_csv(folder / "koniq10k_scores_and_distributions.csv", self.HEADER, rows)

    def test_scores_are_means_of_the_ratings(self, shared, tmp_path):
        self.scores(tmp_path)
        data = load_dataset("KonIQ-10k", tmp_path)
        listed = {
            row["dis_img_path"].split("/")[-1]: row["score"]
            for row in published(shared, "KonIQ-10k")
        }
        assert data.score[0] == pytest.approx(float(listed["10004473376.jpg"]), abs=1e-12)
        assert data.score_std[1] == pytest.approx(np.std([1] * 4 + [2] * 4 + [3] * 2))
        assert data.extra["mos_zscore"].tolist() == [69.2, 21]
        assert data.split.tolist() == ["", ""]
        assert "1024x768" in data.protocol

    def test_sets_file_gives_the_split_and_its_other_scale_is_not_read(self, tmp_path):
        whole = load_dataset("koniq", self.scores(tmp_path).parent).score
        rows = [
            ("2.jpg", 4, 4, 2, 0, 0, 10, 21.0, 17.5, "validation"),
            ("10004473376.jpg", 0, 0, 25, 73, 7, 105, 69.2, 12.0, "training"),
        ]
        header = "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,set"
        write_csv(tmp_path / "koniq10k_distributions_sets.csv", header, rows)
        assert load_dataset("koniq", tmp_path).split.tolist() == ["train", "validation"]
        (tmp_path / "koniq10k_scores_and_distributions.csv").unlink()
        alone = load_dataset("koniq", tmp_path)
        assert alone.split.tolist() == ["validation", "train"]
        np.testing.assert_allclose(alone.score[::-1], whole)

    def test_unknown_set(self, tmp_path):
        self.scores(tmp_path)
        write_csv(
            tmp_path / "koniq10k_distributions_sets.csv", "image_name,set", [("2.jpg", "holdout")]
        )
        with pytest.raises(
            DatasetError, match="'holdout' is none of the sets training, validation, test"
        ):
            load_dataset("koniq", tmp_path)

    def test_smaller_images_are_told(self, tmp_path):
        self.scores(tmp_path)
        (tmp_path / "1024x768").rename(tmp_path / "512x384")
        assert "512x384" in load_dataset("koniq", tmp_path).protocol
        touch(tmp_path, [])
        for path in (tmp_path / "512x384").iterdir():
            path.unlink()
        (tmp_path / "512x384").rmdir()
        with pytest.raises(DatasetError, match="1024x768 is missing"):
            load_dataset("koniq", tmp_path)


class TestSpaq:
    def test_scores_and_attributes(self, tmp_path):
        pytest.importorskip("openpyxl")
        header = (
            "Image name",
            "MOS",
            "Brightness",
            "Colorfulness",
            "Contrast",
            "Noisiness",
            "Sharpness",
        )
        rows = [
            header,
            ("00001.jpg", 48.86, 60, 55, 50, 40, 45),
            ("00002.jpg", 62.5, 61, 56, 51, 41, 46),
        ]
        write_excel(
            tmp_path / "Annotations" / "MOS and Image attribute scores.xlsx", "Sheet1", rows
        )
        touch(tmp_path / "TestImage", ["00001.jpg", "00002.jpg"])
        data = load_dataset("SPAQ", tmp_path)
        assert data.score.tolist() == [48.86, 62.5]
        assert data.extra["noisiness"].tolist() == [40, 41]
        assert set(data.extra) == {
            "brightness",
            "colorfulness",
            "contrast",
            "noisiness",
            "sharpness",
        }

    def test_without_annotations(self, tmp_path):
        touch(tmp_path / "TestImage", ["00001.jpg"])
        with pytest.raises(DatasetError, match=r"MOS and Image attribute scores\.xlsx is missing"):
            load_dataset("SPAQ", tmp_path)


class TestCid2013:
    def test_realigned_scores_and_scenes(self, shared, tmp_path):
        pytest.importorskip("openpyxl")
        rows = published(shared, "CID2013")
        table = [("Source_ID", "Image set specific  MOS", "Realigned MOS", "Sharpness")]
        for row in rows:
            *place, name = row["dis_img_path"].split("/")[1:]
            touch(tmp_path.joinpath(*place), [name])
            table.append((name.removesuffix(".jpg"), 50.0, float(row["score"]), 1.0))
        write_excel(tmp_path / "CID2013 data - version 12112014.xlsx", "CID2013 MOS", table)
        data = load_dataset("cid2013", tmp_path)
        assert data.score.tolist() == [float(row["score"]) for row in rows]
        listed = ["/".join(row["dis_img_path"].split("/")[1:]) for row in rows]
        assert [str(path.relative_to(tmp_path)) for path in data.image] == listed
        assert len(set(data.content.tolist())) == 36
        assert "IS5_C08" in data.content.tolist()
