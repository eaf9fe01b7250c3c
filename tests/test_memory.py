import platform

import torch

from snellen.runs import keep_freed_memory


def test_numbers_do_not_change_and_glibc_takes_it():
    before = torch.arange(10).float().sum()
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")
    assert torch.arange(10).float().sum() == before


def test_nothing_happens_without_glibc(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert keep_freed_memory() is False
