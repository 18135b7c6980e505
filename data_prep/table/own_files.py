"""A user's own audio and lyrics for a corpus that is published without them, found by song id."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.table.audio_files import audio_files
from research.tracks import artist_key


def by_id(paths: Iterable[Path]) -> dict[str, Path]:
    """Files by what stands before the first dot of their names, so that `948.low.mp3` is the sound of song 948.

    Raises:
        ValueError: two files for one id.
    """
    found: dict[str, Path] = {}
    for path in paths:
        name = path.name.partition(".")[0]
        if name in found:
            raise ValueError(f"{found[name]} and {path} are both named {name}; leave one of them in the folder")
        found[name] = path
    return found


def text_files(folder: Path) -> list[Path]:
    """Text files below a folder in alphabetical order; hidden ones are passed over.

    Raises:
        FileNotFoundError: no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} does not exist or is no folder; name the folder that holds the lyrics")
    return sorted(path for path in folder.rglob("*.txt") if not path.name.startswith("."))


def read_words(path: Path) -> str:
    """Text of a file in UTF-8 or, where it is none, in Windows' western code page, as older sets have it."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


@dataclass(frozen=True)
class OwnFiles:
    """Sound and words by song; both empty where no folder was given."""

    audio: dict[str, Path] = field(default_factory=dict)
    lyrics: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def below(cls, audio: Path | None, lyrics: Path | None) -> "OwnFiles":
        """Look through the folders.

        Args:
            audio: folder of `<id>.mp3` and the like, nested or not; None: no sound.
            lyrics: folder of `<id>.txt` or `Artist - Title.txt`; None: no words.

        Raises:
            FileNotFoundError: a folder does not exist.
            ValueError: two files for one id.
        """
        words = by_id([]) if lyrics is None else {_text_key(path): path for path in text_files(lyrics)}
        return cls(by_id(audio_files(audio)) if audio else {}, words)

    def words(self, track_id: str, artist: str, title: str) -> str | None:
        """Words of a song by its id or else by its names; None where there are none."""
        path = self.lyrics.get(track_id) or self.lyrics.get(_name_key(artist, title))
        return read_words(path) if path else None


def _text_key(path: Path) -> str:
    artist, dash, title = path.stem.partition(" - ")
    return _name_key(artist, title) if dash else path.stem


def _name_key(artist: str, title: str) -> str:
    # artist_key of a title too: what makes two spellings of a name one makes two spellings of a title one.
    return f"{artist_key(artist)} - {artist_key(title)}"
