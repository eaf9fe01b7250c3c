from hypothesis import given
from hypothesis import strategies as st

from snellen.records import latex_table, markdown_table

TEXT = st.text(max_size=30)


@given(TEXT, TEXT)
def test_a_row_of_markdown_stays_one_line_of_two_cells(a, b):
    lines = markdown_table([{"x": a, "y": b}]).split("\n")
    assert len(lines) == 3
    assert lines[2].replace("\\|", "").count("|") == 3


@given(TEXT)
def test_no_text_ends_a_comment_or_a_row_of_latex(text):
    lines = latex_table(text, [{"x": "a", "y": text}]).split("\n")
    assert len(lines) == 10
    assert lines[1].startswith("\\caption{")


def test_empty_columns_are_left_out():
    assert "note" not in latex_table("t", [{"metric": "psnr", "note": ""}])
