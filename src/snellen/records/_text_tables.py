"""Tables for people and papers: Markdown, and LaTeX with booktabs."""

from collections.abc import Mapping, Sequence

Cells = Mapping[str, str]
"""Text by column."""

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"$<$", ">": r"$>$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "·": r"$\cdot$",
}  # fmt: skip


def markdown_table(rows: Sequence[Cells]) -> str:
    r"""Return rows as a table in Markdown.

    Examples
    --------
    >>> print(markdown_table([{"metric": "a|b", "SRCC": "0.9"}]))
    | metric | SRCC |
    | --- | --- |
    | a\|b | 0.9 |
    """
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(map(_piped, cells))} |" for cells in lines)


def _piped(cell: str) -> str:
    return " ".join(cell.replace("|", "\\|").split())


def latex_table(title: str, rows: Sequence[Cells]) -> str:
    r"""Return rows as a LaTeX table with a caption; empty columns are left out.

    Examples
    --------
    >>> print(latex_table("50 %", [{"metric": "ms_ssim", "SRCC": "0.9"}]).splitlines()[1])
    \caption{50 \%}
    """
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    body = [" & ".join(latex_text(row[name]) for name in columns) + r" \\" for row in rows]
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{latex_text(title)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}",
            r"\toprule",
            " & ".join(map(latex_text, columns)) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def latex_text(text: str) -> str:
    """Return text as LaTeX shows it; line ends become spaces, or they would end a comment."""
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()))
