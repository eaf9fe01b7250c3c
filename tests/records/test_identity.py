"""Kept numbers: what they depend on, and that nothing of it is forgotten."""

import shutil
from pathlib import Path

import pytest

from snellen.errors import RunError
from snellen.records import MEASURING, SCORING, check_same, code_digest, identity
from tests.records.inside import identity_module

SOURCE = Path(identity_module.__file__).parents[1]
GROUND = {"errors", "records", "_matlab", "_memory", "_opening", "_threads"}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the source whose code is hashed in the place of this one."""
    shutil.copytree(SOURCE, tmp_path / "snellen")
    monkeypatch.setattr(
        identity_module.importlib.resources, "files", lambda _: tmp_path / "snellen"
    )
    return tmp_path / "snellen"


@pytest.mark.parametrize("room", SCORING)
def test_the_hash_of_the_code_sees_every_file(copy, room):
    digest = code_digest.__wrapped__
    seen = {digest(SCORING)}
    files = sorted((copy / room).rglob("*.py"))
    for file in (files[0], files[-1]):
        with file.open("a") as source:
            source.write("\n# changed\n")
        seen.add(digest(SCORING))
    (copy / room / "deep").mkdir()
    (copy / room / "deep" / "new.py").write_text("x = 1\n")
    seen.add(digest(SCORING))
    assert len(seen) == 4


def test_code_that_computes_no_score_does_not_matter(copy):
    before = code_digest.__wrapped__(SCORING)
    with (copy / "cli" / "__init__.py").open("a") as file:
        file.write("\n# no score depends on this\n")
    assert code_digest.__wrapped__(SCORING) == before


@pytest.mark.parametrize(("top", "rooms"), [("metrics", SCORING), ("exam", MEASURING)])
def test_the_hashed_rooms_are_all_that_are_imported_on_the_way(top, rooms):
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("snellen")
    above = {"runs", "losses", "datasets"}  # they hand images over, and compute no number
    used = {
        name.split(".")[1]
        for name in graph.find_upstream_modules(f"snellen.{top}", as_package=True)
        if "." in name
    }
    assert used - GROUND - above <= set(rooms)


def test_versions_and_code_are_in_the_identity(monkeypatch):
    before = identity({"metric": "psnr"})
    assert before["versions"]["torch"]
    monkeypatch.setattr(identity_module, "code_digest", lambda rooms: "edited")
    assert identity({"metric": "psnr"}) != before


def test_a_difference_is_named_by_its_place():
    with pytest.raises(RunError, match=r"o\.csv.*a\.b\[1\] was 2 and is 3.*--restart"):
        check_same({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "o.csv")
    check_same({"a": 1, "limit": 5}, {"a": 1, "limit": None}, "o.csv")
