"""Your own songs: a table, or a folder with one subfolder per mood. Audio is linked, never copied or changed.

Table: `--source songs.csv` (UTF-8; comma, semicolon or tab), one row per song, with the columns
- `file` (audio file) or `id` (its name without suffix, looked up below the audio root; also the song's id), and
- `mood` (one) and/or `tags` (several, separated by | or ;), and, each optional,
- `artist`, `title` (both needed for artist-disjoint splits and to find duplicates),
- `lyrics` (the words) or `lyrics_file` (UTF-8 text file, relative to the table),
- `split` (train, valid or test), `language` (ISO 639-1, else detected from the lyrics), `licence`.
Paths: `file` is relative to `--audio-root`, by default the folder of the table, and must lie inside it.
Folder: `--source DIR` with `DIR/happy/Artist - Title.mp3`: the subfolder is the mood, the file name gives artist and
title where it has " - ", and `Artist - Title.txt` beside it is taken as the lyrics.
Audio: mp3, m4a, flac, ogg, opus, wav, aiff, aac, wma, webm; any length, sample rate and channels.
Labels: the moods found; happy, angry, sad, relaxed in this order if all are among these, otherwise alphabetical.
Licence: your responsibility; the column `licence` is copied into the table.
Name: the corpus is named after the folder it is written to (`--out data/party`), so you can have several.
Faults: a bad row never stops the others. Each is listed in `rejected.csv` with its line and the reason. A duplicate
song is taken once, a song with two moods not at all.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from data_prep.table.audio_files import audio_files
from data_prep.table.placing import write_corpus
from data_prep.table.rows import read_csv
from data_prep.table.screening import screen
from data_prep.table.song_row import COLUMNS, RowError, SongFiles, song_of_row
from data_prep.table.songs import Rejected, Song, tag_vocabulary
from research.moods import MOODS
from research.tracks import Corpus, TrackTable

NumberedRow = tuple[int | None, dict[str, str]]


def prepare(
    source: Path, out: Path, *, audio_root: Path | None = None, artists_cross_splits: bool = False
) -> TrackTable:
    """Write the corpus to `out`.

    Args:
        source: CSV table, or folder of mood folders.
        out: corpus folder to write.
        audio_root: folder the audio is named from; None: the folder of the table.
        artists_cross_splits: accept a `split` column with an artist on both sides.

    Raises:
        FileNotFoundError: no such source.
        ValueError: the table has wrong columns, no row is good, or an artist stands in two splits.
    """
    tables = Path(os.path.abspath(source if source.is_dir() else source.parent))
    root = tables if audio_root is None else Path(os.path.abspath(audio_root))
    out_folder = Path(os.path.abspath(out))
    if source.is_dir() and audio_root is not None:
        raise ValueError(f"{source} is a folder and holds its own audio; --audio-root goes with a table")
    if root.is_relative_to(out_folder) or tables.is_relative_to(out_folder):
        raise ValueError(f"--out {out} contains the songs themselves; choose a folder of its own for the corpus")
    # The links of an earlier run may lie below the root: they are not songs of their own.
    audio = [path for path in audio_files(root) if not path.is_relative_to(out_folder)]
    rows = _mood_folder_rows(root, audio) if source.is_dir() else _table_rows(source)
    songs, rejected, lines = _songs(rows, SongFiles(root, tables, audio))
    kept, unfit = screen(songs, lines)
    corpus = Corpus(
        name=out_folder.name,
        labels=_labels(kept),
        tags=tag_vocabulary(kept),
        citation="own songs, not published",
        licence="see the column licence",
        command=f"python -m data_prep folder --source SOURCE --out {out}",
        artists_cross_splits=artists_cross_splits,
    )
    return write_corpus(kept, sorted(rejected + unfit, key=lambda row: row.line or 0), corpus, out)


def _table_rows(table: Path) -> list[NumberedRow]:
    rows = read_csv(table, required=())
    if not rows:
        raise ValueError(f"{table} has no row below its header; see `python -m data_prep folder --help`")
    found = set(rows[0][1]) - {""}
    if found - COLUMNS or not found & {"file", "id"} or not found & {"mood", "tags"}:
        raise ValueError(
            f"{table} has the columns {sorted(found)}; expected file or id, mood and/or tags, and no others than "
            f"{sorted(COLUMNS)}, as UTF-8 CSV; see `python -m data_prep folder --help`"
        )
    return list(rows)


def _mood_folder_rows(root: Path, audio: Iterable[Path]) -> list[NumberedRow]:
    """A row for each audio file below `root`, as a table would have it: without a mood where it is in no subfolder."""
    files = [path.relative_to(root) for path in audio]
    moods = [file.parts[0] if len(file.parts) > 1 else "" for file in files]
    if not any(moods):
        raise ValueError(f"{root} has no audio in subfolders; expected {root}/happy/song.mp3, or give a CSV table")
    if misread := {*moods} & {"train", "valid", "test"}:
        raise ValueError(
            f"{root}: subfolders must be moods, not the splits {sorted(misread)}; use a table with `split`"
        )
    rows = []
    for file, mood in zip(files, moods, strict=True):
        artist, dash, title = file.stem.partition(" - ")
        words = file.with_suffix(".txt")
        rows.append(
            {
                "file": str(file),
                "mood": mood,
                "artist": artist if dash else "",
                "title": title if dash else file.stem,
                "lyrics_file": str(words) if (root / words).is_file() else "",
            }
        )
    return [(None, row) for row in rows]


def _songs(rows: Iterable[NumberedRow], files: SongFiles) -> tuple[list[Song], list[Rejected], dict[str, int]]:
    songs: dict[str, Song] = {}
    rejected, lines = [], {}
    for line, row in tqdm(rows, desc="checking", unit="song", disable=None):
        try:
            song = song_of_row(row, files)
            if song.track_id in songs:
                raise RowError("duplicate id", f"first in line {lines.get(song.track_id)}")
        except RowError as error:
            name = row.get("file") or row.get("id") or "no file"
            rejected.append(Rejected(song=name, reason=error.reason, detail=error.detail, line=line))
            continue
        songs[song.track_id] = song
        if line is not None:
            lines[song.track_id] = line
    return list(songs.values()), rejected, lines


def _labels(songs: Iterable[Song]) -> tuple[str, ...]:
    found = {song.mood for song in songs if song.mood}
    return tuple(mood for mood in MOODS if mood in found) if found <= set(MOODS) else tuple(sorted(found))
