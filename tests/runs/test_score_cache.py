import hashlib
import json
import logging
import os
import shutil

import pytest
import torch
from torch import nn

from snellen.backbones import create_backbone
from snellen.errors import CacheError
from snellen.images import ImagePolicy
from snellen.metrics import create_metric
from snellen.runs import ScoreCache
from tests.records.inside import identity_module
from tests.runs.inside import score_cache_module as _score_cache
from tests.runs.inside import score_identity

PAIR = ("d" * 64, "r" * 64)


@pytest.fixture
def cache(tmp_path):
    return ScoreCache(tmp_path / "scores")


@pytest.fixture
def settled(monkeypatch):
    """Take files for settled although they were written a moment ago."""
    monkeypatch.setattr(_score_cache, "_SETTLED_SECONDS", -1.0)


@pytest.fixture
def digested(monkeypatch):
    """Files that were read to be hashed."""
    read, digest = [], hashlib.file_digest

    def count(stream, name):
        read.append(stream.name)
        return digest(stream, name)

    monkeypatch.setattr(hashlib, "file_digest", count)
    return read


@pytest.mark.parametrize("score", [0.1 + 0.2, 0.0, -3.5e-300, 33.074127197265625, 1e22])
def test_a_score_comes_back_exactly_in_another_process(cache, score):
    metric = create_metric("psnr")
    shard = cache.shard(metric)
    assert shard.get(PAIR) is None
    shard.put(PAIR, score)
    again = ScoreCache(cache.folder).shard(create_metric("psnr"))
    assert again.get(PAIR) == score
    assert again.get(PAIR[::-1]) is None


CHANGES = {
    "resize": {"resize": "half"},
    "layers": {"layers": ["fire3"]},
    "order of layers": {"layers": ["fire5", "fire3"]},
    "seed": {"seed": 1},
    "readout": {"readout": "euclidean"},
    "options of the readout": {"readout_options": {"reading": "flattened"}},
    "combination": {"combine": "sum"},
    "precision": {"precision": "float64"},
    "alignment": {"align": "crop"},
    "background": {"policy": ImagePolicy(background=(0, 0, 0))},
    "colour": {"policy": ImagePolicy(color="ignore")},
    "orientation": {"policy": ImagePolicy(orientation=False)},
    "channel weights": {"layers": ["fire3"], "channel_weights": {"fire3": torch.ones(128)}},
    "other channel weights": {
        "layers": ["fire3"],
        "channel_weights": {"fire3": torch.full((128,), 2.0)},
    },
}


def test_whatever_changes_a_number_changes_the_file(cache):
    made = {name: create_metric("dfb-squeezenet1_1", weights="random", **change)
            for name, change in {"base": {}, **CHANGES}.items()}  # fmt: skip
    made["another backbone"] = create_metric("dfb-squeezenet1_0", weights="random")
    paths = {name: cache.shard(metric).path for name, metric in made.items()}
    assert len(set(paths.values())) == len(paths), paths
    same = create_metric("dfb-squeezenet1_1", weights="random")
    assert cache.shard(same).path == paths["base"]


def test_weights_are_told_by_their_bytes(cache, tmp_path):
    from safetensors.torch import save_file
    from torchvision.models import squeezenet1_1

    state = squeezenet1_1(weights=None).state_dict()
    file = tmp_path / "w.safetensors"
    paths = []
    for step in (0.0, 1e-3, 0.0):
        changed = {name: value + step for name, value in state.items()}
        save_file(changed, file)
        paths.append(cache.shard(create_metric("dfb-squeezenet1_1", weights=file)).path)
    assert paths[0] == paths[2] != paths[1]


def test_versions_and_code_are_part_of_the_key_and_the_device_is_not(cache, monkeypatch):
    metric = create_metric("psnr")
    path, manifest = cache.shard(metric).path, metric.manifest()
    on_gpu = {**manifest, "device": "cuda:0"}
    newer = {**manifest, "versions": {**manifest["versions"], "piq": "99"}}
    monkeypatch.setattr(metric, "manifest", lambda: on_gpu)
    assert cache.shard(metric).path == path
    monkeypatch.setattr(metric, "manifest", lambda: newer)
    assert cache.shard(metric).path != path
    monkeypatch.undo()
    monkeypatch.setattr(identity_module, "code_digest", lambda rooms: "edited")
    assert cache.shard(metric).path != path


