"""Tables in a terminal: numbers stay whole, names are shortened, nothing steers the terminal."""

import re
import shutil
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.cli import app
from tests.cli.inside import print_table, shortened, visible

METRICS = ["dfb", "psnr", "ssim", "ms-ssim", "lpips-alex", "fsim", "vsi", "mdsi", "haarpsi", "gmsd"]
NUMBER = 0.859981234567


@pytest.fixture
def terminal(monkeypatch):
    """Make a terminal of so many columns."""

    def make(columns):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(
            shutil, "get_terminal_size", lambda *_: type("Size", (), {"columns": columns})
        )

    return make


def rows(count=3):
    name = "/data/some/where/deep/down/restored/by/a/method/{:04d}.png"
    return [
        {"distorted": name.format(i), **dict.fromkeys(METRICS, NUMBER + i), "error": None}
        for i in range(count)
    ]


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_no_number_is_broken_and_every_line_fits(terminal, capsys, columns):
    terminal(columns)
    print_table(rows())
    printed = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out)
    lines = [line.rstrip() for line in printed.splitlines()]
    assert max(map(len, lines)) <= columns
    text = "\n".join(lines)
    assert len(re.findall(r"(?<![\d.])0\.859981(?!\d)", text)) == len(METRICS)
    for metric in METRICS:
        assert re.search(rf"\b{metric}\b", text)
    assert text.count("0001.png") >= 1


def test_without_a_terminal_everything_stays_whole(capsys):
    print_table(rows())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "/data/some/where/deep/down/restored/by/a/method/0001.png" in lines[2]


def test_an_error_is_wrapped_and_whole(terminal, capsys):
    terminal(60)
    why = "the header promises more pixels than the limit of 300 megapixels allows, 90000 x 90000"
    print_table([{"image": "a.png", "psnr": None, "error": why}])
    text = " ".join(capsys.readouterr().out.split())
    assert set(why.split()) <= set(text.split())


def test_control_characters_do_not_reach_the_terminal(capsys):
    print_table([{"image": "a\x1b[31m\r\n\udce9.png", "psnr": 1.0}])
    out = capsys.readouterr().out
    assert "\\x1b[31m\\r\\n" in out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 2


@given(st.text(max_size=60), st.integers(3, 40))
def test_shortened_text_keeps_both_ends(text, width):
    short = shortened(text, width)
    assert len(short) <= max(width, 0) or short == text
    assert text.startswith(short.partition("…")[0])
    assert text.endswith(short.rpartition("…")[2])


@given(st.text(st.characters(), max_size=40))
def test_visible_text_is_printable_and_can_be_encoded(text):
    assert visible(text).isprintable()
    assert visible(text).encode().decode() == visible(text)


def test_tables_show_no_hash(tmp_path, photos):
    from typer.testing import CliRunner

    from snellen.images import write_png

    write_png(tmp_path / "a.png", photos[0][0])
    result = CliRunner().invoke(app, ["score", str(tmp_path), "-m", "exposure"])
    assert result.exit_code == 0
    assert "sha256" not in result.stdout
