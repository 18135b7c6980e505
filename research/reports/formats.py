"""Numbers and tables as papers print them: shares, intervals, p-values; Markdown, LaTeX."""

from collections.abc import Sequence

import pandas as pd

from research.evaluation.statistics import Interval

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EM DASH}"
FIT = "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n"
"""Shrinks what follows, up to a brace, to the width of the line if it is wider."""
LATEX_ESCAPES = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        # Signs that LaTeX's old text encoding lacks, or prints as others.
        **{sign: f"${sign}$" for sign in "<>|"},
        MINUS: "$-$",
        "\N{RIGHTWARDS ARROW}": r"$\to$",
    }
)


def share(value: float) -> str:
    """Three decimals without the leading zero, as papers print them: .457; kappa and its like may be below zero."""
    sign = MINUS if round(value, 3) < 0 else ""
    return sign + f"{abs(value):.3f}".removeprefix("0")


def interval(value: Interval) -> str:
    return f"{share(value.estimate)} [{share(value.low)}, {share(value.high)}]"


def signed(value: float) -> str:
    """One decimal with its sign: +2.0."""
    return f"{value:+.1f}".replace("-", MINUS)


def points(metric: str, value: Interval) -> str:
    """A difference in points (hundredths)."""
    return f"{signed(100 * value.estimate)} points {metric} [{signed(100 * value.low)}, {signed(100 * value.high)}]"


def p_value(p: float) -> str:
    """A p-value in a table: .034, or < .001."""
    return "< .001" if p < 0.001 else share(p)


def p_equals(p: float) -> str:
    """A p-value in a sentence: p = .034, or p < .001."""
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"


def short_commit(commit: str) -> str:
    """Ten digits of a hash, with "+changes" where files differed from it; other words stay."""
    digits, plus, changes = commit.partition("+")
    return (digits[:10] if len(digits) == 40 else digits) + plus + changes


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table; a bar in a cell is escaped."""
    head, *body = [[str(cell).replace("|", "\\|") for cell in row] for row in (header, *rows)]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body)]


def latex_table(
    table: pd.DataFrame, caption: str, label: str, bold: pd.DataFrame | None = None, position: str = "htbp"
) -> str:
    """A table of words in booktabs, no wider than the line; the first two columns are set left, numbers right.

    Args:
        bold: truth by cell, of the table's shape.
        position: of the float.
    """
    styler = table.style.hide(axis="index").format(latex_escape).format_index(latex_escape, axis="columns")
    if bold is not None:
        styler = styler.apply(lambda _: bold.map(lambda best: "font-weight: bold;" if best else ""), axis=None)
    text = styler.to_latex(
        hrules=True,
        convert_css=True,
        column_format="ll"[: len(table.columns)] + "r" * (len(table.columns) - 2),
        caption=latex_escape(caption),
        label=label,
        position=position,
        position_float="centering",
    )
    text = text.replace(r"\begin{tabular}", FIT + r"\begin{tabular}").replace(r"\end{tabular}", r"\end{tabular}}")
    return f"% needs \\usepackage{{booktabs,graphicx}}\n{text}"


def latex_escape(text: str) -> str:
    # Two hyphens would print as one dash, and an option of a command would not be one any more.
    return text.translate(LATEX_ESCAPES).replace("--", "-{}-")
