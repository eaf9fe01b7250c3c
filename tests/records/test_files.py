"""The one atomic write: whole or not at all, durable, with the permissions of any other file."""

import os
import stat

import pytest

from snellen.errors import RunError
from snellen.records import lock, refuse_special, remove_leftovers, replace_file, replacing, unlock
from tests.records.inside import files_module


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "o.txt"
    replace_file(path, "old")
    with pytest.raises(TypeError), replacing(path) as file:
        file.writelines([b"half", 1])
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["o.txt"]


def test_the_bytes_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    done = []
    sync, move = os.fsync, os.replace
    monkeypatch.setattr(files_module.os, "fsync", lambda f: (done.append("sync"), sync(f)))
    monkeypatch.setattr(files_module.os, "replace", lambda *a: (done.append("move"), move(*a)))
    replace_file(tmp_path / "deep" / "o.txt", "text")
    assert done == ["sync", "move"]


def test_permissions_are_those_of_any_file(tmp_path):
    replace_file(tmp_path / "o.txt", "text")
    (tmp_path / "plain.txt").write_text("text")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("o.txt", "plain.txt")]
    assert modes[0] == modes[1]


def test_leftovers_of_a_killed_process_are_removed(tmp_path):
    (tmp_path / ".o.csv.ab12_xyz").touch()
    (tmp_path / ".o.csv.part").touch()
    remove_leftovers(tmp_path / "o.csv")
    assert [p.name for p in tmp_path.iterdir()] == [".o.csv.part"]


def test_a_pipe_and_a_device_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "null.csv").symlink_to(os.devnull)
    for name in ("pipe.csv", "null.csv"):
        with pytest.raises(RunError, match="no regular file"):
            refuse_special(tmp_path / name)
    refuse_special(tmp_path / "new.csv")


def test_a_lock_keeps_others_out_until_it_is_gone(tmp_path):
    held = lock(tmp_path / ".lock")
    with pytest.raises(RunError, match="another process is writing"):
        lock(tmp_path / ".lock")
    unlock(held)
    unlock(lock(tmp_path / ".lock"))
    assert list(tmp_path.iterdir()) == []
