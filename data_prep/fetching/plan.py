"""What a run is asked to do; imports nothing that takes time, since the command line is made from it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class FetchPlan:
    """Where sound and words are looked for."""

    previews: tuple[str, ...] = ("deezer",)
    """Sources of sound in their order: local, deezer, itunes, jamendo, spotify (identity for those after it)."""
    lyrics: tuple[str, ...] = ("lrclib",)
    """Sources of words in their order: local, lrclib, genius."""
    music_folder: Path | None = None
    """Music for `--previews local`."""
    lyrics_folder: Path | None = None
    """Text files for `--lyrics local`."""
    accept_terms: tuple[str, ...] = ()
    """Services whose terms you have read and may use: genius, spotify (for its previews)."""


WITHOUT_KEYS = FetchPlan()
