"""Downloads against a server that cuts lines, ignores ranges and sends the wrong file."""

import hashlib
import random
import threading
from http import HTTPStatus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snellen.errors import WeightsError
from tests.backbones.inside import digest_file_sha256 as file_sha256
from tests.backbones.inside import download, offline_variable
from tests.backbones.inside import download_module as _download

from .serving import FileServer

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
