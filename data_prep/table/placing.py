"""Writing a corpus folder: audio links, lyrics, track table, list of rejected songs, data card."""

import csv
import io
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data_prep.table.card import card_text, printable, row_text
from data_prep.table.songs import Rejected, Song
from research.atomic import replacing, write_text
from research.features.lyrics import detect_language
from research.tracks import Corpus, TrackTable, write_tracks


def write_corpus(songs: Sequence[Song], rejected: Sequence[Rejected], corpus: Corpus, out: Path) -> TrackTable:
    """Write screened songs as `tracks.parquet` with `audio/`, `lyrics/`, `rejected.csv` and `card.md`.

    Raises:
        ValueError: no song is left, or the table has a fault (see `research.tracks.check_tracks`).
    """
    for folder in (out / "audio", out / "lyrics"):
        folder.mkdir(parents=True, exist_ok=True)
    write_text(out / "rejected.csv", _rejected_csv(rejected))
    if not songs:
        first = "; ".join(row_text(row) for row in rejected[:3])
        raise ValueError(f"no song is left of {len(rejected)}: {first}; all reasons are in {out / 'rejected.csv'}")
    table = write_tracks(
        out / "tracks.parquet", pd.DataFrame([_place(song, corpus.name, out) for song in songs]), corpus
    )
    write_text(out / "card.md", card_text(table, rejected))
    return table


def link_audio(source: Path, target: Path) -> None:
    """Let `target` name the audio file `source`: by a symbolic link, or a copy where the file system has none.

    Raises:
        ValueError: another file, which this program did not place, stands at `target`.
    """
    # A link, because a collection of 50 GB must not be doubled; absolute, because the corpus folder may be moved.
    source = source.absolute()
    if target.is_symlink() and Path(os.readlink(target)) == source:
        return
    if target.exists() and not target.is_symlink():
        if _same_file(source, target):
            return
        raise ValueError(f"{target} is another file than {source}; move it away or choose another --out")
    with replacing(target) as partial:
        try:
            partial.symlink_to(source)
        except OSError:
            shutil.copy2(source, partial)


def _place(song: Song, corpus: str, out: Path) -> dict[str, object]:
    """Put one song's files under `out`; its row of the table."""
    lyrics = f"lyrics/{song.track_id}.txt" if song.lyrics else None
    audio = f"audio/{song.track_id}{song.audio.suffix.lower()}" if song.audio else None
    if song.lyrics:
        write_text(out / f"lyrics/{song.track_id}.txt", song.lyrics)
    if song.audio:
        link_audio(song.audio, out / f"{audio}")
    return {
        "track_id": song.track_id,
        "artist": song.artist or None,
        "title": song.title or None,
        "mood": song.mood,
        "tags": list(song.tags),
        "split": song.split,
        "audio": audio,
        "lyrics": lyrics,
        "language": song.language or (detect_language(song.lyrics) if song.lyrics else None),
        "licence": song.licence or None,
        "source": song.source or corpus,
    }


def _same_file(source: Path, target: Path) -> bool:
    # `copy2` keeps the time stamp: the copy of an earlier run is recognised without reading it.
    here, there = source.stat(), target.stat()
    return source.samefile(target) or (here.st_size, int(here.st_mtime)) == (there.st_size, int(there.st_mtime))


def _rejected_csv(rejected: Sequence[Rejected]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["line", "song", "reason", "detail"])
    writer.writerows([row.line, *map(printable, (row.song, row.reason, row.detail))] for row in rejected)
    return text.getvalue()
