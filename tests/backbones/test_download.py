"""Downloads against a server that cuts lines, ignores ranges and sends the wrong file."""

import hashlib
import io
import os
import random
import threading
from http import HTTPStatus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snellen.backbones import list_weights
from snellen.errors import WeightsError
from tests.backbones.inside import digest_file_sha256 as file_sha256
from tests.backbones.inside import download, offline_variable
from tests.backbones.inside import download_module as _download

from .serving import FileServer, ScriptedServer, http_answer

BODY = random.Random(0).randbytes(200_000)
DIGEST = hashlib.sha256(BODY).hexdigest()
BUSY = HTTPStatus.SERVICE_UNAVAILABLE
PASSING = [BUSY, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with FileServer() as running:
        running.files["/net.pth"] = BODY
        yield running


@pytest.fixture
def fetch(server, tmp_path):
    """Download the served file without waiting between tries."""

    def call(destination=tmp_path / "new" / "net.pth", path="/net.pth", **options):
        options = {"sha256": DIGEST, "backoff": 0.0, "timeout": 5.0, **options}
        return download(server.url(path), destination, **options)

    return call


def leftovers(folder):
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".lock"))


class TestArrival:
    def test_whole_file_and_nothing_else(self, fetch, server):
        path = fetch()
        assert path.read_bytes() == BODY
        assert leftovers(path.parent) == ["net.pth"]
        assert server.log == [None]

    def test_file_with_the_right_hash_is_not_fetched_again(self, fetch, server):
        fetch()
        fetch()
        assert len(server.log) == 1

    def test_file_with_another_hash_is_replaced(self, fetch, tmp_path):
        (tmp_path / "net.pth").write_bytes(b"old")
        assert fetch(tmp_path / "net.pth").read_bytes() == BODY

    def test_without_hash_an_old_part_is_not_trusted(self, fetch, server, tmp_path):
        (tmp_path / "net.pth.part").write_bytes(b"another file")
        assert fetch(tmp_path / "net.pth", sha256=None).read_bytes() == BODY
        assert server.log == [None]

    def test_prefix_is_enough(self, fetch):
        assert fetch(sha256=None, sha256_prefix=DIGEST[:8].upper()).read_bytes() == BODY

    def test_length_not_stated(self, fetch, server):
        server.states_length = False
        assert fetch().read_bytes() == BODY

    def test_file_address(self, tmp_path):
        source = tmp_path / "a file.pth"
        source.write_bytes(BODY)
        copy = download(source.as_uri(), tmp_path / "copy.pth", sha256=DIGEST)
        assert copy.read_bytes() == BODY

    def test_progress_is_reported_up_to_the_end(self, fetch, server):
        seen = []
        server.faults.append(1000)
        fetch(progress=lambda received, total: seen.append((received, total)))
        assert seen[-1] == (len(BODY), len(BODY))
        assert [received for received, _ in seen] == sorted(received for received, _ in seen)

    def test_no_bar_where_standard_error_is_no_terminal(self, fetch, capfd):
        fetch(progress=True)
        assert capfd.readouterr() == ("", "")

    def test_bar_on_a_terminal_goes_to_standard_error(self, fetch, capfd, monkeypatch):
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        fetch(progress=True)
        captured = capfd.readouterr()
        assert captured.out == ""
        assert "net.pth" in captured.err

    def test_proxy_of_the_environment_is_used(self, server, tmp_path, monkeypatch):
        address = "http://weights.invalid/net.pth"
        monkeypatch.delenv("no_proxy")
        monkeypatch.setenv("http_proxy", server.url(""))
        server.files[address] = BODY
        assert download(address, tmp_path / "net.pth", sha256=DIGEST).read_bytes() == BODY


