"""``snellen weights`` as a person calls it: rows on stdout, messages on stderr, exit status."""

import csv
import dataclasses
import hashlib
import io
import json

import pytest
from typer.testing import CliRunner

from tests.backbones.inside import weights_module as _weights
from tests.backbones.inside import weights_registry_module as _weights_registry
from tests.backbones.serving import FileServer
from tests.cli.inside import weights_app

CONTENT = {"one": b"first file", "two": b"second file"}


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(weights_app, [str(a) for a in arguments])


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A registry of two files on a local server, and empty folders."""
    for name in ("SNELLEN_WEIGHTS", "SNELLEN_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("SNELLEN_CACHE", str(tmp_path))
    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path / "hub"))
    with FileServer() as server:
        template = _weights.list_weights()[0]
        records = []
        for name, content in CONTENT.items():
            server.files[f"/{name}.pth"] = content
            digest = hashlib.sha256(content).hexdigest()
            where = {"url": server.url(f"/{name}.pth"), "filename": f"{name}.pth"}
            records.append(dataclasses.replace(template, name=name, sha256=digest, **where))
        for module in (_weights, _weights_registry):
            monkeypatch.setattr(module, "list_weights", lambda: tuple(records))
        yield tmp_path / "weights"


class TestList:
    def test_table_has_every_row_on_one_line(self, run):
        result = run("list")
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        records = _weights.list_weights()
        assert len(lines) == 1 + len(records)
        for line, record in zip(lines[1:], records, strict=True):
            assert line.split()[:2] == [record.name, record.filename]
            assert record.licence in line

    def test_sizes(self, run):
        table = run("list").stdout
        assert "527.8 MiB" in table  # as torchvision states it for vgg16
        assert "12.0 KiB" in table  # 12288 bytes of the DISTS package

    def test_json(self, run, cache):
        run("fetch", "two")
        rows = json.loads(run("list", "--format", "json").stdout)
        assert [(row["name"], row["path"]) for row in rows] == [
            ("one", None),
            ("two", str(cache / "two.pth")),
        ]
        assert rows[0]["licence"] == _weights.list_weights()[0].licence

    def test_csv(self, run):
        rows = list(csv.DictReader(io.StringIO(run("list", "--format", "csv").stdout)))
        assert [row["name"] for row in rows] == [r.name for r in _weights.list_weights()]
        assert rows[0]["used_by"].split() == list(_weights.list_weights()[0].used_by)

    def test_unknown_format(self, run):
        assert run("list", "--format", "xml").exit_code == 2


class TestFetch:
    def test_prints_the_paths(self, run, cache):
        result = run("fetch", "two", "one")
        assert result.exit_code == 0
        assert result.stdout.splitlines() == [str(cache / "two.pth"), str(cache / "one.pth")]
        assert (cache / "one.pth").read_bytes() == CONTENT["one"]

    def test_all_into_a_folder(self, run, cache, tmp_path):
        result = run("fetch", "--all", "--directory", tmp_path / "usb")
        assert result.exit_code == 0
        assert {p.name for p in (tmp_path / "usb").glob("*.pth")} == {"one.pth", "two.pth"}
        assert not cache.exists()

    def test_one_failure_does_not_stop_the_others(self, run, cache, monkeypatch):
        cache.mkdir()
        (cache / "two.pth").write_bytes(CONTENT["two"])
        monkeypatch.setenv("SNELLEN_OFFLINE", "1")
        result = run("fetch", "one", "two")
        assert result.exit_code == 1
        assert result.stdout.splitlines() == [str(cache / "two.pth")]
        assert "SNELLEN_OFFLINE forbids the network" in result.stderr

    @pytest.mark.parametrize("arguments", [[], ["--all", "one"], ["three"], ["one", "three"]])
    def test_wrong_usage(self, run, cache, arguments):
        result = run("fetch", *arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert not cache.exists()


class TestVerify:
    def test_everything_here(self, run, cache):
        run("fetch", "--all")
        result = run("verify")
        assert result.exit_code == 0
        expected = [f"ok\t{cache / name}.pth" for name in CONTENT]
        assert result.stdout.splitlines() == expected

    def test_nothing_here(self, run, cache):
        result = run("verify")
        assert (result.exit_code, result.stdout) == (0, "")
        assert "nothing to verify" in result.stderr

    def test_damage(self, run, cache):
        run("fetch", "--all")
        (cache / "one.pth").write_bytes(b"damaged")
        result = run("verify")
        assert result.exit_code == 1
        assert result.stdout.splitlines() == ["failed\tone", f"ok\t{cache / 'two.pth'}"]
        assert hashlib.sha256(b"damaged").hexdigest() in result.stderr

    def test_files(self, run, cache, tmp_path):
        (tmp_path / "renamed.pth").write_bytes(CONTENT["one"])
        (tmp_path / "mine.pth").write_bytes(b"mine")
        assert run("verify", tmp_path / "renamed.pth").exit_code == 0
        assert run("verify", tmp_path / "mine.pth").exit_code == 1

    def test_name_that_is_not_here(self, run, cache):
        assert run("verify", "one").exit_code == 1

    @pytest.mark.parametrize("target", ["three", "no/such/file.pth"])
    def test_wrong_usage(self, run, cache, target):
        assert run("verify", target).exit_code == 2
