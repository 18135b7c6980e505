"""An invented catalogue: songs, their Last.fm files, and what goes wrong with each at the services."""

import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from mutagen.id3 import ID3, TXXX

TAGS = {"happy": ["happy", "joyous"], "angry": ["angry"], "sad": ["sad", "gloomy"], "relaxed": ["calm"]}
ADJECTIVES = ("Broken", "Golden", "Paper", "Silver", "Winter", "Velvet", "Hollow", "Northern", "Electric", "Crooked")
NOUNS = ("River", "Engine", "Harbour", "Letter", "Mountain", "Carnival", "Station", "Orchard", "Mirror", "Compass")
WORDS = "rain comes down over the hill and I walk with you along the long road home again my friend tonight"

SOUND_FAULTS = (
    "missing", "only live", "no preview", "expired", "quota", "garbage", "cut off", "slow", "busy", "broken",
)  # fmt: skip
WORD_FAULTS = ("missing", "instrumental", "book", "by search", "busy", "broken", "short", "fine", "translation")


@dataclass(frozen=True)
class CatalogueSong:
    """One invented song; its number tells everything about it."""

    number: int

    @property
    def track_id(self) -> str:
        return f"TRSTAND{self.number:011d}"

    @property
    def artist(self) -> str:
        return f"{NOUNS[self.number % 10]} {ADJECTIVES[self.number // 10 % 10]} Band"

    @property
    def title(self) -> str:
        return f"{ADJECTIVES[self.number % 7]} {NOUNS[self.number % 9]} {self.number}"

    @property
    def mood(self) -> str:
        return list(TAGS)[self.number % 4]

    @property
    def sound_fault(self) -> str:
        """Every third song has something; which, goes round."""
        return SOUND_FAULTS[self.number // 3 % len(SOUND_FAULTS)] if self.number % 3 == 0 else ""

    @property
    def word_fault(self) -> str:
        return WORD_FAULTS[self.number // 5 % len(WORD_FAULTS)] if self.number % 5 == 1 else ""

    @property
    def words(self) -> str:
        return "\n".join(" ".join(WORDS.split()[(self.number + line) % 19 :]) + f" {self.number}" for line in range(4))


def write_lastfm(songs: list[CatalogueSong], folder: Path) -> Path:
    """The songs as Last.fm's JSON files, in its nested folders and its two splits (an artist in one only)."""
    for song in songs:
        split = "lastfm_test" if song.number % 10 == 9 else "lastfm_train"
        path = folder / split / song.track_id[2] / f"{song.track_id}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        tags = [[tag, "100"] for tag in TAGS[song.mood]] + [["rock", "40"]]
        entry = {"artist": song.artist, "timestamp": "2011-08-01", "similars": [], "tags": tags}
        path.write_text(json.dumps(entry | {"track_id": song.track_id, "title": song.title}))
    return folder


def mp3_of(number: int) -> bytes:
    """A sound of 6 s, other bytes for every song."""
    header = io.BytesIO()
    tags = ID3()
    tags.add(TXXX(encoding=3, desc="song", text=[str(number)]))
    tags.save(header)
    return header.getvalue() + _tone(number % 6)


@cache
def _tone(pitch: int) -> bytes:
    wave = 0.1 * np.sin(2 * np.pi * 220 * (pitch + 1) * np.arange(6 * 44_100) / 44_100)
    file = io.BytesIO()
    soundfile.write(file, wave, 44_100, format="MP3")
    return file.getvalue()