class TestResume:
    def test_goes_on_after_a_cut(self, fetch, server):
        server.faults.append(70_000)
        assert fetch().read_bytes() == BODY
        assert server.log == [None, "bytes=70000-"]

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        cuts=st.lists(st.integers(0, 150_000) | st.sampled_from(PASSING), max_size=3),
        ranges=st.booleans(),
    )
    def test_any_three_faults_are_survived(self, fetch, server, tmp_path, cuts, ranges):
        (tmp_path / "net.pth").unlink(missing_ok=True)
        server.ranges = ranges
        server.faults.extend(cuts)
        assert fetch(tmp_path / "net.pth").read_bytes() == BODY
        assert leftovers(tmp_path) == ["net.pth"]

    def test_goes_on_in_a_later_call(self, fetch, server, tmp_path):
        server.faults.extend([50_000, BUSY])
        with pytest.raises(WeightsError, match=r"50000 bytes are kept in .*net\.pth\.part"):
            fetch(tmp_path / "net.pth", attempts=1)
        assert fetch(tmp_path / "net.pth").read_bytes() == BODY
        assert server.log == [None, "bytes=50000-", "bytes=50000-"]

    def test_server_without_ranges_starts_cleanly(self, fetch, server):
        server.ranges = False
        server.faults.append(70_000)
        assert fetch().read_bytes() == BODY

    def test_complete_part_is_only_named(self, fetch, tmp_path):
        (tmp_path / "net.pth.part").write_bytes(BODY)
        assert fetch(tmp_path / "net.pth").read_bytes() == BODY

    @pytest.mark.parametrize("size", [100, 300_000])
    def test_part_of_another_file_is_thrown_away(self, fetch, tmp_path, size):
        (tmp_path / "net.pth.part").write_bytes(bytes(size))
        assert fetch(tmp_path / "net.pth").read_bytes() == BODY

    def test_file_that_shrinks_under_way(self, fetch, server):
        def shrink(received, total):
            server.files["/net.pth"] = b"shorter"

        server.faults.append(70_000)
        assert fetch(sha256=None, progress=shrink).read_bytes() == b"shorter"


class TestRefusal:
    def test_wrong_hash_names_both_and_leaves_nothing(self, fetch, tmp_path):
        with pytest.raises(WeightsError) as caught:
            fetch(tmp_path / "net.pth", sha256="0" * 64)
        assert "0" * 64 in str(caught.value)
        assert DIGEST in str(caught.value)
        assert leftovers(tmp_path) == []

    def test_wrong_prefix(self, fetch):
        with pytest.raises(WeightsError, match="beginning with 00000000"):
            fetch(sha256=None, sha256_prefix="00000000")

    def test_missing_file_is_not_asked_for_twice(self, fetch, server):
        with pytest.raises(WeightsError, match="404"):
            fetch(path="/nothing.pth")
        assert len(server.log) == 1

    def test_gives_up_after_tries_that_bring_nothing(self, fetch, server):
        server.faults.extend([BUSY] * 10)
        with pytest.raises(WeightsError, match="503"):
            fetch(attempts=3)
        assert len(server.log) == 3

    def test_nobody_listens(self, tmp_path, monkeypatch):
        monkeypatch.setenv("no_proxy", "*")
        with FileServer() as closed:
            address = closed.url("/net.pth")
        with pytest.raises(WeightsError, match=r"cannot be downloaded: .*refused"):
            download(address, tmp_path / "net.pth", attempts=2, backoff=0.0)

    def test_waits_longer_after_each_fruitless_try(self, fetch, server, monkeypatch):
        pauses = []
        monkeypatch.setattr(_download.time, "sleep", pauses.append)
        server.faults.extend([BUSY] * 3)
        fetch(backoff=0.5)
        assert pauses == [0.5, 1.0, 2.0]

    @pytest.mark.parametrize("address", ["ftp://host/net.pth", "data:,x", "net.pth"])
    def test_other_kinds_of_address(self, address, tmp_path):
        with pytest.raises(WeightsError, match="http, https or file"):
            download(address, tmp_path / "net.pth")

    def test_missing_file_address(self, tmp_path):
        with pytest.raises(WeightsError, match="No such file"):
            download((tmp_path / "none").as_uri(), tmp_path / "net.pth")

    def test_folder_that_cannot_be_made(self, fetch, tmp_path):
        (tmp_path / "taken").write_text("a file, not a folder")
        with pytest.raises(WeightsError, match="cannot be written"):
            fetch(tmp_path / "taken" / "net.pth")


