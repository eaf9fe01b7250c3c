"""A part of the exam is one object: what is written in it reaches every output."""

import pyarrow.parquet

from snellen.exam import EXAM_PARTS, ReportFigure, examine
from snellen.plots import report_html
from tests.exam.inside import Found, Measure, PartKind, Term, Work

from .small_exams import OPTIONS, two_layers


def run(backbone, label, plan, run):
    run.done(2)
    rows = tuple(
        {"layer": name, "depth": i, "relative_depth": i, "readout": "euclidean", "weights": "none",
         "srcc": 0.5 + i / 8, "srcc_low": 0.4, "srcc_high": 0.9}
        for i, name in enumerate(plan.layers_of(backbone))
    )  # fmt: skip
    return Found({"blinks": rows}, {"exam": "blink"})


def section(parts, facts):
    yield f"<p>Seen at {facts['pixels_per_degree']:g} pixels.</p>"
    for part in parts.values():
        rows = [{"network": part.network, **row} for row in part.tables["blinks"]]
        yield ReportFigure("plot_layers", (rows,), "Blinks by layer.", "Blinks.")


BLINK = PartKind(
    title="Does it blink?",
    tables=("blinks",),
    run=run,
    work=lambda backbone, plan: Work(2, 3.0),
    findings=lambda tables, facts: {"blinks": len(tables.get("blinks", ())) or None},
    measures=(Measure("Blinks", "how many", lambda row: f"<b>{row['blinks']} blinks</b>"),),
    sentence=lambda row: None if row["blinks"] is None else f"blinks {row['blinks']} times",
    section=section,
    terms=(Term("Blink", "What an eye does.", "Nobody, 1900"),),
)


def test_a_new_part_reaches_progress_tables_summary_line_and_report(tmp_path, monkeypatch):
    monkeypatch.setitem(EXAM_PARTS, "blink", BLINK)
    told = []
    options = OPTIONS | {"checkpoint": str(tmp_path / "kept"), "progress": told.append}
    found = examine({"eye": two_layers()}, parts=["blink"], **options)
    assert (told[-1].part, told[-1].done, told[-1].total) == ("blink", 3.0, 3.0)
    assert found.summary()[0]["blinks"] == 4
    assert found.lines() == ["eye: blinks 4 times"]
    found.save(str(tmp_path / "out"))
    assert pyarrow.parquet.read_table(tmp_path / "out" / "blinks.parquet").num_rows == 4
    page = report_html(found)
    for text in (
        '<section id="blink"><h2>Does it blink?</h2>', "Seen at 8 pixels", 'alt="Blinks by layer."',
        "<b>4 blinks</b>", "<dt>Blink</dt>", "Source: Nobody, 1900.",
    ):  # fmt: skip
        assert text in page
    told.clear()
    assert examine({"eye": two_layers()}, parts=["blink"], **options).lines() == found.lines()
    assert told == []
