"""Prepare a corpus: write `data/<corpus>/tracks.parquet` with its audio and lyrics, the input of everything else.

Run: python -m data_prep synthetic
     python -m data_prep folder --source songs.csv
     python -m data_prep CORPUS --help      (the data sheet of a corpus)
     python -m data_prep CORPUS --source DIR --features     (also computes its spectrograms)
     python -m data_prep CORPUS --source DIR --features --engine dask --address tcp://HOST:8786     (on many machines)
"""

import ast
import re
import sys
from collections.abc import Sequence
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated

import tyro

from data_prep.commands import CORPORA
from data_prep.commands.build import build


def main(args: Sequence[str] | None = None) -> int:
    """Prepare the corpus that `args` name and print its data card; 1 and one line on stderr where it cannot be."""
    args = sys.argv[1:] if args is None else args
    choices = reduce(or_, (_subcommand(name, in_full=name in args[:1]) for name in CORPORA))
    corpus = tyro.cli(
        choices, prog="python -m data_prep", description=__doc__, args=args, config=(tyro.conf.FlagCreatePairsOff,)
    )
    try:
        corpus.build.check()
        table = corpus.prepare()
        made = [] if table is None else build(table, corpus.build)
    except (ValueError, FileNotFoundError) as error:
        print(f"data_prep: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    if table is None:
        return 0
    print((corpus.out / "card.md").read_text(encoding="utf-8"))
    print(f"{len(table)} songs in {corpus.out / 'tracks.parquet'}", *made, sep="\n")
    return 0


def data_sheet(name: str) -> str:
    """Docstring of a corpus file, read without importing it, each field a paragraph that help can wrap."""
    path = Path(__file__).parent / "corpora" / f"{name}.py"
    sheet = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    # tyro wraps paragraphs and "- " items; it would break a wrapped line of ours once more.
    return re.sub(r"(?<!\n)\n(?![\n-])", " ", re.sub(r"\n+(?=[A-Z][a-z ]+: )", "\n\n", sheet))


def _subcommand(name: str, in_full: bool) -> object:
    # tyro prints one description in the list of corpora and in a corpus's own help: a line there, the sheet here.
    sheet = data_sheet(name)
    description = sheet if in_full else sheet.partition("\n\n")[0]
    return Annotated[CORPORA[name], tyro.conf.subcommand(name, description=description, prefix_name=False)]


if __name__ == "__main__":
    sys.exit(main())
