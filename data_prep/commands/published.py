"""Corpora that others publish, for those who have the files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from data_prep.commands.build import Build

if TYPE_CHECKING:
    from research.tracks import TrackTable

# A corpus is imported where it runs: pandas and the audio libraries would make --help wait for seconds.


@dataclass(frozen=True, kw_only=True)
class Qaed4:
    source: Path
    """Folder of the unpacked dataset."""
    out: Path = Path("data/qaed4")
    """Corpus folder to write."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import qaed4

        return qaed4.prepare(self.source, self.out)


@dataclass(frozen=True, kw_only=True)
class MirexLike:
    source: Path
    """Folder of the unpacked dataset."""
    out: Path = Path("data/mirex_like")
    """Corpus folder to write."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import mirex_like

        return mirex_like.prepare(self.source, self.out)


@dataclass(frozen=True, kw_only=True)
class NjuMusicmood:
    source: Path
    """Folder of the unpacked dataset."""
    out: Path = Path("data/nju_musicmood")
    """Corpus folder to write."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import nju_musicmood

        return nju_musicmood.prepare(self.source, self.out)


@dataclass(frozen=True, kw_only=True)
class MtgJamendo:
    source: Path
    """Folder with the lists of split-0."""
    out: Path = Path("data/mtg_jamendo")
    """Corpus folder to write."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()
    audio: Path | None = None
    """Folder of the songs' sound; None: ids, tags and splits alone."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import mtg_jamendo

        return mtg_jamendo.prepare(self.source, self.out, audio=self.audio)


@dataclass(frozen=True, kw_only=True)
class Merge:
    source: Path
    """Folder of one unpacked set, such as MERGE_Bimodal_Complete."""
    out: Path = Path("data/merge")
    """Corpus folder to write."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()
    proportions: Literal["70_15_15", "40_30_30"] = "70_15_15"
    """Which of the official splits."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import merge

        return merge.prepare(self.source, self.out, proportions=self.proportions)


@dataclass(frozen=True, kw_only=True)
class Emopia:
    source: Path
    """Folder of the unpacked archive, with the split's tables in `split`."""
    out: Path = Path("data/emopia")
    """Corpus folder to write."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()
    soundfont: Path = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
    """Instruments that FluidSynth plays the MIDI with; by default where Debian puts its own."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import emopia

        return emopia.prepare(self.source, self.out, soundfont=self.soundfont)


@dataclass(frozen=True, kw_only=True)
class MoodyLyrics4Q:
    source: Path
    """MoodyLyrics4Q.csv or its folder."""
    out: Path = Path("data/moodylyrics4q")
    """Corpus folder to write."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()
    lyrics: Path | None = None
    """Folder of your own lyrics."""
    audio: Path | None = None
    """Folder of your own sound."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import moodylyrics4q

        return moodylyrics4q.prepare(self.source, self.out, lyrics=self.lyrics, audio=self.audio)


@dataclass(frozen=True, kw_only=True)
class DeezerVa:
    source: Path
    """Folder with train.csv, validation.csv and test.csv."""
    out: Path = Path("data/deezer_va")
    """Corpus folder to write."""
    build: tyro.conf.OmitArgPrefixes[Build] = Build()
    audio: Path | None = None
    """Folder of your own sound."""
    lyrics: Path | None = None
    """Folder of your own lyrics."""

    def prepare(self) -> "TrackTable":
        from data_prep.corpora import deezer_va

        return deezer_va.prepare(self.source, self.out, audio=self.audio, lyrics=self.lyrics)


PUBLISHED = {
    "qaed4": Qaed4,
    "mirex_like": MirexLike,
    "nju_musicmood": NjuMusicmood,
    "mtg_jamendo": MtgJamendo,
    "merge": Merge,
    "emopia": Emopia,
    "moodylyrics4q": MoodyLyrics4Q,
    "deezer_va": DeezerVa,
}
