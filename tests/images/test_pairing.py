import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.errors import ImageError
from snellen.images import IMAGE_SUFFIXES, Pair, find_images, pair_images

names = st.builds(
    lambda folder, stem, suffix: folder + stem + suffix,
    st.sampled_from(["", "a/", "b/", "a/b/"]),
    st.sampled_from(["x", "y", "x.1", "long name", "x_2"]),
    st.sampled_from([".png", ".jpg", ".JPG", ".webp"]),
)
name_sets = st.lists(names, min_size=1, max_size=12, unique_by=str.lower)


def fill(folder, names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def described(pairing, root):
    pairs = [(p.distorted.relative_to(root), p.reference.relative_to(root)) for p in pairing.pairs]
    rest = [(item.path.relative_to(root), item.reason) for item in pairing.unpaired]
    return [(x.as_posix(), y.as_posix()) for x, y in pairs], [(x.as_posix(), r) for x, r in rest]


@pytest.fixture
def pair_up(tmp_path):
    def pair(distorted, reference):
        pairing = pair_images(fill(tmp_path / "d", distorted), fill(tmp_path / "r", reference))
        return described(pairing, tmp_path)

    return pair


class TestFindImages:
    def test_known_suffixes_sorted_hidden_skipped(self, tmp_path):
        fill(tmp_path, ["b.png", "a.JPG", "c/d.tiff", ".hidden.png", ".git/e.png", "notes.txt"])
        found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
        assert found == ["a.JPG", "b.png", "c/d.tiff"]
        assert find_images(tmp_path, recursive=False) == [tmp_path / "a.JPG", tmp_path / "b.png"]

    def test_every_known_suffix(self, tmp_path):
        fill(tmp_path, [f"image{suffix}" for suffix in IMAGE_SUFFIXES])
        assert len(find_images(tmp_path)) == len(IMAGE_SUFFIXES)

    def test_links_are_followed_but_loops_end(self, tmp_path):
        fill(tmp_path, ["inside/a.png", "elsewhere/b.png"])
        (tmp_path / "inside" / "loop").symlink_to(tmp_path / "inside")
        (tmp_path / "inside" / "up").symlink_to(tmp_path)
        (tmp_path / "inside" / "link").symlink_to(tmp_path / "elsewhere")
        found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path / "inside")]
        assert "inside/a.png" in found
        assert "inside/link/b.png" in found
        assert "inside/up/elsewhere/b.png" in found
        assert not any("loop" in name for name in found)

    def test_a_folder_with_the_name_of_an_image(self, tmp_path):
        fill(tmp_path, ["odd.png/a.png"])
        assert find_images(tmp_path) == [tmp_path / "odd.png" / "a.png"]

    def test_errors(self, tmp_path):
        with pytest.raises(ImageError, match="no such folder"):
            find_images(tmp_path / "absent")
        fill(tmp_path, ["a.png"])
        with pytest.raises(ImageError, match="is a file"):
            find_images(tmp_path / "a.png")


