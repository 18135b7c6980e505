"""Your own music folder, by the files' tags or by names such as `Artist - Title.mp3`. Files stay where they are."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import mutagen
from tqdm import tqdm

from data_prep.previews import Found, Wanted
from data_prep.table.audio_files import audio_files
from research.tracks import artist_key


class LocalMusic:
    """A folder of music, read once."""

    name = "local"

    def __init__(self, folder: Path):
        """
        Raises:
            FileNotFoundError: no such folder.
        """
        self._by_artist: defaultdict[str, list[Found]] = defaultdict(list)
        for path in tqdm(audio_files(folder), desc="reading tags", unit="file", disable=None):
            found = _found(path.absolute())
            for act in {artist_key(found.artist), artist_key(found.artist.split(",")[0].split(" & ")[0])} - {""}:
                self._by_artist[act].append(found)

    def search(self, wanted: Wanted) -> Sequence[Found]:
        return self._by_artist.get(artist_key(wanted.artist), [])

    def fetch(self, found: Found, target: Path) -> Path:
        return Path(found.sound)


def _found(path: Path) -> Found:
    try:
        tagged = mutagen.File(path, easy=True)
    except mutagen.MutagenError:
        # A damaged tag is no damaged song: the name of the file may still tell, and the sound is checked later.
        tagged = None
    tags = (tagged and tagged.tags) or {}
    artist, dash, title = path.stem.partition(" - ")
    return Found(
        provider=LocalMusic.name,
        key=str(path),
        artist=_first(tags, "artist") or (artist if dash else path.parent.name),
        title=_first(tags, "title") or (title if dash else path.stem),
        duration_s=tagged.info.length if tagged else None,
        suffix=path.suffix.lower(),
        sound=str(path),
    )


def _first(tags: dict[str, list[str]], name: str) -> str:
    values = tags.get(name) or [""]
    return values[0].strip()
