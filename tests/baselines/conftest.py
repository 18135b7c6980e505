"""Two corpora for the baselines: one in memory whose moods are easy, one on disk with sound and words."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research.tracks import Corpus, TrackTable, read_tracks, write_tracks

LABELS = ("happy", "angry", "sad")


@pytest.fixture
def easy_tracks() -> TrackTable:
    """60 songs by 30 artists, 20 a mood, in no order."""
    moods = np.random.default_rng(0).permutation(np.repeat(LABELS, 10))
    rows = [
        {"track_id": f"t{song}", "artist": f"artist {song // 2}", "mood": moods[song // 2], "split": None, "tags": []}
        for song in range(60)
    ]
    frame = pd.DataFrame(rows, dtype=object).assign(title=None, audio=None, lyrics=None)
    return TrackTable(Corpus(name="easy", labels=LABELS, citation="none", licence="CC0"), frame, Path())


@pytest.fixture(scope="module")
def disk_table(small_table, tmp_path_factory) -> Path:
    """The small corpus without the feature store that other settings made."""
    folder = tmp_path_factory.mktemp("baselines") / "corpus"
    shutil.copytree(small_table.parent, folder, ignore=shutil.ignore_patterns("mel"))
    return folder / "tracks.parquet"


@pytest.fixture
def wordless_table(disk_table, tmp_path) -> Path:
    """The same songs without their words."""
    tracks = read_tracks(disk_table)
    shutil.copytree(disk_table.parent, tmp_path / "wordless", ignore=shutil.ignore_patterns("mel"))
    path = tmp_path / "wordless" / "tracks.parquet"
    write_tracks(path, tracks.frame.assign(lyrics=None), tracks.corpus)
    return path
