"""Song search of the web page: an interface, implemented by a package that may talk to web services.

The library itself uses no web service. A package that does offers such an object under the entry point group
`music_mood_fusion.lookup`; here that is `data_prep.lookup`.
"""

from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

GROUP = "music_mood_fusion.lookup"


class NotFoundError(Exception):
    """The song or its words cannot be had; the message says why, for people."""


@dataclass(frozen=True, kw_only=True)
class FoundSong:
    """A song's sound and where it is from."""

    path: Path
    provider: str
    """Name of the service."""
    page: str
    """Public page of the song; may be empty."""


class Lookup(Protocol):
    """Finds songs."""

    services: str
    """What is asked, for people."""

    def sound(self, artist: str, title: str, folder: Path) -> FoundSong:
        """Put a song's preview into `folder`.

        Raises:
            NotFoundError: there is none.
        """

    def words(self, artist: str, title: str, folder: Path) -> str:
        """Lyrics of a song.

        Raises:
            NotFoundError: there are none.
        """


def installed_lookup() -> Lookup | None:
    """The one that is installed beside the library, or None: then the page takes uploads alone."""
    found = entry_points(group=GROUP)
    return next(iter(found)).load()() if found else None
