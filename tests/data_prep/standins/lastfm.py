"""A Last.fm source of any size, as JSON in zips or as the SQLite databases, with what real tags look like."""

import json
import random
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

GENRES = ("rock", "pop", "Hip-Hop", "seen live", "female vocalists", "00s", "electronic", "indie", "jazz", "love")
MOOD_TAGS = ("sad", "happy", "Mellow", "chillout", "angry", "fun", "melancholy", "aggressive", "upbeat", "sadness")


def invented_tracks(n_tracks: int, seed: int) -> Iterator[dict]:
    """Tracks of which about half have tags, 17 on average, a third of those a mood's."""
    draw = random.Random(seed)
    # A thousand lists, given round: drawing one a track would take longer than what is tested.
    plain = [[[tag, str(draw.randrange(101))] for tag in draw.sample(GENRES, 8)] for _ in range(1000)]
    rare = [[[f"tag {draw.randrange(50_000)}", "1"] for _ in range(8)] for _ in range(1000)]
    moods = [[[tag, str(draw.randrange(101))] for tag in draw.sample(MOOD_TAGS, 1 + n % 2)] for n in range(1001)]
    for number in range(n_tracks):
        mood_tags = moods[number % 1001] if number % 3 == 0 else []
        tags = plain[number % 1000] + rare[number // 7 % 1000] + mood_tags if number % 2 else []
        yield {
            "artist": f"Artist {number % 9000}",
            "timestamp": "2011-08-01 00:00:00",
            "similars": [[f"TRSIMIL{n:011d}", 0.5] for n in range(20)],
            "tags": tags,
            "track_id": f"TRGENER{number:011d}",
            "title": f"Song {number}",
        }


def write_zips(tracks: Iterator[dict], folder: Path) -> None:
    """`lastfm_train.zip` and `lastfm_test.zip`, every ninth track in the second."""
    with (
        zipfile.ZipFile(folder / "lastfm_train.zip", "w") as train,
        zipfile.ZipFile(folder / "lastfm_test.zip", "w") as test,
    ):
        for number, track in enumerate(tracks):
            archive, name = (test, "lastfm_test") if number % 9 == 8 else (train, "lastfm_train")
            archive.writestr(f"{name}/A/B/C/{track['track_id']}.json", json.dumps(track))


def write_databases(tracks: Iterator[dict], folder: Path) -> Path:
    """`lastfm_tags.db` and `track_metadata.db` with the tables of the published ones."""
    tags_path = folder / "lastfm_tags.db"
    with sqlite3.connect(tags_path) as tags_db, sqlite3.connect(folder / "track_metadata.db") as metadata:
        tags_db.execute("CREATE TABLE tids (tid TEXT)")
        tags_db.execute("CREATE TABLE tags (tag TEXT)")
        tags_db.execute("CREATE TABLE tid_tag (tid INT, tag INT, val FLOAT)")
        metadata.execute("CREATE TABLE songs (track_id TEXT PRIMARY KEY, title TEXT, artist_name TEXT, duration REAL)")
        tag_ids: dict[str, int] = {}
        for row, track in enumerate(tracks, start=1):
            tags_db.execute("INSERT INTO tids VALUES (?)", (track["track_id"],))
            song = (track["track_id"], track["title"], track["artist"], 200.5)
            metadata.execute("INSERT INTO songs VALUES (?, ?, ?, ?)", song)
            for tag, weight in track["tags"]:
                if tag not in tag_ids:
                    tag_ids[tag] = len(tag_ids) + 1
                    tags_db.execute("INSERT INTO tags VALUES (?)", (tag,))
                tags_db.execute("INSERT INTO tid_tag VALUES (?, ?, ?)", (row, tag_ids[tag], float(weight)))
    return tags_path
