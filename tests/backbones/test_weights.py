"""The registry against what is installed, and the search for files in all its orders."""

import dataclasses
import hashlib
import importlib.util
import logging
import os
from pathlib import Path

import pytest
import torchvision

from snellen.errors import WeightsError
from tests.backbones.inside import (
    cache_directory,
    fetch_url,
    fetch_weights,
    find_weights,
    list_weights,
    verify_weights,
    weights_copies,
    weights_directories,
    weights_record,
)
from tests.backbones.inside import weights_file_sha256 as file_sha256
from tests.backbones.inside import weights_module as _weights
from tests.backbones.inside import weights_registry_module as _weights_registry

from .serving import FileServer

BODY = b"the weights of a small network"
VARIABLES = ("SNELLEN_CACHE", "SNELLEN_WEIGHTS", "SNELLEN_OFFLINE", "HF_HUB_OFFLINE")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Three empty folders in the order of the search: own, cache, torch's."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("SNELLEN_WEIGHTS", str(tmp_path / "own"))
    monkeypatch.setenv("SNELLEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path / "hub"))
    folders = weights_directories()
    for folder in folders:
        folder.mkdir(parents=True)
    return folders


@pytest.fixture
def server():
    with FileServer() as running:
        running.files["/tiny-v1.pth"] = BODY
        yield running


@pytest.fixture
def tiny(server, monkeypatch):
    """A registry that holds one small file of the local server."""
    record = dataclasses.replace(
        list_weights()[0],
        name="tiny",
        url=server.url("/tiny-v1.pth"),
        filename="tiny-v1.pth",
        sha256=hashlib.sha256(BODY).hexdigest(),
    )
    for module in (_weights, _weights_registry):
        monkeypatch.setattr(module, "list_weights", lambda: (record,))
    return record


class TestRegistry:
    @pytest.mark.parametrize("record", list_weights(), ids=lambda record: record.name)
    def test_row_is_complete(self, record):
        digits = record.sha256 or record.sha256_prefix
        assert set(digits) <= set("0123456789abcdef")
        assert len(record.sha256 or "0" * 64) == 64
        assert record.url.startswith("https://")
        assert Path(record.filename).name == record.filename
        assert (record.size is None) != (record.stated_mib is None)
        for text in (record.licence, record.licence_note, record.source, record.citation):
            assert text.strip() == text != ""
        assert record.used_by

    def test_names_and_files_are_unique(self):
        for field in ("name", "filename", "url"):
            values = [getattr(record, field) for record in list_weights()]
            assert len(set(values)) == len(values)

    @pytest.mark.parametrize(
        "record", [r for r in list_weights() if r.tag == "imagenet"], ids=lambda r: r.name
    )
    def test_networks_as_torchvision_states_them(self, record):
        weights = torchvision.models.get_model_weights(record.name)["IMAGENET1K_V1"]
        assert record.url == weights.url
        assert record.filename == f"{weights.url.rpartition('/')[2]}"
        assert f"-{record.sha256_prefix}." in record.filename
        assert record.stated_mib == weights.meta["_file_size"]

    @pytest.mark.parametrize(
        ("name", "package", "file"),
        [
            ("lpips-alex", "lpips", "weights/v0.1/alex.pth"),
            ("lpips-vgg", "lpips", "weights/v0.1/vgg.pth"),
            ("lpips-squeeze", "lpips", "weights/v0.1/squeeze.pth"),
            ("dists", "DISTS_pytorch", "weights.pt"),
        ],
    )
    def test_heads_as_their_packages_ship_them(self, name, package, file):
        content = (Path(importlib.util.find_spec(package).origin).parent / file).read_bytes()
        record = weights_record(name)
        assert record.sha256 == hashlib.sha256(content).hexdigest()
        assert record.size == len(content)
        assert record.url.endswith(file)

    def test_other_torchvision_network(self):
        record = weights_record("densenet121")
        assert record.filename == "densenet121-a639ec97.pth"
        assert record.sha256_prefix == "a639ec97"
        assert record.licence == "unknown"

    def test_each_torchvision_network_has_a_record(self):
        for name in torchvision.models.list_models(module=torchvision.models):
            assert weights_record(name).url.startswith("https://"), name

    def test_unknown_name(self):
        with pytest.raises(WeightsError, match=r"vgg61: no weights .*vgg16"):
            weights_record("vgg61")


class TestDirectories:
    @pytest.mark.parametrize(
        ("environment", "expected"),
        [
            ({"SNELLEN_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a/weights"),
            ({"XDG_CACHE_HOME": "/b"}, "/b/snellen/weights"),
            ({}, "~/.cache/snellen/weights"),
        ],
    )
    def test_cache(self, environment, expected, monkeypatch):
        for name in ("SNELLEN_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert cache_directory() == Path(expected).expanduser()

    def test_own_folder_first_torch_last(self, places, tmp_path):
        assert places == (
            tmp_path / "own",
            tmp_path / "cache" / "weights",
            tmp_path / "hub" / "checkpoints",
        )

    def test_without_own_folder(self, places, monkeypatch):
        monkeypatch.delenv("SNELLEN_WEIGHTS")
        assert weights_directories() == places[1:]


class TestFind:
    @pytest.mark.parametrize("place", range(3))
    def test_in_each_place(self, places, tiny, place):
        (places[place] / tiny.filename).write_bytes(BODY)
        assert find_weights("tiny") == places[place] / tiny.filename

    def test_first_place_wins(self, places, tiny):
        for folder in places:
            (folder / tiny.filename).write_bytes(BODY)
        assert weights_copies("tiny") == [folder / tiny.filename for folder in places]
        assert find_weights("tiny") == places[0] / tiny.filename

    def test_nowhere(self, places, tiny):
        assert find_weights("tiny") is None

    def test_wrong_file_is_passed_over_with_a_warning(self, places, tiny, caplog):
        (places[0] / tiny.filename).write_bytes(b"something else")
        (places[2] / tiny.filename).write_bytes(BODY)
        with caplog.at_level(logging.WARNING, logger="snellen"):
            assert find_weights("tiny") == places[2] / tiny.filename
        assert str(places[0] / tiny.filename) in caplog.text


class TestFetch:
    def test_downloads_once_into_the_cache(self, places, tiny, server):
        path = fetch_weights("tiny")
        assert path == places[1] / tiny.filename
        assert path.read_bytes() == BODY
        assert fetch_weights("tiny") == path
        assert len(server.log) == 1

    def test_file_at_hand_needs_no_network(self, places, tiny, server, monkeypatch):
        monkeypatch.setenv("SNELLEN_OFFLINE", "1")
        (places[2] / tiny.filename).write_bytes(BODY)
        assert fetch_weights("tiny") == places[2] / tiny.filename
        assert server.log == []

    def test_damaged_file_in_the_cache_is_replaced(self, places, tiny):
        (places[1] / tiny.filename).write_bytes(BODY[:5])
        assert fetch_weights("tiny").read_bytes() == BODY

    def test_into_a_folder_by_download(self, places, tiny, tmp_path):
        assert fetch_weights("tiny", directory=tmp_path / "usb") == tmp_path / "usb" / tiny.filename
        assert weights_copies("tiny") == []

    def test_into_a_folder_by_copy(self, places, tiny, tmp_path, server, monkeypatch):
        monkeypatch.setenv("SNELLEN_OFFLINE", "1")
        (places[1] / tiny.filename).write_bytes(BODY)
        assert fetch_weights("tiny", directory=tmp_path / "a b").read_bytes() == BODY
        assert server.log == []

    @pytest.mark.parametrize("variable", ["SNELLEN_OFFLINE", "HF_HUB_OFFLINE"])
    def test_offline_says_what_to_do(self, places, tiny, server, monkeypatch, variable):
        monkeypatch.setenv(variable, "1")
        with pytest.raises(WeightsError) as caught:
            fetch_weights("tiny")
        wanted = [variable, tiny.url, tiny.sha256, tiny.filename, "--weights FILE", "weights=FILE"]
        for text in [*wanted, "SNELLEN_WEIGHTS", *map(str, places)]:
            assert text in str(caught.value)
        assert server.log == []

    def test_failed_download_says_what_to_do_and_what_was_found(self, places, tiny, server):
        server.files.clear()
        (places[0] / tiny.filename).write_bytes(b"abc")
        with pytest.raises(WeightsError) as caught:
            fetch_weights("tiny")
        message = str(caught.value)
        assert "404" in message
        assert tiny.sha256 in message
        assert f"passed over: {places[0] / tiny.filename}" in message
        assert hashlib.sha256(b"abc").hexdigest() in message

    def test_address_with_digits_in_its_name(self, places, server):
        name = f"net-{hashlib.sha256(BODY).hexdigest()[:8]}.pth"
        server.files[f"/{name}"] = BODY
        assert fetch_url(server.url(f"/{name}")) == places[1] / name
        server.files["/net-00000000.pth"] = BODY
        with pytest.raises(WeightsError, match="begins with 00000000"):
            fetch_url(server.url("/net-00000000.pth"))

    def test_address_of_the_registry_has_its_full_hash(self, places, tiny, server):
        server.files["/tiny-v1.pth"] = b"something else"
        with pytest.raises(WeightsError, match=tiny.sha256):
            fetch_url(tiny.url)


class TestVerify:
    def test_every_copy_of_a_name(self, places, tiny):
        for folder in places[1:]:
            (folder / tiny.filename).write_bytes(BODY)
        assert verify_weights("tiny") == [folder / tiny.filename for folder in places[1:]]

    def test_one_damaged_copy_is_enough(self, places, tiny):
        (places[0] / tiny.filename).write_bytes(BODY)
        (places[1] / tiny.filename).write_bytes(BODY + b"!")
        with pytest.raises(WeightsError, match=rf"cache.*{tiny.sha256}.*found [0-9a-f]{{64}}"):
            verify_weights("tiny")

    def test_name_that_is_not_here(self, places, tiny):
        with pytest.raises(WeightsError, match=r"tiny-v1\.pth .* is in none of"):
            verify_weights("tiny")

    def test_file_by_name_and_by_content(self, tiny, tmp_path):
        for name in (tiny.filename, "renamed.pth"):
            (tmp_path / name).write_bytes(BODY)
            assert verify_weights(tmp_path / name) == [tmp_path / name]

    def test_damaged_file(self, tiny, tmp_path):
        (tmp_path / tiny.filename).write_bytes(b"x")
        with pytest.raises(WeightsError, match="Remove the file"):
            verify_weights(tmp_path / tiny.filename)

    def test_file_that_nobody_knows(self, tiny, tmp_path):
        (tmp_path / "mine.pth").write_bytes(b"x")
        with pytest.raises(WeightsError, match="in the registry") as caught:
            verify_weights(tmp_path / "mine.pth")
        assert file_sha256(tmp_path / "mine.pth") in str(caught.value)

    def test_name_wins_over_a_file_of_that_name(self, places, tiny, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("tiny").write_bytes(b"x")
        (places[0] / tiny.filename).write_bytes(BODY)
        assert verify_weights("tiny") == [places[0] / tiny.filename]
        with pytest.raises(WeightsError):
            verify_weights(os.path.join(".", "tiny"))  # noqa: PTH118 - Path drops the dot
