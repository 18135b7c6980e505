"""A report's blocks in Markdown, HTML and LaTeX."""

import shutil
import subprocess

import pandas as pd
import pytest

from research.reports.document import Bullets, FigureFile, Heading, Paragraph, Table, to_html, to_latex, to_markdown
from research.reports.figures.style import panel_grid, save_figure
from research.reports.formats import latex_escape

FRAME = pd.DataFrame([["a|b", "1 *"], ["<b>", "2"]], columns=["x", "y"])
BOLD = pd.DataFrame([[False, True], [False, False]], columns=["x", "y"])
BLOCKS = [
    Heading("One & two"),
    Heading("Below", level=2),
    Paragraph("50 % of _this_"),
    Bullets(["p < .05"]),
    Table(FRAME, "Said.", "tab:x", BOLD),
    FigureFile("curve", "Drawn."),
]


def test_blocks_in_each_form():
    markdown, page, latex = (render("Title", BLOCKS) for render in (to_markdown, to_html, to_latex))
    assert markdown.splitlines()[2:5] == ["## One & two", "", "### Below"]
    assert r"| a\|b | **1 \*** |" in markdown
    assert "<td>&lt;b&gt;</td>" in page
    assert "<strong>1 *</strong>" in page
    assert "50 % of _this_" in page
    assert r"\section{One \& two}" in latex
    assert r"\subsection{Below}" in latex
    assert r"50 \% of \_this\_" in latex
    assert r"\item p $<$ .05" in latex
    assert latex_escape("prepare --source DIR") == "prepare -{}-source DIR"
    assert r"a$|$b & \bfseries 1 * \\" in latex


def test_a_bar_in_a_header_divides_no_column():
    table = Table(pd.DataFrame({"rock|pop": ["1"], "n": ["2"]}), "", "tab:x")
    assert to_markdown("Title", [table]).splitlines()[2:5] == [r"| rock\|pop | n |", "| --- | --- |", "| 1 | 2 |"]
    assert "<th>rock|pop</th>" in to_html("Title", [table])


def test_latex_compiles_with_every_sign_that_reports_use(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-recommended)")
    figure, _ = panel_grid(1, (9, 1))
    save_figure(figure, tmp_path, "curve")
    marks = "\N{DAGGER} \N{DOUBLE DAGGER} \N{SECTION SIGN} \N{PILCROW SIGN} # * \N{MINUS SIGN}1 \N{EM DASH}"
    wide = pd.DataFrame([[marks, *["a wide cell"] * 12]], columns=[f"column {number}" for number in range(13)])
    blocks = [
        *BLOCKS,
        Paragraph(f"{marks} \N{RIGHTWARDS ARROW} ~ ^ {{}} $ \\ Bj\xf6rk \xb1"),
        Table(wide, marks, "tab:w"),
    ]
    (tmp_path / "report.tex").write_text(to_latex("Title_1", blocks), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2_000:]
    assert "Missing character" not in done.stdout
    assert "Overfull" not in done.stdout  # the wide table and figure are shrunk to the line
