"""Sources that mean harm: special files, tables that reach for local files, endless bodies."""

import io
import os
import tarfile
import threading
from concurrent.futures import Future
from itertools import repeat

import fsspec
import pyarrow
import pyarrow.parquet
import pytest

from snellen.errors import ImageError, SourceError
from snellen.runs import open_source, score
from tests.backbones.serving import ScriptedServer, http_answer
from tests.runs.folders import folder_of, png


def in_time(call, seconds=20):
    """Return what a call returns, or fail where it waits for ever."""
    done = Future()

    def run():
        try:
            done.set_result(call())
        except Exception as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done.result(seconds)


def rows_of(source, metric, reference=None):
    return in_time(lambda: list(score(source, metric, reference=reference)))


class TestSpecialFiles:
    @pytest.fixture
    def pipe(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.png")
        return tmp_path / "pipe.png"

    def test_a_list_of_file_addresses(self, tmp_path, pipe):
        good = folder_of(tmp_path / "a folder", 1)[0]
        names = [pipe.as_uri(), "file:///dev/zero", good.as_uri(), f"FILE://localhost{good}"]
        (tmp_path / "list.txt").write_text("\n".join(names))
        rows = rows_of(tmp_path / "list.txt", "psnr", good)
        assert ["no regular file" in str(row["error"]) for row in rows] == [
            True,
            True,
            False,
            False,
        ]
        assert [row["error"] for row in rows[2:]] == [None, None]

    def test_named_directly_or_as_reference(self, tmp_path, pipe):
        good = folder_of(tmp_path / "good", 1)[0]
        for image, reference in [(pipe, good), (pipe.as_uri(), good), (good, pipe)]:
            (row,) = rows_of(image, "psnr", reference)
            assert "is no regular file but a pipe" in row["error"]

    @pytest.mark.parametrize("suffix", [".csv", ".txt", ".parquet", ".tar"])
    def test_as_tables(self, tmp_path, suffix):
        os.mkfifo(tmp_path / f"pipe{suffix}")

        def ask():
            with pytest.raises((SourceError, ImageError), match="no regular file"):
                next(iter(open_source(tmp_path / f"pipe{suffix}"))).image.open()
            return True

        assert in_time(ask)


class TestAddresses:
    @pytest.mark.parametrize(
        "name",
        ["nothere://x/a.png", "zip://a.png::file:///etc/x.zip", "simplecache::s3://b/a.png",
         "dir://x::file:///etc", "reference://x", "github://a:b@/x.png"],
    )  # fmt: skip
    def test_schemes_that_are_not_fetched(self, name, tmp_path):
        with pytest.raises(
            SourceError, match="expected a path, or an address that begins with one"
        ):
            open_source(name)
        (tmp_path / "list.txt").write_text(f"{name}\n")
        (item,) = open_source(tmp_path / "list.txt")
        assert "row 1 of" in item.problem
        assert "an address that begins with one of" in item.problem

    def test_file_of_another_machine(self):
        with pytest.raises(SourceError, match="a file of another machine, host"):
            open_source("file://host/a.png")


@pytest.fixture
def secret(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"a secret that is no image")
    return tmp_path / "secret.png"


def steps_up(path):
    return "../" * 20 + str(path).lstrip("/")


class TestFetchedTables:
    """Whoever wrote a table that was fetched shall not choose which local files are read."""

    @pytest.fixture(params=["memory", "http"])
    def publish(self, request):
        """Publish a table, and return its address."""
        if request.param == "memory":
            store = fsspec.filesystem("memory")
            yield (
                lambda name, data: (
                    store.pipe(f"/hostile/{name}", data) or f"memory://hostile/{name}"
                )
            )
            store.rm("/hostile", recursive=True)
            return
        pytest.importorskip("aiohttp")
        files = {"/x.png": png(1)}
        with ScriptedServer(lambda number, head: _answer(files, head)) as server:
            yield lambda name, data: files.__setitem__(f"/{name}", data) or server.url(f"/{name}")

    @pytest.mark.parametrize("kind", [str, lambda path: path.as_uri(), steps_up, "local://{}".format,
                                      lambda path: f"FiLe://{path}"])  # fmt: skip
    @pytest.mark.parametrize(
        ("form", "column"),
        [("list.txt", "image"), ("table.csv", "image"), ("table.csv", "reference"),
         ("table.parquet", "image"), ("table.parquet", "reference")],
    )  # fmt: skip
    def test_name_no_local_file(self, publish, secret, kind, form, column):
        row = {"image": "x.png", **({"reference": "x.png"} if column == "reference" else {})}
        row[column] = kind(secret)
        if form == "list.txt":
            data = row["image"].encode()
        elif form == "table.csv":
            data = f"{','.join(row)}\n{','.join(row.values())}\n".encode()
        else:
            buffer = io.BytesIO()
            pyarrow.parquet.write_table(pyarrow.table({k: [v] for k, v in row.items()}), buffer)
            data = buffer.getvalue()
        address = publish(form, data)
        (item,) = in_time(lambda: list(open_source(address)))
        if kind is steps_up:  # stays within the store
            location = item.reference if column == "reference" else item.image
            assert location.url.startswith(address.rpartition("/")[0])
            with pytest.raises(ImageError):
                location.open()
        else:
            assert "is a local file, and the table was fetched" in item.problem
        (scored,) = rows_of(address, "psnr" if column == "reference" else "ddr")
        assert scored["error"]
        assert "a secret" not in str(scored)
        assert column == "reference" or scored["sha256"] is None


def _answer(files, head):
    path = head.split()[1]
    if path not in files:
        return http_answer(b"", "404 Not Found")
    if head.startswith("HEAD"):
        return http_answer(b"", length=len(files[path]), Accept_Ranges="bytes")
    start, _, end = head.lower().partition("range: bytes=")[2].split("\r")[0].partition("-")
    if not start:
        return http_answer(files[path])
    part = files[path][int(start) : int(end) + 1]
    said = f"bytes {start}-{int(start) + len(part) - 1}/{len(files[path])}"
    return http_answer(part, "206 Partial Content", Content_Range=said)


class TestLimits:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        pytest.importorskip("aiohttp")
        monkeypatch.setenv("SNELLEN_FETCH_BYTES", "100000")
        monkeypatch.setenv("SNELLEN_FETCH_SECONDS", "10")

    @pytest.mark.parametrize("name", ["x.png", "list.txt", "table.csv"])
    @pytest.mark.parametrize("length", [False, 10**15])
    def test_a_body_without_end(self, name, length):
        def script(number, head):
            yield http_answer(b"", length=length)
            yield from repeat(b"a.png\n" * 10000)

        with ScriptedServer(script) as server:
            said = in_time(lambda: _error(server.url(f"/{name}")))
        assert "over the limit of 100000 bytes; SNELLEN_FETCH_BYTES" in said

    @pytest.mark.parametrize(
        ("name", "drips"),
        [("x.png", False), ("x.png", True), ("table.csv", False), ("list.txt", True),
         ("x.tar", False), ("x.tar", True), ("x.parquet", False)],
    )  # fmt: skip
    def test_a_silent_or_dripping_server(self, name, drips, monkeypatch):
        monkeypatch.setenv("SNELLEN_FETCH_SECONDS", "0.5")
        done = threading.Event()

        def script(number, head):
            if drips:
                yield http_answer(b"", length=10**6, Accept_Ranges="bytes")
            while not done.wait(0.2):
                yield b"a" if drips else b""

        with ScriptedServer(script) as server:
            said = in_time(lambda: _error(server.url(f"/{name}")))
            done.set()
        assert "no answer within 0.5 seconds; SNELLEN_FETCH_SECONDS" in said

    def test_a_member_larger_than_the_limit(self, tmp_path):
        store = fsspec.filesystem("memory")
        with io.BytesIO() as buffer:
            with tarfile.open(fileobj=buffer, mode="w") as archive:
                info = tarfile.TarInfo("a.png")
                info.size = 200_000
                archive.addfile(info, io.BytesIO(bytes(200_000)))
            store.pipe("/hostile/x.tar", buffer.getvalue())
        (item,) = open_source("memory://hostile/x.tar")
        with pytest.raises(ImageError, match=r"a\.png.*over the limit of 100000 bytes"):
            item.image.open()
        store.rm("/hostile", recursive=True)

    def test_a_server_that_minds_no_range(self):
        with io.BytesIO() as buffer:
            with tarfile.open(fileobj=buffer, mode="w") as archive:
                for i in range(3):
                    info = tarfile.TarInfo(f"{i}.png")
                    info.size = len(png(i))
                    archive.addfile(info, io.BytesIO(png(i)))
            files = {"/x.tar": buffer.getvalue()}
        stubborn = []

        def script(number, head):
            return http_answer(files["/x.tar"]) if stubborn else _answer(files, head)

        with ScriptedServer(script) as server:
            items = list(open_source(server.url("/x.tar")))
            for _ in range(2):
                assert [item.image.open().read() for item in items] == [png(i) for i in range(3)]
                stubborn.append(True)

    @pytest.mark.parametrize("value", ["0", "-3", "much", "nan", "inf"])
    def test_settings_that_are_none(self, monkeypatch, value):
        monkeypatch.setenv("SNELLEN_FETCH_SECONDS", value)
        with pytest.raises(SourceError, match="SNELLEN_FETCH_SECONDS: expected a positive number"):
            open_source("memory://nobody/x.csv")


def _error(address):
    try:
        for item in open_source(address):
            item.image.open()
    except (SourceError, ImageError) as error:
        return str(error)
    return ""


class TestDamage:
    @pytest.mark.parametrize(
        "headers",
        [{"GNU.sparse.map": "a,b"}, {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}, {}],
    )
    def test_pax_headers(self, tmp_path, headers):
        path = tmp_path / "pax.tar"

        def write(*extra):
            with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
                for i, own in enumerate(extra):
                    info = tarfile.TarInfo(f"{i}.png")
                    info.size, info.pax_headers = len(png(i)), {"comment": "x" * 40, **own}
                    archive.addfile(info, io.BytesIO(png(i)))
            if not headers:  # a record that says it is of no length
                data = path.read_bytes()
                place = data.rindex(b" comment=") - 2
                path.write_bytes(data[:place] + b"00" + data[place + 2 :])

        write(headers)
        with pytest.raises(SourceError, match=r"pax\.tar: damaged tar file: [^\n]+$"):
            open_source(path)
        write({}, headers)
        first, last = open_source(path)
        assert first.image.open().read() == png(0)
        assert "damaged tar file" in last.problem

    def test_negative_sizes_do_not_turn_in_circles(self, tmp_path):
        path = tmp_path / "back.tar"
        with tarfile.open(path, "w") as archive:
            archive.addfile(tarfile.TarInfo("a.png"))
        data = bytearray(path.read_bytes())
        data[124:136] = (-1024 % 256**12).to_bytes(12, "big")
        data[148:156] = b" " * 8
        data[148:156] = b"%06o\0 " % sum(data[:512])
        path.write_bytes(data)

        def ask():
            with pytest.raises(SourceError, match="damaged tar file"):
                list(open_source(path))
            return True

        assert in_time(ask)

    @pytest.mark.parametrize("place", [10, -8, -200])
    def test_parquet(self, tmp_path, place):
        table = pyarrow.table({"image": [f"{i}.png" for i in range(1000)]})
        pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
        data = bytearray((tmp_path / "t.parquet").read_bytes())
        data[place : place + 7] = b"\xff" * 8 if place > 0 else b"\x7f" * 7
        (tmp_path / "t.parquet").write_bytes(data)
        with pytest.raises(SourceError, match=r"t\.parquet: cannot be read as Parquet: [^\n]+$"):
            list(open_source(tmp_path / "t.parquet"))

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            ("image\na.png\n".encode("utf-16"), "expected text in UTF-8, found UTF-16"),
            (b"image\ncaf\xe9.png\n", "expected text in UTF-8, found the byte 0xe9"),
            (b"image\n" + b"a" * 200_000 + b"\n", "cannot be read as CSV: field larger than"),
        ],
    )
    def test_csv(self, tmp_path, data, said):
        (tmp_path / "t.csv").write_bytes(data)
        with pytest.raises(SourceError, match=f"t\\.csv: {said}"):
            list(open_source(tmp_path / "t.csv"))