class TestHostileServers:
    @pytest.fixture
    def fetch_from(self, tmp_path, monkeypatch):
        """Download from a server that answers by a script; returns the error and the requests."""
        monkeypatch.setenv("no_proxy", "*")
        monkeypatch.setattr(_download.time, "sleep", lambda seconds: None)

        def call(script, **options):
            options = {"sha256": DIGEST, "timeout": 5.0, **options}
            with ScriptedServer(script) as server:
                with pytest.raises(WeightsError) as caught:
                    download(server.url("/net.pth"), tmp_path / "net.pth", **options)
                assert not (tmp_path / "net.pth").exists()
                return str(caught.value), server.requests

        return call

    def test_forged_ranges_end(self, fetch_from):
        def script(number, head):
            if "Range: bytes=" not in head:  # some of it, so that there is progress
                return http_answer(BODY[:1000], length=len(BODY))
            return http_answer(b"x", "206 Partial Content", Content_Range="bytes 7-7/200000")

        said, requests = fetch_from(script, attempts=3)
        assert "the server sent bytes from 7, not 1000" in said or "the line was cut" in said
        assert requests < 10

    def test_a_byte_at_a_time_ends(self, fetch_from):
        def script(number, head):
            start = int(head.partition("Range: bytes=")[2].partition("-")[0] or 0)
            answer = {"Content_Range": f"bytes {start}-{start}/{10**15}"}
            return http_answer(b"x", "206 Partial Content", **answer)

        said, requests = fetch_from(script, attempts=2)
        assert "the line was cut" in said
        assert requests == 100

    @pytest.mark.parametrize("stated", [True, False])
    def test_a_body_without_end_is_broken_off(self, fetch_from, tmp_path, stated):
        def script(number, head):
            lie = {"Content_Range": "bytes 0-99/100"} if stated else {}
            yield http_answer(b"", "206 Partial Content" if stated else "200 OK", False, **lie)
            while True:
                yield bytes(1 << 16)

        said, requests = fetch_from(script, most_bytes=1 << 20)
        assert f"more than the {100 if stated else 1 << 20} bytes expected" in said
        assert requests == 1
        assert not (tmp_path / "net.pth.part").exists()

    @pytest.mark.parametrize(
        "target", ["file:///etc/hostname", "ftp://127.0.0.1/net.pth", "data:,x", "gopher://a/b"]
    )
    def test_redirects_to_other_schemes(self, fetch_from, target):
        said, requests = fetch_from(lambda *_: http_answer(b"", "302 Found", Location=target))
        assert "redirects to" in said or "302" in said
        assert requests == 1

    def test_redirects_of_https_stay_there(self):
        handler = _download._SafeRedirects()
        asked = _download.urllib.request.Request("https://weights.example/net.pth")
        with pytest.raises(WeightsError, match=r"redirects to http://weights\.example/net\.pth"):
            handler.redirect_request(
                asked, io.BytesIO(), 302, "Found", {}, "http://weights.example/net.pth"
            )
        plain = _download.urllib.request.Request("http://weights.example/net.pth")
        new = handler.redirect_request(plain, io.BytesIO(), 302, "Found", {}, asked.full_url)
        assert new.full_url == asked.full_url

    def test_redirects_in_a_circle_with_endless_bodies(self, fetch_from):
        def script(number, head):
            yield http_answer(b"", "302 Found", False, Location="/again")
            while True:
                yield bytes(1 << 16)

        said, _ = fetch_from(script)
        assert "302" in said

    @pytest.mark.parametrize("length", ["²", "9" * 5000, "-1", "0x10", "1e3"])
    def test_lengths_that_are_none(self, fetch_from, length):
        said, _ = fetch_from(lambda *_: http_answer(b"no", length=length), attempts=1)
        assert "net.pth: " in said

    @pytest.mark.parametrize("target", ["http://127.0.0.1:99999/x", "http://[::1/x"])
    def test_redirects_to_impossible_addresses(self, fetch_from, target):
        said, _ = fetch_from(lambda *_: http_answer(b"", "302 Found", Location=target), attempts=1)
        assert "cannot be downloaded" in said

    def test_pipe_behind_a_file_address(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(WeightsError, match="no regular file but a pipe"):
            download((tmp_path / "pipe").as_uri(), tmp_path / "net.pth")


def test_registered_sizes_bound_the_transfer():
    sizes = {record.name: record.most_bytes for record in list_weights()}
    assert sizes["lpips-alex"] == 6009
    assert all(6000 <= size <= 64 << 30 for size in sizes.values())


def test_many_at_once_fetch_once(fetch, server, tmp_path):
    threads = [threading.Thread(target=fetch, args=(tmp_path / "net.pth",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "net.pth").read_bytes() == BODY
    assert len(server.log) == 1


class TestDigest:
    def test_of_a_known_text(self, tmp_path):
        (tmp_path / "abc").write_bytes(b"abc")  # the example of FIPS 180-4
        expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        assert file_sha256(tmp_path / "abc") == expected

    def test_follows_a_change_of_the_file(self, tmp_path):
        (tmp_path / "file").write_bytes(b"one")
        before = file_sha256(tmp_path / "file")
        (tmp_path / "file").write_bytes(b"two, longer")
        assert file_sha256(tmp_path / "file") != before

    def test_missing(self, tmp_path):
        with pytest.raises(WeightsError, match="cannot be read"):
            file_sha256(tmp_path / "none")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"SNELLEN_OFFLINE": "0"}, None),
        ({"SNELLEN_OFFLINE": "1"}, "SNELLEN_OFFLINE"),
        ({"HF_HUB_OFFLINE": "True"}, "HF_HUB_OFFLINE"),
    ],
)
def test_offline_variable(environment, expected, monkeypatch):
    for name in ("SNELLEN_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert offline_variable() == expected
