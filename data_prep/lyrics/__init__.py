"""Lyrics providers: one interface, and one check that the lyrics found belong to the song."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from data_prep.matching import Named
from data_prep.previews import Wanted
from research.features.lyrics import clean_lyrics, detect_language

MIN_WORDS = 10
MAX_LETTERS = 15_000
"""The longest raps have about 10,000; beyond stand novels, scripts and track lists."""
INSTRUMENTAL = "instrumental"
TRANSLATION = "translation"
BOOK = "book-length page"
TOO_SHORT = "too few words"
# In the title or as the artist ("Genius English Translations") of a page.
TRANSLATED = re.compile(
    r"translat|romani[sz]ed|romani[sz]ation|traducci|traduc[aã]o|traduç|traduction|traduzione|übersetzung|перевод|"
    r"çeviri|tłumaczenie|vertaling|översättning",
    re.IGNORECASE,
)
SAYS_INSTRUMENTAL = re.compile(r"\W*(?:this (?:song|track) is an? )?instrumental\W*", re.IGNORECASE)


class NoLyricsError(Exception):
    """The song was found but its words cannot be had; the message is counted, so it names no song."""


@dataclass(frozen=True, kw_only=True)
class FoundLyrics(Named):
    """A page of lyrics as a provider has it."""

    provider: str
    key: str
    page: str = ""
    isrc: str | None = None
    instrumental: bool = False
    text: str = ""
    """The words where the search already gave them."""


class LyricsProvider(Protocol):
    """A source of words."""

    name: str

    def search(self, wanted: Wanted) -> Sequence[FoundLyrics]:
        """Pages that may be those of the song, best first; the caller decides which are."""

    def fetch(self, found: FoundLyrics) -> str:
        """Words of a page.

        Raises:
            NoLyricsError: there are none to be had.
        """


@dataclass(frozen=True, kw_only=True)
class Words:
    """Clean words of a song."""

    text: str
    language: str | None
    """ISO 639-1."""


def is_translation(found: Named, wanted: Named) -> bool:
    """Whether a page is of a translation; a song may itself be called "Lost in Translation"."""
    return _says_translated(found) and not _says_translated(wanted)


def judge(text: str) -> Words:
    """Clean the text of a page.

    Raises:
        NoLyricsError: it says that nothing is sung, or is too short or too long to be a song's words.
    """
    if SAYS_INSTRUMENTAL.fullmatch(text.strip()):
        raise NoLyricsError(INSTRUMENTAL)
    clean = clean_lyrics(text)
    if len(clean) > MAX_LETTERS:
        raise NoLyricsError(BOOK)
    if len(re.findall(r"\w+", clean)) < MIN_WORDS and not _is_unspaced(clean):
        raise NoLyricsError(TOO_SHORT)
    return Words(text=clean, language=detect_language(clean))


def _says_translated(song: Named) -> bool:
    return bool(TRANSLATED.search(song.title) or TRANSLATED.search(song.artist))


def _is_unspaced(text: str) -> bool:
    # Chinese and Japanese write no spaces: letters count there.
    return len(re.findall(r"[\u3040-\u30ff\u4e00-\u9fff]", text)) >= MIN_WORDS
