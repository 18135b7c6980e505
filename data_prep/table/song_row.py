"""One row of a user's own song table, checked: the song, or what is wrong with the row."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from data_prep.table.rows import is_utf8
from data_prep.table.songs import UNFIT_ID, Song, file_name, is_file_name, split_tags
from research.features.audio import decode
from research.features.files import AudioError
from research.tracks import SPLITS

COLUMNS = frozenset(
    {"file", "id", "artist", "title", "mood", "tags", "lyrics", "lyrics_file", "split", "language", "licence"}
)
PROBE_S = 0.5
"""Seconds decoded to see that a file is sound: a header alone may be all that came of a download."""


class RowError(ValueError):
    """Why a row cannot be used."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class SongFiles:
    """Where the files that a table names are found."""

    def __init__(self, root: Path, tables: Path, audio: Iterable[Path]):
        """Both folders absolute; `audio` are the audio files below `root`, to be found by their stem."""
        self.root, self.tables = root, tables
        self._by_stem = defaultdict(list)
        for path in audio:
            self._by_stem[path.stem].append(path)

    def audio_named(self, file: str) -> Path:
        return self._inside(self.root, file, "audio")

    def audio_of_id(self, track_id: str) -> Path | None:
        """The one audio file with this stem below the root, None where there is none."""
        found = self._by_stem.get(track_id, [])
        if len(found) > 1:
            raise RowError("several audio files for one id", ", ".join(map(str, found[:3])))
        return found[0] if found else None

    def lyrics_named(self, file: str) -> str:
        path = self._inside(self.tables, file, "lyrics")
        try:
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise RowError("lyrics file is not UTF-8", f"{path}: {error.reason} at byte {error.start}") from error

    def _inside(self, folder: Path, file: str, kind: str) -> Path:
        path = Path(os.path.normpath(folder / file))
        if not path.is_relative_to(folder):
            hint = "; name a folder that holds all by --audio-root" if kind == "audio" else ""
            raise RowError(f"{kind} file outside its folder", f"{file} is not in {folder}{hint}")
        if not path.is_file():
            raise RowError(f"missing {kind} file", str(path))
        return path


def song_of_row(row: dict[str, str], files: SongFiles) -> Song:
    """The song of a row, its files looked up and its audio probed.

    Args:
        row: cells by column, trimmed; a missing column reads as empty.
        files: where audio and lyrics are.

    Raises:
        RowError: the first fault found.
    """
    cell = dict.fromkeys([*COLUMNS, ""], "") | row
    if not all(map(is_utf8, cell.values())):
        raise RowError("not UTF-8", "write table and file names in UTF-8")
    if cell[""].strip():
        raise RowError("more cells than columns", f'"{cell[""].strip()[:40]}"; quote a cell that holds a separator')
    mood, tags = " ".join(cell["mood"].casefold().split()), split_tags(cell["tags"])
    if not mood and not tags:
        raise RowError("no mood and no tags")
    _check_cells(cell)
    audio = files.audio_named(cell["file"]) if cell["file"] else files.audio_of_id(cell["id"])
    if audio:
        _probe(audio)
    lyrics = cell["lyrics"] or (files.lyrics_named(cell["lyrics_file"]) if cell["lyrics_file"] else None)
    return Song(
        track_id=cell["id"] or file_name(str(audio.relative_to(files.root).with_suffix(""))),
        artist=cell["artist"] or None,
        title=cell["title"] or None,
        mood=mood or None,
        tags=tags,
        split=cell["split"] or None,
        audio=audio,
        lyrics=lyrics,
        language=cell["language"].lower() or None,
        licence=cell["licence"] or None,
    )


def _check_cells(cell: dict[str, str]) -> None:
    if not cell["file"] and not cell["id"]:
        raise RowError("neither file nor id")
    if cell["id"] and not is_file_name(cell["id"]):
        raise RowError(UNFIT_ID, repr(cell["id"][:60]))
    if cell["split"] not in (*SPLITS, ""):
        raise RowError("unknown split", f"{cell['split']!r} is none of {', '.join(SPLITS)}")
    if not re.fullmatch("([a-z]{2})?", cell["language"].lower()):
        raise RowError("language is not ISO 639-1", f"{cell['language']!r}; expected two letters such as en")


def _probe(audio: Path) -> None:
    try:
        decode(audio, sample_rate=22_050, duration_s=PROBE_S)
    except AudioError as error:
        raise RowError("unreadable audio", str(error)) from error
