"""Input of the benchmarks: clips, a corpus of them with features, JPGs and lyrics; made once, in one folder."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from research.bench import slides
from research.bench.clips import Clips, given_clips, made_clips
from research.features.audio import MelSettings
from research.features.building import build_store
from research.features.store import MelStore
from research.tracks import Corpus, TrackTable, write_tracks

LABELS = ("happy", "angry", "sad", "relaxed")
WORDS = "love night heart rain fire dream cry dance alone forever baby road light time away home blue cold sweet tears"
MEDIAN_WORDS, LOG_SPREAD = 300, 0.45
"""Lengths of lyrics: log-normal, with the median and the share of 12 % above 512 tokens of NJU-MusicMood's."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured; the defaults take minutes."""

    rounds: int = 5
    clip_s: float = 30.0
    """A preview."""
    song_s: float = 240.0
    tracks: int = 96
    """Songs in the corpus: the clips again and again."""
    epoch: int = 256
    """Songs in one of our epochs; it ends with a small validation."""
    folder: int = 16
    """Songs in a folder that is judged."""
    slides_epoch: int = 32
    """Pictures in one epoch of the slides' way; both are compared by the song."""
    lyrics_epoch: int = 32
    matrix_side: int = 2_048
    copied_bytes: int = 2**27


class Material:
    """Files in `folder`; each kind is made when first asked for, before any clock runs."""

    def __init__(self, folder: Path, size: Size, source: Path | None = None):
        """
        Args:
            source: folder of real songs; None makes clips.

        Raises:
            ValueError: no usable sound in `source`.
        """
        self.folder, self.size = folder, size
        duration = size.clip_s, size.song_s
        self.clips: Clips = made_clips(folder, *duration) if source is None else given_clips(source, folder, *duration)

    def new_folder(self, name: str) -> Path:
        """A folder that did not exist before."""
        path = self.folder / f"{name}-{len(list(self.folder.glob(f'{name}-*')))}"
        path.mkdir()
        return path

    @cached_property
    def tracks(self) -> TrackTable:
        """A corpus of the clips, again and again under new names; moods in turn; every song has words."""
        folder, n_tracks = self.new_folder("corpus"), self.size.tracks
        clips = [self.clips.short[row % len(self.clips.short)] for row in range(n_tracks)]
        names = [f"{row:03d}{clip.suffix}" for row, clip in enumerate(clips)]
        for path, clip in zip(names, clips, strict=True):
            (folder / path).symlink_to(clip.absolute())
        for row, text in enumerate(self._lyrics(n_tracks)):
            (folder / f"{row:03d}.txt").write_text(text, encoding="utf-8")
        frame = pd.DataFrame(
            {
                "track_id": [f"song{row:03d}" for row in range(n_tracks)],
                "mood": [LABELS[row % len(LABELS)] for row in range(n_tracks)],
                "tags": [[] for _ in range(n_tracks)],
                "audio": names,
                "lyrics": [f"{row:03d}.txt" for row in range(n_tracks)],
            }
        )
        corpus = Corpus(name="bench", labels=LABELS, citation="none", licence="none", synthetic=True)
        return write_tracks(folder / "tracks.parquet", frame, corpus)

    @cached_property
    def store(self) -> MelStore:
        return build_store(self.tracks, self.tracks.folder / "mel", MelSettings(), workers=1)

    @cached_property
    def jpgs(self) -> Path:
        """`slides_epoch` JPGs by mood, drawn the slides' way."""
        folder = self.new_folder("jpgs")
        drawn = [slides.clip_to_jpg(clip, folder).read_bytes() for clip in self.clips.short]
        for row in range(self.size.slides_epoch):
            mood = folder / "by_mood" / LABELS[row % len(LABELS)]
            mood.mkdir(parents=True, exist_ok=True)
            (mood / f"{row:03d}.jpg").write_bytes(drawn[row % len(drawn)])
        return folder / "by_mood"

    @cached_property
    def words(self) -> str:
        """Lyrics of one song, of the usual length."""
        return " ".join(np.random.default_rng(0).choice(WORDS.split(), MEDIAN_WORDS))

    def _lyrics(self, n_songs: int) -> list[str]:
        generator = np.random.default_rng(0)
        lengths = np.exp(generator.normal(np.log(MEDIAN_WORDS), LOG_SPREAD, n_songs)).astype(int)
        return [" ".join(generator.choice(WORDS.split(), length)) for length in lengths]
