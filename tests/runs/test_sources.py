"""Where images come from: the same images, whatever names them."""

import csv
import io
import pickle
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import fsspec
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import ImageError, SourceError
from snellen.runs import Source, open_source, parse_shard
from tests.runs.folders import folder_of, png
from tests.runs.inside import Item, Location


def contents(source):
    """Read the bytes of every image, and of every reference."""
    found = []
    for item in source:
        with item.image.open() as image:
            data = image.read()
        if item.reference is None:
            found.append((data, None))
        else:
            with item.reference.open() as reference:
                found.append((data, reference.read()))
    return found


def tar_of(path, members):
    with tarfile.open(path, "w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def images(tmp_path):
    return folder_of(tmp_path / "images", 5)


def test_a_folder_a_pattern_a_list_and_tables_name_the_same_images(images, tmp_path):
    expected = [(png(i), None) for i in range(5)]
    folder = images[0].parent
    (tmp_path / "list.txt").write_text("".join(f"images/{p.name}\n" for p in images) + "\n")
    with (tmp_path / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["image", "camera"], *([f"images/{p.name}", "a,b"] for p in images)])
    table = pyarrow.table({"image": [str(p) for p in images], "level": [1, 2, 3, 4, 5]})
    pyarrow.parquet.write_table(table, tmp_path / "table.parquet")
    named = [folder, f"{folder}/*.png", list(images), tmp_path / "list.txt",
             tmp_path / "table.csv", tmp_path / "table.parquet"]  # fmt: skip
    for one in named:
        source = open_source(one)
        assert contents(source) == expected, one
        assert source.count in (5, None), one
        assert not source.has_references, one
    assert open_source(named[4]).columns == {"camera": "string"}
    assert [item.columns for item in open_source(named[4])] == [{"camera": "a,b"}] * 5
    assert [item.columns["level"] for item in open_source(named[5])] == [1, 2, 3, 4, 5]
    assert open_source(named[5]).columns == {"level": "int64"}


def test_several_sources_follow_each_other(images, tmp_path):
    folder_of(tmp_path / "more", 2)
    source = open_source([images[4], tmp_path / "more", f"{images[0].parent}/000[01].png"])
    assert [data for data, _ in contents(source)] == [png(i) for i in (4, 0, 1, 0, 1)]
    assert source.count == 5


def test_references_by_one_file_by_folder_and_by_table(images, tmp_path):
    references = folder_of(tmp_path / "references", 4)
    expected = [(png(i), png(i)) for i in range(4)]
    folder = images[0].parent
    for named in (folder, f"{folder}/*.png", list(images)):
        found = list(open_source(named, references[0].parent))
        assert [p is None for p in (i.problem for i in found)] == [True] * 4 + [False]
        assert "0004" in found[4].problem
        assert contents(found[:4]) == expected
    shared = open_source(folder, references[2])
    assert shared.has_references
    assert [reference for _, reference in contents(shared)] == [png(2)] * 5
    (tmp_path / "t.csv").write_text(
        "reference,image,id\nreferences/0001.png,images/0000.png,x\n,images/0001.png,y\n,,z\n"
    )
    first, second, third = open_source(tmp_path / "t.csv")
    assert contents([first]) == [(png(0), png(1))]
    assert second.reference is None
    assert "row 3" in third.problem
    assert [i.columns["id"] for i in (first, second, third)] == ["x", "y", "z"]


def test_tar_files_in_webdataset_layout(tmp_path):
    members = [
        ("a/001.jpg", png(1)), ("a/001.ref.png", png(2)), ("a/001.json", b"{}"),
        ("a/002.cls", b"3"), ("a/002.PNG", png(3)), ("a/002.mask.png", png(9)),
        ("a/003.json", b"{}"),
        ("a/.hidden.png", b"?"),
    ]  # fmt: skip
    tar_of(tmp_path / "s-0.tar", members)
    tar_of(tmp_path / "s-1.tar", [("x.png", png(4))])
    for named in ([tmp_path / "s-0.tar", tmp_path / "s-1.tar"], f"{tmp_path}/s-*.tar"):
        first, second, third, fourth = open_source(named)
        assert contents([first, second, fourth]) == [
            (png(1), png(2)), (png(3), None), (png(4), None),
        ]  # fmt: skip
        assert "a/003: this sample holds no image" in third.problem
    assert first.image.name == f"{tmp_path}/s-0.tar::a/001.jpg"
    assert open_source(named).has_references


def test_a_tar_file_that_is_cut_off_says_so_in_a_row(tmp_path):
    whole = tar_of(tmp_path / "whole.tar", [(f"{i}.png", png(i, 60, 60)) for i in range(3)])
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[:-25_000])
    first, second, last = open_source(cut)
    assert contents([first]) == [(png(0, 60, 60), None)]
    with pytest.raises(ImageError, match=r"1\.png: the tar file ends within this member"):
        second.image.open()
    assert "damaged tar file" in last.problem


def test_memory_file_system_of_fsspec(images):
    store = fsspec.filesystem("memory")
    store.rm("/bucket", recursive=True) if store.exists("/bucket") else None
    for i in range(3):
        store.pipe(f"/bucket/deep/{i}.png", png(i))
    store.pipe("/bucket/notes.md", b"no image")
    store.pipe("/bucket/t.csv", b"image,reference\ndeep/0.png,deep/1.png\n")
    expected = [(png(i), None) for i in range(3)]
    assert contents(open_source("memory://bucket")) == expected
    assert contents(open_source("memory://bucket/deep/*.png")) == expected
    assert contents(open_source("memory://bucket/t.csv")) == [(png(0), png(1))]
    (item,) = open_source("memory://bucket/deep/1.png", "memory://bucket/deep/0.png")
    assert contents([item]) == [(png(1), png(0))]
    before = [item.identity() for item in open_source("memory://bucket")]
    store.pipe("/bucket/deep/1.png", png(7))
    after = [item.identity() for item in open_source("memory://bucket")]
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, False, True]


