"""A song as its source gives it, before it is placed in a corpus folder, and a rejected song."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

RESERVED = frozenset('/\\:*?"<>|')
"""Letters that one system or another does not allow in the name of a file."""
MAX_NAME_BYTES = 200
"""File systems allow 255, in UTF-8, of which a suffix such as ".part.flac.part" takes some."""
UNFIT_ID = "id cannot name a file"
"""Reason for which a song is not taken: its files are named by its id, and "../x" would lie outside the corpus."""


@dataclass(frozen=True, kw_only=True)
class Song:
    """One song of a source."""

    track_id: str
    artist: str | None = None
    title: str | None = None
    mood: str | None = None
    tags: tuple[str, ...] = ()
    split: str | None = None
    audio: Path | None = None
    """Its file at the source."""
    lyrics: str | None = None
    """Its words themselves."""
    language: str | None = None
    """ISO 639-1; None: to be detected from the lyrics."""
    licence: str | None = None
    source: str | None = None
    """Corpus it came from; None: the one it is written to."""


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A song that was not taken, and why."""

    song: str
    """Its id, or what stood in its place."""
    reason: str
    """Counted in the data card: the same words for the same fault."""
    detail: str = ""
    line: int | None = None
    """Line of the source table, counted from 1."""


def split_tags(text: str) -> tuple[str, ...]:
    """Tags of one cell, separated by ``|`` or ``;``: lower-cased, trimmed, each once, in their order.

    >>> split_tags("Sweet| Calm |sweet;")
    ('sweet', 'calm')
    """
    tags = (" ".join(tag.casefold().split()) for tag in re.split(r"[|;]", text))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def tag_vocabulary(songs: Iterable[Song]) -> tuple[str, ...]:
    """All tags of the songs, sorted."""
    return tuple(sorted({tag for song in songs for tag in song.tags}))


def is_file_name(track_id: str) -> bool:
    """Whether an id can name a file on every system: printable, no separator or reserved sign, not too long."""
    return track_id == file_name(track_id)


def file_name(text: str) -> str:
    """Text made fit to name a file on every system; at most `MAX_NAME_BYTES`, cut texts still have names of their own.

    >>> file_name("happy/AC:DC - What?")
    'happy_AC_DC - What_'
    """
    fit = "".join(letter if letter.isprintable() and letter not in RESERVED else "_" for letter in text)
    fit = fit.strip(" .") or "_"
    if len(fit.encode()) <= MAX_NAME_BYTES:
        return fit
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=4).hexdigest()
    # A letter cut in two is left out.
    head = fit.encode()[: MAX_NAME_BYTES - len(digest) - 1].decode(errors="ignore")
    return f"{head}-{digest}"
