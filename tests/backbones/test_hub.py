"""The Hugging Face hub's own client against a stand-in for the hub on this machine."""

import hashlib

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save

from snellen.errors import WeightsError
from tests.backbones.inside import fetch_from_hub

from .serving import FileServer

BODY = save({"weight": torch.ones(3)})
DIGEST = hashlib.sha256(BODY).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILE = "net/resolve/{}/model.safetensors"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    for name in ("SNELLEN_OFFLINE", "HF_HUB_OFFLINE", "HF_HOME", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with FileServer() as server:
        for revision in ("main", COMMIT):
            server.files[f"/owner/{FILE.format(revision)}"] = BODY
        server.extra_headers = {
            "ETag": f'"{DIGEST}"',
            "X-Linked-Etag": f'"{DIGEST}"',
            "X-Linked-Size": str(len(BODY)),
            "X-Repo-Commit": COMMIT,
        }
        address = server.url("")
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield server
        huggingface_hub.close_session()


def test_fetched_once_then_found_offline(hub, monkeypatch):
    path = fetch_from_hub("owner/net")
    assert path.read_bytes() == BODY
    requests = hub.requests
    monkeypatch.setenv("SNELLEN_OFFLINE", "1")
    assert fetch_from_hub("owner/net") == path
    assert hub.requests == requests > 0


def test_wrong_content_is_found_out(hub):
    """The client compares sizes only."""
    hub.files[f"/owner/{FILE.format('main')}"] = BODY[:-1] + b"!"
    with pytest.raises(WeightsError, match=f"expected SHA-256 {DIGEST}"):
        fetch_from_hub("owner/net")


def test_damage_in_the_cache_is_found_out_offline(hub, monkeypatch):
    path = fetch_from_hub("owner/net")
    path.resolve().write_bytes(BODY + b"more")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match=f"expected SHA-256 {DIGEST}"):
        fetch_from_hub("owner/net")


@pytest.mark.parametrize("offline", ["0", "1"])
def test_cache_without_links(hub, monkeypatch, offline):
    """As on a system without symbolic links: online the hub is asked for the hash."""
    path = fetch_from_hub("owner/net")
    path.unlink()
    path.write_bytes(BODY[:-1] + b"!")
    monkeypatch.setenv("SNELLEN_OFFLINE", offline)
    if offline == "1":
        assert fetch_from_hub("owner/net") == path
    else:
        with pytest.raises(WeightsError, match=f"expected SHA-256 {DIGEST}"):
            fetch_from_hub("owner/net")


def test_git_hash_of_a_small_file_is_no_sha256(hub):
    hub.extra_headers |= {"ETag": f'"{COMMIT}"', "X-Linked-Etag": f'"{COMMIT}"'}
    assert fetch_from_hub("owner/net").read_bytes() == BODY


def test_only_safetensors(hub):
    with pytest.raises(WeightsError, match=r"expected a \.safetensors file"):
        fetch_from_hub("owner/net", "pytorch_model.bin")
    assert hub.requests == 0


@pytest.mark.parametrize("offline", [False, True])
def test_what_to_do_where_it_cannot_be_had(hub, monkeypatch, offline):
    if offline:
        monkeypatch.setenv("SNELLEN_OFFLINE", "1")
    with pytest.raises(WeightsError) as caught:
        fetch_from_hub("owner/other")
    message = str(caught.value)
    for text in ("HF_HOME", "HF_ENDPOINT", "--weights FILE", "weights=FILE"):
        assert text in message
    assert hub.url("/owner/other/resolve/main/model.safetensors") in message
    assert ("SNELLEN_OFFLINE forbids the network" in message) == offline


def test_name_that_is_none(hub):
    with pytest.raises(WeightsError, match="no/such/name"):
        fetch_from_hub("no/such/name")
