"""Audio providers: the interface of every provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from data_prep.matching import Named

IDENTITY_ONLY = "the provider tells which recording it is and has no sound"


@dataclass(frozen=True, kw_only=True)
class Wanted(Named):
    """A song that is looked for."""

    track_id: str
    isrc: str | None = None
    """International Standard Recording Code, once a provider has told it."""


@dataclass(frozen=True, kw_only=True)
class Found(Named):
    """A song as a provider has it."""

    provider: str
    key: str
    """Its id there: stored, since addresses of sound expire."""
    page: str = ""
    """Public page of the song."""
    isrc: str | None = None
    licence: str | None = None
    suffix: str = ".mp3"
    sound: str = ""
    """Where the sound is; empty where it must be asked for first."""


class NoAudioError(Exception):
    """The song was found but its sound cannot be had; the message is counted, so it names no song."""


class PreviewProvider(Protocol):
    """A source of sound."""

    name: str

    def search(self, wanted: Wanted) -> Sequence[Found]:
        """Songs that may be the one wanted, best first; the caller decides which are."""

    def fetch(self, found: Found, target: Path) -> Path:
        """Put the sound at `target` and return it, or return a file of the user's own that stays where it is.

        Raises:
            NoAudioError: there is none to be had.
        """
