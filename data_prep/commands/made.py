"""Corpora that are made here: invented songs, your own ones, those of Last.fm's tags, and several joined."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from data_prep.commands.build import Build
from data_prep.fetching.plan import FetchPlan

if TYPE_CHECKING:
    from research.tracks import TrackTable

# A corpus is imported where it runs: pandas and the audio libraries would make --help wait for seconds.


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    out: Path = Path("data/synthetic")
    """Corpus folder to write."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()
    n_songs: int = 240
    """Songs to compose."""
    seed: int = 0
    """The same seed gives the same songs, byte for byte."""
    duration_s: float = 12.0
    """Length of each song, seconds."""
    overlap: float = 1.0
    """Blur of the moods, from 0 (audio and lyrics each show the mood exactly) upwards."""
    workers: int | None = None
    """Number of processes; None: one per processor."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import synthetic
        from data_prep.table.card import card_text
        from research.atomic import write_text

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
    """CSV table of songs, or folder with one subfolder per mood."""
    out: Path = Path("data/folder")
    """Corpus folder to write; its name is the corpus' name."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()
    audio_root: Path | None = None
    """Folder that audio paths are relative to; None: the folder of the table."""
    artists_cross_splits: bool = False
    """Accept a `split` column with artists on both sides."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import folder

        return folder.prepare(
            self.source, self.out, audio_root=self.audio_root, artists_cross_splits=self.artists_cross_splits
        )


@dataclass(frozen=True, kw_only=True)
class Lastfm:
    source: Path
    """Folder of the JSON files or zips, or lastfm_tags.db."""
    out: Path = Path("data/lastfm")
    """Corpus folder to write."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()
    rule: Literal["clean", "slides"] = "clean"
    """How tags become a mood."""
    songs_per_mood: int | None = None
    """Songs to look for per mood; None: all."""
    mismatches: Path | None = None
    """List of tracks whose tags belong to another song, as published with the Million Song Dataset."""
    fetch: tyro.conf.OmitArgPrefixes[FetchPlan] = FetchPlan()
    dry_run: bool = False
    """Print what would be downloaded, and download nothing."""

    def prepare(self) -> "TrackTable | None":
        from data_prep.corpora import lastfm

        choice = {"rule": self.rule, "songs_per_mood": self.songs_per_mood, "mismatches": self.mismatches}
        if self.dry_run:
            print(lastfm.dry_run(self.source, self.out, plan=self.fetch, **choice))
            return None
        return lastfm.prepare(self.source, self.out, plan=self.fetch, **choice)


@dataclass(frozen=True, kw_only=True)
class Joined:
    source: tuple[Path, ...]
    """Folders of prepared corpora; the moods of the first are kept."""
    out: Path = Path("data/joined")
    """Corpus folder to write; its name is the corpus' name."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()
    rename: tuple[str, ...] = ()
    """Other names for moods: cheerful=happy poignant=sad."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import joined

        return joined.prepare(self.source, self.out, self.rename)


MADE = {"synthetic": Synthetic, "folder": Folder, "lastfm": Lastfm, "joined": Joined}
