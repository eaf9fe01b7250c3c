"""The HTML report: whole, self-contained, accessible, and safe with any name."""

from html.parser import HTMLParser

import pytest

from snellen.exam import EXAM_PARTS, examine
from snellen.plots import report_html, write_report
from tests.exam.inside import tuning_part_module

from ..exam.small_exams import OPTIONS, distorted, rated, small_gratings, two_layers

EVIL = "<script>alert('$\\frac')</script>&\"_"
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Elements with their attributes and text, and whether every one is closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(self.texts)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        small_gratings(patch)
        networks = {EVIL: two_layers(0), "_other": two_layers(1)}
        return examine(networks, dataset=rated(folder), images=distorted(folder / "p"), **OPTIONS)


@pytest.fixture(scope="module")
def text(found):
    return report_html(found)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_nothing_is_fetched_and_nothing_is_run(page):
    assert page.all("script") == []
    assert page.all("link") == []
    assert {one["src"].split(",")[0] for one in page.all("img")} <= {
        "data:image/png;base64", "data:image/svg+xml;base64",
    }  # fmt: skip
    assert all(one["href"].startswith("#") for one in page.all("a"))
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    styles = [text for text in page.texts if "color-scheme" in text]
    assert len(styles) == 1
    assert "url(" not in styles[0]
    assert "@import" not in styles[0]


def test_names_are_shown_as_they_are(page):
    assert page.texts.count(EVIL) >= 5
    heads = [text for text in page.texts if text in (EVIL, "_other")]
    assert heads[:2] == [EVIL, "_other"]


def test_every_part_has_a_section_that_the_contents_lead_to(page):
    sections = {one["id"] for one in page.all("section")}
    assert sections == {*EXAM_PARTS, "glossary", "manifest"}
    assert {one["href"][1:] for one in page.all("a")} == sections


def test_pictures_and_tables_can_be_read_out(page):
    assert len(page.all("img")) >= 12
    assert all(len(one["alt"]) > 20 for one in page.all("img"))
    assert all(one["scope"] in ("col", "row") for one in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert page.all("html") == [{"lang": "en"}]


def test_the_summary_states_the_numbers_with_intervals_and_chance(found, page):
    for row in found.summary():
        interval = f"{row['srcc']:.3f} [{row['srcc_low']:.3f}, {row['srcc_high']:.3f}]"
        assert interval.replace("-", "\N{MINUS SIGN}") in page.text
        assert f"chance {row['chance']:.3f}" in page.text
        assert row["sha256"][:12] in page.text
    assert "bootstrap over contents, 30 resamples" in page.text


def test_a_report_is_small_enough_to_send(text):
    assert len(text.encode()) < 5_000_000


def test_the_same_exam_gives_the_same_file(tmp_path):
    found = examine(two_layers(), parts="csf", **OPTIONS)
    for name in ("a", "b"):
        write_report(found, tmp_path / "new" / f"{name}.html")
    a, b = ((tmp_path / "new" / f"{name}.html").read_bytes() for name in ("a", "b"))
    assert a == b
    assert b"data:image/" in a


def test_failures_and_missing_data_are_told(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("<b>no</b> eyes")

    monkeypatch.setattr(tuning_part_module, "tuning", fail)
    page = Page(report_html(examine(two_layers(), parts=["tuning", "agreement"], **OPTIONS)))
    assert "RuntimeError: <b>no</b> eyes" in page.text
    assert "--dataset NAME=PATH" in page.text
    assert page.all("img") == []
    assert {one["id"] for one in page.all("section")} == {
        "tuning", "agreement", "glossary", "manifest",
    }  # fmt: skip


def test_one_layer_alone_can_be_reported(tmp_path, monkeypatch):
    small_gratings(monkeypatch)
    found = examine(
        two_layers(), layers=["act1"], parts=["efficacy", "agreement"], dataset=rated(tmp_path),
        **OPTIONS,
    )  # fmt: skip
    assert found.errors == ()
    assert "act1" in Page(report_html(found)).text