def test_a_network_of_the_users_own_is_not_kept(cache):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    backbone = create_backbone(network)
    metric = create_metric("euclidean-gabor", backbone=backbone, layer=backbone.layers[-1].name)
    assert cache.shard(metric) is None


def test_the_file_says_what_it_holds(cache):
    metric = create_metric("gmsd")
    shard = cache.shard(metric)
    shard.put(PAIR, 0.5)
    header, row = map(json.loads, shard.path.read_text().splitlines())
    assert header["manifest"]["metric"] == "gmsd"
    assert header["code"] == score_identity(metric)["code"]
    assert row == [*PAIR, 0.5]
    assert shard.path.name.startswith("gmsd-")


@pytest.mark.parametrize("torn", ['["ddd', '["a", "b"]\n{"no": "list"}\n[1', "\x00\xff"])
def test_a_line_cut_off_by_a_crash_costs_only_itself(cache, torn):
    metric = create_metric("psnr")
    cache.shard(metric).put(PAIR, 1.0)
    path = cache.shard(metric).path
    with path.open("a", encoding="latin-1") as file:
        file.write(torn)
    cache.shard(metric).put(("e" * 64, "f" * 64), 2.0)
    last = cache.shard(metric)
    assert last.get(PAIR) == 1.0
    assert last.get(("e" * 64, "f" * 64)) == 2.0


def test_two_runs_write_to_one_file(cache):
    first, second = (cache.shard(create_metric("psnr")) for _ in range(2))
    for i in range(10):
        (first, second)[i % 2].put((f"{i}" * 64, "r" * 64), float(i))
    found = cache.shard(create_metric("psnr"))
    assert [found.get((f"{i}" * 64, "r" * 64)) for i in range(10)] == list(map(float, range(10)))


def test_files_are_hashed_once(cache, tmp_path, settled, digested):
    a, b = tmp_path / "a.png", tmp_path / "b.png"
    a.write_bytes(b"first"), b.write_bytes(b"second")
    expected = tuple(hashlib.sha256(data).hexdigest() for data in (b"first", b"second"))
    assert cache.contents(a, b) == expected
    assert cache.contents(a, b) == expected
    assert ScoreCache(cache.folder).contents(a, b) == expected
    assert digested == [str(a), str(b)]


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_noticed(cache, tmp_path, settled):
    a, b = tmp_path / "a.bmp", tmp_path / "b.bmp"
    a.write_bytes(b"first"), b.write_bytes(b"fixed")
    before, status = cache.contents(a, b), a.stat()
    a.write_bytes(b"other")
    os.utime(a, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert a.stat().st_mtime_ns == status.st_mtime_ns
    after = cache.contents(a, b)
    assert after[0] == hashlib.sha256(b"other").hexdigest() != before[0]
    assert after[1] == before[1]


def test_a_file_written_a_moment_ago_is_not_trusted(cache, tmp_path, digested):
    a = tmp_path / "a.png"
    a.write_bytes(b"first")
    cache.contents(a, a)
    assert digested == [str(a), str(a)]


def test_the_folder_is_beside_the_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("SNELLEN_CACHE", str(tmp_path / "mine"))
    assert ScoreCache().folder == tmp_path / "mine" / "scores"


def test_a_folder_that_cannot_be_used_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match=r"SNELLEN_CACHE.*--no-cache"):
        ScoreCache(tmp_path / "file" / "scores")


def test_a_full_disk_does_not_end_the_run(cache, caplog):
    shard = cache.shard(create_metric("psnr"))
    shutil.rmtree(cache.folder)
    with caplog.at_level(logging.WARNING):
        shard.put(PAIR, 1.0)
    assert "could not be kept" in caplog.text
    assert shard.get(PAIR) == 1.0