class TestFolders:
    def test_stems_within_sub_folders_not_positions(self, pair_up):
        pairs, rest = pair_up(["a.jpg", "c.jpg", "s/a.jpg"], ["b.png", "c.png", "s/a.png"])
        assert pairs == [("d/c.jpg", "r/c.png"), ("d/s/a.jpg", "r/s/a.png")]
        assert [path for path, _ in rest] == ["d/a.jpg", "r/b.png"]
        assert "no reference named a in" in rest[0][1]
        assert "no distorted image named b in" in rest[1][1]

    def test_the_very_same_name_goes_first(self, pair_up):
        pairs, rest = pair_up(["a.png"], ["a.jpg", "a.png"])
        assert pairs == [("d/a.png", "r/a.png")]
        assert [path for path, _ in rest] == ["r/a.jpg"]

    def test_several_distorted_share_a_reference(self, pair_up):
        pairs, rest = pair_up(["a.avif", "a.jpg", "a.webp"], ["a.png"])
        assert [reference for _, reference in pairs] == ["r/a.png"] * 3
        assert rest == []

    def test_an_ambiguous_reference_is_never_guessed(self, pair_up):
        pairs, rest = pair_up(["a.webp"], ["a.jpg", "a.png"])
        assert pairs == []
        assert [path for path, _ in rest] == ["d/a.webp", "r/a.jpg", "r/a.png"]
        assert "several references fit" in rest[0][1]
        assert "a.jpg, a.png" in rest[0][1]
        assert "none could be chosen" in rest[1][1]

    def test_only_the_last_suffix_is_cut(self, pair_up):
        pairs, rest = pair_up(["a.1.jpg", "a.2.jpg"], ["a.1.png", "a.2.png"])
        assert pairs == [("d/a.1.jpg", "r/a.1.png"), ("d/a.2.jpg", "r/a.2.png")]
        assert rest == []

    def test_accents_in_either_form(self, pair_up):
        name = "caf\u00e9"
        distorted = [unicodedata.normalize("NFD", name) + ".jpg"]
        pairs, rest = pair_up(distorted, [unicodedata.normalize("NFC", name) + ".png"])
        assert len(pairs) == 1
        assert rest == []

    @settings(max_examples=60)
    @given(name_sets, name_sets, st.randoms())
    def test_every_file_ends_in_one_place_whatever_the_order(self, distorted, reference, random):
        results = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder)
                random.shuffle(distorted)
                random.shuffle(reference)
                pairing = pair_images(fill(root / "d", distorted), fill(root / "r", reference))
                results.append(described(pairing, root))
        pairs, rest = (results[0][0], [path for path, _ in results[0][1]])
        assert [rest for rest, _ in results[0][1]] == [rest for rest, _ in results[1][1]]
        assert pairs == results[1][0]
        paired = [x for x, _ in pairs] + sorted({y for _, y in pairs})
        everything = [f"d/{name}" for name in distorted] + [f"r/{name}" for name in reference]
        assert sorted(paired + rest) == sorted(everything)
        for x, y in pairs:
            assert Path(x).with_suffix("").parts[1:] == Path(y).with_suffix("").parts[1:]


class TestFiles:
    def test_two_files_are_a_pair_whatever_their_names(self, tmp_path):
        fill(tmp_path, ["a.png", "b.dat"])
        pairing = pair_images(tmp_path / "a.png", str(tmp_path / "b.dat"))
        assert pairing.pairs == (Pair(tmp_path / "a.png", tmp_path / "b.dat"),)
        assert pairing.unpaired == ()

    def test_a_folder_against_one_reference(self, tmp_path):
        fill(tmp_path, ["d/b.png", "d/a.png", "d/s/c.png", "ref.png"])
        pairing = pair_images(tmp_path / "d", tmp_path / "ref.png")
        pairs, rest = described(pairing, tmp_path)
        assert pairs == [(f"d/{name}.png", "ref.png") for name in ("a", "b", "s/c")]
        assert rest == []

    @pytest.mark.parametrize(
        ("reference", "expected"),
        [
            (["a.jpg", "b.png"], "a.jpg"),
            (["a.jpg", "a.png"], "a.png"),
            (["s/a.jpg"], "s/a.jpg"),
            (["a.jpg", "a.webp"], None),
            (["b.png"], None),
        ],
    )
    def test_a_file_against_a_folder(self, tmp_path, reference, expected):
        fill(tmp_path, ["a.png", *(f"r/{name}" for name in reference)])
        pairing = pair_images(tmp_path / "a.png", tmp_path / "r")
        pairs, rest = described(pairing, tmp_path)
        assert pairs == ([("a.png", f"r/{expected}")] if expected else [])
        assert [path for path, _ in rest] == ([] if expected else ["a.png"])

    def test_missing_and_empty(self, tmp_path):
        fill(tmp_path, ["a.png", "d/notes.txt"])
        with pytest.raises(ImageError, match=r"absent\.png: no such file or folder \(reference\)"):
            pair_images(tmp_path / "a.png", tmp_path / "absent.png")
        with pytest.raises(ImageError, match=r"\(distorted\)"):
            pair_images(tmp_path / "absent", tmp_path / "a.png")
        for arguments in ((tmp_path / "d", tmp_path / "a.png"), (tmp_path, tmp_path / "d")):
            with pytest.raises(ImageError, match="d: holds no image"):
                pair_images(*arguments)
