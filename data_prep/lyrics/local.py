"""Your own lyrics: a folder of UTF-8 files `<track id>.txt` or `Artist - Title.txt`, nested or not."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from data_prep.lyrics import FoundLyrics, NoLyricsError
from data_prep.previews import Wanted
from research.tracks import artist_key


class LocalLyrics:
    """A folder of text files, listed once."""

    name = "local"

    def __init__(self, folder: Path):
        """
        Raises:
            FileNotFoundError: no such folder.
        """
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} does not exist or is no folder; name the folder that holds the lyrics")
        self._by_name: defaultdict[str, list[Path]] = defaultdict(list)
        for path in sorted(folder.rglob("*.txt")):
            artist, dash, _ = path.stem.partition(" - ")
            self._by_name[artist_key(artist) if dash else path.stem].append(path)

    def search(self, wanted: Wanted) -> Sequence[FoundLyrics]:
        own = [_found(path, wanted.artist, wanted.title) for path in self._by_name.get(wanted.track_id, [])]
        named = [_found(path, *path.stem.split(" - ", 1)) for path in self._by_name.get(artist_key(wanted.artist), [])]
        return own or named

    def fetch(self, found: FoundLyrics) -> str:
        try:
            return Path(found.key).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise NoLyricsError("file is not UTF-8") from error


def _found(path: Path, artist: str, title: str) -> FoundLyrics:
    return FoundLyrics(provider=LocalLyrics.name, key=str(path), artist=artist, title=title)
