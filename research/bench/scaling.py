"""How a feature store and an epoch over it grow with the corpus: the cost of a song and the memory, tenth by tenth.

Run: python -m research.bench.scaling --songs 100000 --folder scaling
The sound is short clips again and again under new names; the folder is left behind, 12 kB a song of one second.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import soundfile
import tyro

from research.bench.clips import compose
from research.data.dataset import Augmentation, SongDataset
from research.data.songs import InputConfig, load_songs
from research.features.audio import MelSettings
from research.features.building import build_store
from research.reports.formats import markdown_table
from research.tracks import Corpus, TrackTable, write_tracks

LABELS = ("happy", "sad")
TENTHS = 10


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
    memory_mb: float
    """Resident memory of its own; pages of mapped files are the kernel's to drop."""


class Readings:
    """Kept while many things pass by."""

    def __init__(self):
        self.kept: list[Reading] = [read(0)]

    def watch(self, items: Iterable[Any], songs: Callable[[Any], int]) -> Iterator[Any]:
        """The items themselves; a reading behind each, which stands for so many songs."""
        for item in items:
            yield item
            self.kept.append(read(self.kept[-1].songs + songs(item)))

    def tenths(self) -> list[tuple[float, float]]:
        """CPU time a song, microseconds, and memory at the end, MB, of each tenth of the songs."""
        counts = np.array([reading.songs for reading in self.kept])
        ends = np.searchsorted(counts, counts[-1] * np.arange(TENTHS + 1) / TENTHS)
        marks = [self.kept[end] for end in ends]
        return [(1e6 * (b.cpu_s - a.cpu_s) / (b.songs - a.songs), b.memory_mb) for a, b in pairwise(marks)]


def read(songs: int) -> Reading:
    memory = psutil.Process().memory_info()
    return Reading(songs, time.process_time(), (memory.rss - memory.shared) / 1e6)


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
    """Build the store in this process, then read every song once as training does."""
    tracks, building = repeated_corpus(config), Readings()

    def one_by_one(function: Callable[[Any], Path], shards: Sequence[Any]) -> Iterator[Path]:
        sizes = {shard.path: len(shard.jobs) for shard in shards}
        return building.watch(map(function, shards), sizes.__getitem__)

    store = build_store(tracks, config.folder / "mel", MelSettings(), engine=one_by_one)
    songs = load_songs(tracks, InputConfig(window_frames=config.window_frames), [store], None)
    epoch = SongDataset(songs, np.arange(config.songs), augmentation=Augmentation())
    reading = Readings()
    for _ in reading.watch(epoch.loader(config.batch_size), lambda batch: len(batch.target)):
        pass
    return {"building": building, "an epoch": reading}


def growth_table(found: dict[str, Readings]) -> list[str]:
    """Lines of a Markdown table, a row a path."""
    rows = []
    for name, readings in found.items():
        tenths = readings.tenths()
        (first_us, first_mb), (last_us, last_mb) = tenths[0], tenths[-1]
        costs = ", ".join(f"{cost:.0f}" for cost, _ in tenths)
        change = f"{100 * (last_us / first_us - 1):+.1f} %"
        rows.append((name, str(readings.kept[-1].songs), costs, change, f"{first_mb:.0f}, {last_mb:.0f}"))
    header = ("", "songs", "us a song, tenth by tenth", "last against first", "MB after the first and last tenth")
    return markdown_table(header, rows)


if __name__ == "__main__":
    print(*growth_table(measure_growth(tyro.cli(Config))), sep="\n")
