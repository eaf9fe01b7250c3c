import numpy as np

from snellen.records import Checkpoint
from tests.records.inside import identity_module

INPUTS = ["a" * 64, "b" * 64]


def test_arrays_come_back(tmp_path):
    store = Checkpoint(str(tmp_path / "kept"), {"network": "gabor"})
    assert store.read(INPUTS) is None
    store.write(INPUTS, {"x": np.arange(3)})
    found = Checkpoint(tmp_path / "kept", {"network": "gabor"}).read(INPUTS)
    assert found["x"].tolist() == [0, 1, 2]
    assert store.read(INPUTS[:1]) is None
    assert Checkpoint(tmp_path / "kept", {"network": "vgg16"}).read(INPUTS) is None


def test_what_other_code_or_versions_measured_is_measured_again(tmp_path, monkeypatch):
    Checkpoint(tmp_path, {}).write(INPUTS, {"x": np.arange(3)})
    monkeypatch.setattr(identity_module, "code_digest", lambda rooms: "corrected")
    assert Checkpoint(tmp_path, {}).read(INPUTS) is None
    monkeypatch.undo()
    assert Checkpoint(tmp_path, {}).read(INPUTS) is not None
    monkeypatch.setattr(identity_module, "versions", lambda *names: {"torch": "99"})
    assert Checkpoint(tmp_path, {}).read(INPUTS) is None


def test_a_damaged_file_counts_as_missing(tmp_path):
    Checkpoint(tmp_path, {}).write(INPUTS, {"x": np.arange(3)})
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:40])
    assert Checkpoint(tmp_path, {}).read(INPUTS) is None


def test_without_a_folder_nothing_is_kept(tmp_path):
    store = Checkpoint(None, {})
    store.write(INPUTS, {"x": np.arange(3)})
    assert store.read(INPUTS) is None
