"""Options of a download run; imports nothing slow, because the command line is built from it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class FetchPlan:
    """Where to look for audio and lyrics."""

    previews: tuple[str, ...] = ("deezer",)
    """Audio sources, tried in this order: local, deezer, itunes, jamendo, spotify (identifies songs for the next)."""
    lyrics: tuple[str, ...] = ("lrclib",)
    """Lyrics sources, tried in this order: local, lrclib, genius."""
    music_folder: Path | None = None
    """Folder of audio files for `--previews local`."""
    lyrics_folder: Path | None = None
    """Folder of text files for `--lyrics local`."""
    accept_terms: tuple[str, ...] = ()
    """Services whose terms you have read and accept: genius, spotify (for its previews)."""


WITHOUT_KEYS = FetchPlan()
