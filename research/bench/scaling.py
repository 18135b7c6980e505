"""How a feature store and an epoch over it scale with the corpus: cost per song and memory, tenth by tenth.

Run: python -m research.bench.scaling --songs 100000 --folder scaling
The audio is short clips, repeated under new names; the folder is kept, 12 kB for a song of one second. The machine's
own speed changes in the minutes that this takes, so a reference computation (one clip's spectrogram, or one batch) is
repeated throughout, and the result is the cost of songs relative to it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import soundfile
import tyro

from research.bench.clips import compose
from research.data.augmentation import Augmentation
from research.data.dataset import SongDataset
from research.data.songs import InputConfig, load_songs
from research.features.audio import MelSettings, load_log_mel
from research.features.building import build_store
from research.reports.formats import markdown_table
from research.tracks import Corpus, TrackTable, write_tracks

LABELS = ("happy", "sad")
TENTHS = 10
EPOCHS = ("first epoch", "second epoch")


@dataclass(frozen=True, kw_only=True)
class Config:
    folder: Path
    """Where corpus and store go; must not exist yet."""
    songs: int = 100_000
    clips: int = 50
    """Sound files that the songs share."""
    clip_s: float = 1.0
    sample_rate: int = 44_100
    """Of the clips, Hz."""
    window_frames: int = 40
    """Of an epoch, shorter than a clip."""
    batch_size: int = 64


@dataclass(frozen=True)
class Reading:
    """The process after some songs."""

    songs: int
    cpu_s: float
    """Without the yardstick."""
    memory_mb: float
    """Resident memory of its own; pages of mapped files are the kernel's to drop."""
    yardstick_s: float
    """CPU time of the yardstick so far."""


@dataclass(frozen=True)
class Tenth:
    """What a tenth of the songs cost."""

    song_us: float
    """CPU time a song."""
    beside: float
    """That beside the yardstick, of which 1 is the mean over all tenths."""
    memory_mb: float
    """At its end."""


class Readings:
    """Kept while many things pass by, from a given number of songs on."""

    def __init__(self, yardstick: Callable[[], object], songs: int = 0):
        """
        Args:
            yardstick: the fixed piece of work, done behind each thing that passes.
        """
        self._yardstick, self._yardstick_s = yardstick, 0.0
        self.kept: list[Reading] = [self._read(songs)]

    def watch(self, items: Iterable[Any], songs: Callable[[Any], int]) -> Iterator[Any]:
        """The items themselves; a reading behind each, which stands for so many songs."""
        for item in items:
            yield item
            self.kept.append(self._read(self.kept[-1].songs + songs(item)))
            start = time.process_time()
            self._yardstick()
            self._yardstick_s += time.process_time() - start

    def _read(self, songs: int) -> Reading:
        memory = psutil.Process().memory_info()
        own_mb = (memory.rss - memory.shared) / 1e6
        return Reading(songs, time.process_time() - self._yardstick_s, own_mb, self._yardstick_s)

    def tenths(self) -> list[Tenth]:
        """Equal parts of the songs, in their order."""
        counts = np.array([reading.songs for reading in self.kept])
        ends = np.searchsorted(counts, np.linspace(counts[0], counts[-1], TENTHS + 1))
        marks = list(pairwise(self.kept[end] for end in ends))
        songs_s = np.array([(b.cpu_s - a.cpu_s) / (b.songs - a.songs) for a, b in marks])
        fixed_s = np.array([b.yardstick_s - a.yardstick_s for a, b in marks]) / np.diff(ends)
        beside = songs_s / fixed_s
        return [
            Tenth(1e6 * song_s, share, b.memory_mb)
            for song_s, share, (_, b) in zip(songs_s.tolist(), (beside / beside.mean()).tolist(), marks, strict=True)
        ]


def repeated_corpus(config: Config) -> TrackTable:
    """A table of many songs on few sound files; every song links to one, moods in turn.

    Raises:
        FileExistsError: the folder is there.
    """
    config.folder.mkdir(parents=True)
    for clip in range(config.clips):
        sound = compose(config.clip_s, config.sample_rate, np.random.default_rng(clip))
        soundfile.write(config.folder / f"clip{clip}.mp3", sound, config.sample_rate)
    names = [f"{song}.mp3" for song in range(config.songs)]
    for song, name in enumerate(names):
        (config.folder / name).symlink_to(f"clip{song % config.clips}.mp3")
    moods = [LABELS[song % len(LABELS)] for song in range(config.songs)]
    frame = pd.DataFrame({"track_id": [f"song{song}" for song in range(config.songs)], "mood": moods, "audio": names})
    frame["tags"] = [[]] * config.songs
    corpus = Corpus(name="scaling", labels=LABELS, citation="none", licence="none", synthetic=True)
    return write_tracks(config.folder / "tracks.parquet", frame, corpus)


def measure_growth(config: Config) -> dict[str, Readings]:
    """Build the store in this process, then read every song twice as training does.

    Building is watched from its first song on: before, the files of all songs are looked at.
    Epochs are watched from their second batch on: before the first, random numbers and order of all songs are drawn. In
    the first epoch the kernel also maps the store's pages into the process, ever fewer of them.
    """
    tracks, found = repeated_corpus(config), {}

    def one_by_one(function: Callable[[Any], Path], shards: Sequence[Any]) -> Iterator[Path]:
        sizes = {shard.path: len(shard.jobs) for shard in shards}
        found["building"] = Readings(partial(load_log_mel, tracks.audio_path(0), MelSettings()))
        return found["building"].watch(map(function, shards), sizes.__getitem__)

    store = build_store(tracks, config.folder / "mel", MelSettings(), engine=one_by_one)
    songs = load_songs(tracks, InputConfig(window_frames=config.window_frames), [store], None)
    epoch = SongDataset(songs, np.arange(config.songs), augmentation=Augmentation())
    for number, name in enumerate(EPOCHS):
        epoch.epoch = number
        batches = iter(epoch.loader(config.batch_size))
        same = range(min(len(epoch), config.batch_size))
        found[name] = Readings(partial(epoch.__getitems__, same), songs=len(next(batches).target))
        for _ in found[name].watch(batches, lambda batch: len(batch.target)):
            pass
    return found


def growth_table(found: dict[str, Readings]) -> list[str]:
    """Lines of a Markdown table, a row a path."""
    rows = []
    for name, readings in found.items():
        tenths = readings.tenths()
        first, last = tenths[0], tenths[-1]
        costs = ", ".join(f"{tenth.song_us:.0f}" for tenth in tenths)
        beside = ", ".join(f"{tenth.beside:.2f}" for tenth in tenths)
        change = f"{100 * (last.beside / first.beside - 1):+.1f} %"
        memory = f"{first.memory_mb:.0f}, {last.memory_mb:.0f}"
        rows.append((name, str(readings.kept[-1].songs), costs, beside, change, memory))
    header = (
        "",
        "songs",
        "us a song, tenth by tenth",
        "beside the same work again",
        "last against first",
        "MB after the first and last tenth",
    )
    return markdown_table(header, rows)


if __name__ == "__main__":
    print(*growth_table(measure_growth(tyro.cli(Config))), sep="\n")
