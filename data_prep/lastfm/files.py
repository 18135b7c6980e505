"""The Last.fm set as it is published: JSON files in folders or zips, or the SQLite database; read as a stream."""

import json
import os
import sqlite3
import zipfile
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from data_prep.lastfm.labels import TaggedTrack
from data_prep.table.songs import UNFIT_ID, Rejected, is_file_name

METADATA = "track_metadata.db"
"""The Million Song Dataset's own database: the tags' database knows no artist and no title."""
UNREADABLE = "unreadable entry"
TWICE = "track id twice"
Entry = TaggedTrack | Rejected


def read_lastfm(source: Path) -> Iterator[Entry]:
    """Tracks of a source in a fixed order, a track at a time; entries that cannot be read come as `Rejected`.

    Args:
        source: a folder of JSON files, nested or not, which may hold `lastfm_train` and `lastfm_test` as folders or
            zips; one such zip; or `lastfm_tags.db` with `track_metadata.db` beside it.

    Raises:
        FileNotFoundError: no such source, or the database lacks its companion.
        ValueError: nothing in it is of this set.
    """
    if source.is_dir():
        entries = _folder(source, None)
    elif source.suffix == ".zip" and source.is_file():
        entries = _zip(source)
    elif source.is_file():
        entries = _database(source)
    else:
        raise FileNotFoundError(f"{source} does not exist; --source names the Last.fm files described by --help")
    return _each_once(entries, source)


def _each_once(entries: Iterator[Entry], source: Path) -> Iterator[Entry]:
    seen: set[str] = set()
    for entry in entries:
        if isinstance(entry, TaggedTrack):
            if entry.track_id in seen:
                entry = Rejected(song=entry.track_id, reason=TWICE)
            else:
                seen.add(entry.track_id)
        yield entry
    if not seen:
        raise ValueError(f"{source} holds no Last.fm track; expected JSON files, lastfm_train.zip or lastfm_tags.db")


def _folder(folder: Path, split: str | None) -> Iterator[Entry]:
    # A million files: no list of them all, and no Path object for each.
    split = _split_of(folder.name) or split
    with os.scandir(folder) as found:
        children = sorted((child.name, child.is_dir()) for child in found if not child.name.startswith("."))
    for name, is_folder in children:
        if is_folder:
            yield from _folder(folder / name, split)
        elif name.endswith(".json"):
            with open(os.path.join(folder, name), "rb") as file:
                yield parse_track(file.read(), os.path.join(folder, name), split)
        elif name.endswith(".zip") and _split_of(name):
            yield from _zip(folder / name)


def _zip(path: Path) -> Iterator[Entry]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is no complete zip ({error}); download it again") from error
    with archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield parse_track(archive.read(name), f"{path}/{name}", _split_of(path.name))


def parse_track(content: bytes, place: str, split: str | None) -> Entry:
    """One track of its JSON; any key but the id may be missing, and that is then the name of the file."""
    try:
        track = json.loads(content)
        return _fit(
            TaggedTrack(
                track_id=track.get("track_id") or Path(place).stem,
                artist=track.get("artist") or "",
                title=track.get("title") or "",
                timestamp=track.get("timestamp") or "",
                tags=tuple((tag, int(weight)) for tag, weight in track.get("tags") or ()),
                split=split,
            ),
            place,
        )
    except (ValueError, TypeError, AttributeError) as error:
        return Rejected(song=Path(place).stem, reason=UNREADABLE, detail=f"{place}: {error}")


def _database(path: Path) -> Iterator[Entry]:
    metadata = path.with_name(METADATA)
    if not metadata.is_file():
        raise FileNotFoundError(
            f"{metadata} does not exist; {path.name} holds tags only: put the Million Song Dataset's {METADATA} beside "
            "it, which names artist, title and length of each track"
        )
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("ATTACH ? AS msd", (f"{metadata.absolute().as_uri()}?mode=ro",))
        # Rows of a track need not lie together; SQLite sorts on disk, so memory stays small.
        rows = connection.execute(
            "SELECT tids.tid, songs.artist_name, songs.title, songs.duration, tags.tag, pairs.val "
            "FROM tids LEFT JOIN tid_tag AS pairs ON pairs.tid = tids.ROWID LEFT JOIN tags ON tags.ROWID = pairs.tag "
            "LEFT JOIN msd.songs AS songs ON songs.track_id = tids.tid ORDER BY tids.tid, pairs.ROWID"
        )
        for track_id, group in groupby(rows, itemgetter(0)):
            yield _fit(_track_of_rows(track_id, list(group)), str(path))
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{path} with {METADATA}: {error}; these are not the two databases as published") from error
    finally:
        connection.close()


def _track_of_rows(track_id: str, rows: list[tuple]) -> TaggedTrack:
    _, artist, title, duration_s, _, _ = rows[0]
    tags = tuple((tag, int(weight)) for *_, tag, weight in rows if tag is not None)
    return TaggedTrack(track_id, artist or "", title or "", tags=tags, duration_s=duration_s)


def _fit(track: TaggedTrack, place: str) -> Entry:
    """The track, whose id will name its files, or the reason why it cannot."""
    return track if is_file_name(track.track_id) else Rejected(song=track.track_id, reason=UNFIT_ID, detail=place)


def _split_of(name: str) -> str | None:
    stem = name.removesuffix(".zip").removeprefix("lastfm_")
    return stem if stem in ("train", "test") else None