@pytest.fixture
def server(tmp_path):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    folder = tmp_path / "served"
    folder_of(folder, 2)
    (folder / "t.csv").write_text("image\n0001.png\ngone.png\n")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_files_of_a_web_server(server):
    pytest.importorskip("aiohttp", reason="HTTP needs aiohttp: it comes with the extra 'cloud'")
    assert contents(open_source(f"{server}/0000.png")) == [(png(0), None)]
    first, gone = open_source(f"{server}/t.csv")
    assert contents([first]) == [(png(1), None)]
    with pytest.raises(ImageError, match=r"gone\.png: no such file"):
        gone.image.open()
    for name in ("gone.csv", "gone.tar"):
        with pytest.raises(SourceError, match=f"{name}: no such file"):
            open_source(f"{server}/{name}")


def test_names_may_come_from_any_iterable(images):
    assert contents(open_source(path for path in images)) == [(png(i), None) for i in range(5)]


def test_what_is_not_there_is_said(images, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.csv").write_text("picture\na.png\n")
    (tmp_path / "bad.parquet").write_bytes(b"no table")
    (tmp_path / "c.tar").write_bytes(b"\x1f\x8b" + bytes(100))
    (tmp_path / "latin.csv").write_bytes("image,by\na.png,Ren\xe9\n".encode("latin-1"))
    (tmp_path / "latin.txt").write_bytes("caf\xe9.png\n".encode("latin-1"))
    (tmp_path / "twice.csv").write_text("image,image\na.png,b.png\n")
    (tmp_path / "header.csv").write_text("image,reference\n")
    (tmp_path / "nothing.txt").write_text("\n\n")
    (tmp_path / "good.csv").write_text("image\na.png\n")
    tar_of(tmp_path / "good.tar", [("x.png", png(4))])
    cases = [
        (tmp_path / "gone", None, "no such file or folder"),
        (tmp_path / "empty", None, "holds no image"),
        (f"{tmp_path}/*.jpg", None, "no file fits"),
        (tmp_path / "bad.csv", None, "expected a column 'image'; its columns: picture"),
        (tmp_path / "bad.parquet", None, "cannot be read as Parquet"),
        (tmp_path / "c.tar", None, "is compressed"),
        (images[0].parent, tmp_path / "gone", "no such file or folder of references"),
        (tmp_path / "latin.csv", None, "latin.csv: expected text in UTF-8, found the byte 0xe9"),
        (tmp_path / "latin.txt", None, "latin.txt: expected text in UTF-8, found the byte 0xe9"),
        (tmp_path / "twice.csv", None, "expected one column 'image', found several"),
        (tmp_path / "header.csv", None, "header.csv: names no image"),
        (tmp_path / "nothing.txt", None, "nothing.txt: names no image"),
        (tmp_path / "good.csv", tmp_path / "gone.png", "gone.png: no such reference"),
        (tmp_path / "good.csv", images[0].parent, "give a table a column 'reference'"),
        (tmp_path / "good.tar", tmp_path / "gone.png", "gone.png: no such reference"),
        (tmp_path / "good.tar", images[0].parent, "KEY.ref.png"),
        ([], None, "no source was given"),
        ([b"a.png"], None, "source: expected names of files or folders, got bytes"),
        (7, None, "got int; images in memory are scored by snellen.create_metric"),
        (images[0], [images[0]], "reference: expected names of files or folders, got list"),
        ("nothere://x/a.png", None, "nothere"),
        ("memory://nobody", None, "no image is there"),
    ]
    for named, reference, message in cases:
        with pytest.raises(SourceError) as caught:
            list(open_source(named, reference))
        assert message in str(caught.value), named


def test_items_are_small_and_travel_to_other_processes(images):
    item = Item(Location(str(images[0])), None, {"a": 1})
    data = pickle.dumps(item)
    assert pickle.loads(data) == item
    assert len(data) < 500


def test_identity_changes_with_the_file_and_with_carried_values(images):
    item = Item(Location(str(images[0])), Location(str(images[1])), {"a": 1})
    first = item.identity()
    assert Item(item.image, item.reference, {"a": 1}).identity() == first
    assert Item(item.image, item.reference, {"a": 2}).identity() != first
    assert Item(item.image, None, {"a": 1}).identity() != first
    images[1].write_bytes(png(77))
    assert item.identity() != first


@given(
    size=st.integers(0, 60),
    limit=st.none() | st.integers(0, 70),
    parts=st.integers(1, 9),
    counted=st.booleans(),
)
def test_shards_partition_the_limited_source(size, limit, parts, counted):
    items = [Item(Location(str(i))) for i in range(size)]
    source = Source(lambda: items, count=size if counted else None)
    shards = [source.select(limit, (part, parts)) for part in range(1, parts + 1)]
    found = [list(shard) for shard in shards]
    expected = items if limit is None else items[:limit]
    assert sorted(i.image.url for s in found for i in s) == sorted(i.image.url for i in expected)
    assert max(map(len, found)) - min(map(len, found)) <= 1
    if counted:
        assert [shard.count for shard in shards] == [len(one) for one in found]
    else:
        assert parts == 1 or all(shard.count is None for shard in shards)


@pytest.mark.parametrize("text", ["0/4", "5/4", "a/b", "1", "1/0", "-1/2"])
def test_shards_that_do_not_exist(text):
    with pytest.raises(SourceError, match="PART/PARTS"):
        parse_shard(text)
