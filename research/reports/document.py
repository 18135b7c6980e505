"""A report as a list of blocks, and the three forms it is written in: Markdown, LaTeX, one HTML page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from markdown_it import MarkdownIt

from research.reports.formats import FIT, latex_escape, latex_table, markdown_table

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;font-size:.85rem;margin:1rem 0;display:block;overflow-x:auto}"
    "th,td{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:left}th{border-bottom:2px solid #222}"
    "img{max-width:100%}"
)
SECTIONS = {1: "section", 2: "subsection"}


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Bullets:
    items: Sequence[str]


@dataclass(frozen=True, eq=False)
class Table:
    """Words in cells; `bold` is truth by cell."""

    frame: pd.DataFrame
    caption: str
    label: str
    bold: pd.DataFrame | None = None


@dataclass(frozen=True)
class FigureFile:
    """`name.pdf` and `name.png` beside the report."""

    name: str
    caption: str


Block = Heading | Paragraph | Bullets | Table | FigureFile


def to_markdown(title: str, blocks: Sequence[Block]) -> str:
    lines = [f"# {title}"]
    for block in blocks:
        lines += ["", *_markdown(block)]
    return "\n".join(lines) + "\n"


def to_html(title: str, blocks: Sequence[Block]) -> str:
    """One page, figures beside it; texts are escaped."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(to_markdown(title, blocks))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
    title = re.sub("[<>&]", "", title)
    return f'<!doctype html>\n<html lang="en"><head>{head}<title>{title}</title></head>\n<body>\n{body}</body></html>\n'


def to_latex(title: str, blocks: Sequence[Block]) -> str:
    """A document that compiles by itself; its body can be pasted into a paper that loads the same packages."""
    body = "\n\n".join(_latex(block) for block in blocks)
    return "\n".join(
        [
            r"\documentclass[a4paper]{article}",
            r"\usepackage[margin=2cm]{geometry}",
            r"\usepackage{booktabs,float,graphicx}",
            r"\setlength{\belowcaptionskip}{6pt}",
            r"\sloppy",  # names of settings do not break
            rf"\title{{{latex_escape(title)}}}",
            r"\author{}",
            r"\date{}",
            r"\begin{document}",
            r"\maketitle",
            body,
            r"\end{document}",
            "",
        ]
    )


def _markdown(block: Block) -> list[str]:
    match block:
        case Heading():
            return [f"{'#' * (block.level + 1)} {block.text}"]
        case Paragraph():
            return [_plain(block.text)]
        case Bullets():
            return [f"- {_plain(item)}" for item in block.items]
        case Table():
            cells = block.frame.map(lambda cell: _plain(str(cell)))
            if block.bold is not None:
                cells = cells.mask(block.bold.to_numpy(), "**" + cells + "**")
            return [*markdown_table(list(cells.columns), cells.to_numpy().tolist()), "", _plain(block.caption)]
        case FigureFile():
            return [f"![{block.name}]({block.name}.png)", "", _plain(block.caption)]


def _latex(block: Block) -> str:
    match block:
        case Heading():
            return rf"\{SECTIONS[block.level]}{{{latex_escape(block.text)}}}"
        case Paragraph():
            return latex_escape(block.text)
        case Bullets():
            items = "\n".join(rf"\item {latex_escape(item)}" for item in block.items)
            return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
        case Table():
            return latex_table(block.frame, block.caption, block.label, block.bold, position="H")
        case FigureFile():
            picture = rf"{FIT}\includegraphics{{{block.name}.pdf}}}}"
            lines = [r"\begin{figure}[H]", r"\centering", picture, rf"\caption{{{latex_escape(block.caption)}}}"]
            return "\n".join([*lines, r"\end{figure}"])


def _plain(text: str) -> str:
    """Text in which Markdown finds no emphasis or code; a bar is for the table to escape."""
    return re.sub(r"([\\*`]|(?<!\w)_|_(?!\w))", r"\\\1", text)
