"""Recipes make the weights that ship: each can be imported, and says what it takes."""

import re
import runpy
import sys
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "recipes"
MODULES = sorted(FOLDER.rglob("*.py"))
IDS = [str(path.relative_to(FOLDER).with_suffix("")) for path in MODULES]
SCRIPTS = [path for path in MODULES if "__main__" in path.read_text(encoding="utf-8")]


@pytest.fixture
def beside(monkeypatch):
    """Let modules of recipes find those beside them, and forget them again."""
    before = dict(sys.modules)

    def enter(path):
        monkeypatch.syspath_prepend(path.parent)

    yield enter
    for name, module in set(sys.modules.items()) - set(before.items()):
        if FOLDER in Path(getattr(module, "__file__", None) or "/").parents:
            del sys.modules[name]


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_a_recipe_can_be_imported(path, beside):
    beside(path)
    module = import_module(path.stem)
    assert Path(module.__file__) == path
    assert module.__doc__


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_a_recipe_says_what_it_takes(path, beside, monkeypatch, capsys):
    beside(path)
    monkeypatch.setattr(sys, "argv", [path.name, "--help"])
    with pytest.raises(SystemExit) as done:
        runpy.run_path(str(path), run_name="__main__")
    assert not done.value.code
    assert "usage" in capsys.readouterr().out.lower()


def test_the_table_names_every_recipe_and_pages_that_exist():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([\w/]+\.py)` ", text, re.M)
    assert sorted(named) == sorted(str(path.relative_to(FOLDER)) for path in MODULES)
    for link in re.findall(r"\]\((\.\./[^)#]+)", text):
        assert (FOLDER / link).exists(), link
