"""Prepare a corpus: `data/<corpus>/tracks.parquet` with its audio and lyrics, which everything else starts from.

Run: python -m data_prep synthetic
     python -m data_prep folder --source songs.csv
     python -m data_prep CORPUS --help      (the data sheet of a corpus)
"""

import ast
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from data_prep.fetching.plan import FetchPlan

if TYPE_CHECKING:
    from research.tracks import TrackTable

# The corpora are imported where they run: pandas and the audio libraries would make --help wait for seconds.


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    out: Path = Path("data/synthetic")
    """Corpus folder to write."""
    n_songs: int = 240
    """Songs to compose."""
    seed: int = 0
    """The same seed gives the same songs, byte for byte."""
    duration_s: float = 12.0
    """Length of a song, seconds."""
    overlap: float = 1.0
    """Blur of the moods: 0, where sound and words each tell all, and up."""
    workers: int | None = None
    """Processes; None: one a processor."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import synthetic
        from data_prep.table.card import card_text
        from data_prep.table.placing import write_text

        table = synthetic.prepare(
            self.out,
            n_songs=self.n_songs,
            seed=self.seed,
            duration_s=self.duration_s,
            overlap=self.overlap,
            workers=self.workers,
        )
        write_text(self.out / "card.md", card_text(table))
        return table


@dataclass(frozen=True, kw_only=True)
class Folder:
    source: Path
    """CSV table of songs, or folder with one subfolder a mood."""
    out: Path = Path("data/folder")
    """Corpus folder to write."""
    audio_root: Path | None = None
    """Folder the audio is named from; None: the folder of the table."""
    artists_cross_splits: bool = False
    """Accept a `split` column that has an artist on both sides."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import folder

        return folder.prepare(
            self.source, self.out, audio_root=self.audio_root, artists_cross_splits=self.artists_cross_splits
        )


@dataclass(frozen=True, kw_only=True)
class Qaed4:
    source: Path
    """Folder of the unpacked dataset."""
    out: Path = Path("data/qaed4")
    """Corpus folder to write."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import qaed4

        return qaed4.prepare(self.source, self.out)


@dataclass(frozen=True, kw_only=True)
class MirexLike:
    source: Path
    """Folder of the unpacked dataset."""
    out: Path = Path("data/mirex_like")
    """Corpus folder to write."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import mirex_like

        return mirex_like.prepare(self.source, self.out)


@dataclass(frozen=True, kw_only=True)
class NjuMusicmood:
    source: Path
    """Folder of the unpacked dataset."""
    out: Path = Path("data/nju_musicmood")
    """Corpus folder to write."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import nju_musicmood

        return nju_musicmood.prepare(self.source, self.out)


@dataclass(frozen=True, kw_only=True)
class Lastfm:
    source: Path
    """Folder of the JSON files or zips, or lastfm_tags.db."""
    out: Path = Path("data/lastfm")
    """Corpus folder to write."""
    rule: Literal["clean", "slides"] = "clean"
    """How tags become a mood."""
    songs_per_mood: int | None = None
    """Songs to look for a mood; None: all."""
    mismatches: Path | None = None
    """List of tracks whose tags belong to another song, as published with the Million Song Dataset."""
    fetch: tyro.conf.OmitArgPrefixes[FetchPlan] = FetchPlan()
    dry_run: bool = False
    """Say what would be fetched, and fetch nothing."""

    def prepare(self) -> "TrackTable | None":
        from data_prep.corpora import lastfm

        choice = {"rule": self.rule, "songs_per_mood": self.songs_per_mood, "mismatches": self.mismatches}
        if self.dry_run:
            print(lastfm.dry_run(self.source, self.out, plan=self.fetch, **choice))
            return None
        return lastfm.prepare(self.source, self.out, plan=self.fetch, **choice)


CORPORA = {
    "synthetic": Synthetic,
    "folder": Folder,
    "qaed4": Qaed4,
    "mirex_like": MirexLike,
    "nju_musicmood": NjuMusicmood,
    "lastfm": Lastfm,
}


def main(args: Sequence[str] | None = None) -> int:
    """Prepare the corpus that `args` name and print its data card; 1 and one line on stderr where it cannot be."""
    args = sys.argv[1:] if args is None else args
    choices = reduce(or_, (_subcommand(name, in_full=name in args[:1]) for name in CORPORA))
    corpus = tyro.cli(
        choices, prog="python -m data_prep", description=__doc__, args=args, config=(tyro.conf.FlagCreatePairsOff,)
    )
    try:
        table = corpus.prepare()
    except (ValueError, FileNotFoundError) as error:
        print(f"data_prep: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    if table is None:
        return 0
    print((corpus.out / "card.md").read_text(encoding="utf-8"))
    print(f"{len(table)} songs in {corpus.out / 'tracks.parquet'}")
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
