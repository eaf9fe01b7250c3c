"""Every public name stands in a page that somebody wrote."""

import importlib
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
LISTS = {"api.md", "changelog.md"}


@pytest.mark.parametrize("room", ["exam", "vision"])
def test_every_public_name_is_told_of(room):
    pages = [path for path in DOCS.rglob("*.md") if path.name not in LISTS]
    code = [text for path in pages for text in CODE.findall(path.read_text("utf-8"))]
    words = {word for text in code for word in re.findall(r"\w+", text)}
    names = importlib.import_module(f"snellen.{room}").__all__
    assert [name for name in names if name not in words] == []


def test_the_exam_has_as_many_names_as_a_page_holds():
    assert len(importlib.import_module("snellen.exam").__all__) <= 45
