"""4Q audio emotion dataset: 900 clips of 30 s in the four quadrants of Russell's plane, with AllMusic mood tags.

What: 30-second clips, 225 per quadrant, mapped from AllMusic tags by arousal and valence and checked by people.
Labels: `mood` is the quadrant (Q1 happy, Q2 angry, Q3 sad, Q4 relaxed); `tags` are the AllMusic mood tags, several per
song, for multi-label work. No lyrics. No official split: split by artist.
Source: the unpacked archive from http://mir.dei.uc.pt/downloads.html, which contains `panda_dataset_taffc_metadata.csv`
and the clips in folders Q1-Q4; or a folder with `tracks.csv` (columns id, mood, artist, title, moods, audio), where
`moods` is separated by "|" and `audio` is relative to the folder.
Licence: for research; the clips are third-party recordings and must not be redistributed.
Citation: Panda, Malheiro & Paiva 2018, "Novel audio features for music emotion recognition", IEEE TAFFC.
Known faults: a few songs name no artist; each counts as an artist of its own. Genre is confounded with mood. Duplicate
songs are dropped and counted (none in the 720 clips that were checked).
"""

from dataclasses import replace
from pathlib import Path

from data_prep.table.audio_files import audio_files
from data_prep.table.placing import write_corpus
from data_prep.table.rows import read_csv
from data_prep.table.screening import screen
from data_prep.table.songs import Song, split_tags, tag_vocabulary
from research.moods import MOODS, NUMBERED_QUADRANTS
from research.tracks import Corpus, TrackTable

CORPUS = Corpus(
    name="qaed4",
    labels=MOODS,
    citation="Panda, R., Malheiro, R. & Paiva, R. P. (2018). Novel audio features for music emotion recognition. "
    "IEEE Transactions on Affective Computing 11(4).",
    licence="research use; recordings belong to their owners",
    command="python -m data_prep qaed4 --source DIR",
)
ARCHIVE_TABLE = "panda_dataset_taffc_metadata.csv"


def prepare(source: Path, out: Path) -> TrackTable:
    """Write the corpus to `out`.

    Raises:
        FileNotFoundError: `source` has neither table, or a clip is missing.
        ValueError: a mood that is none of the four, or a fault of the whole table.
    """
    archive = source / ARCHIVE_TABLE
    songs, rejected = screen(_from_archive(archive) if archive.is_file() else _from_tracks(source / "tracks.csv"))
    return write_corpus(songs, rejected, replace(CORPUS, tags=tag_vocabulary(songs)), out)


def _from_tracks(path: Path) -> list[Song]:
    songs = []
    for line, row in read_csv(path, required=("id", "mood", "artist", "title", "moods", "audio")):
        audio = path.parent / row["audio"]
        songs.append(_song(row["id"], row["mood"], row["artist"], row["title"], row["moods"], audio, f"{path}:{line}"))
    return songs


def _from_archive(path: Path) -> list[Song]:
    clips = {clip.stem: clip for clip in audio_files(path.parent)}
    songs = []
    for line, row in read_csv(path, required=("song", "artist", "title", "quadrant", "moodsstrsplit")):
        mood = NUMBERED_QUADRANTS.get(row["quadrant"], row["quadrant"])
        audio = clips.get(row["song"], path.parent / f"{row['song']}.mp3")
        songs.append(
            _song(row["song"], mood, row["artist"], row["title"], row["moodsstrsplit"], audio, f"{path}:{line}")
        )
    return songs


def _song(track_id: str, mood: str, artist: str, title: str, tags: str, audio: Path, place: str) -> Song:
    if mood not in MOODS:
        raise ValueError(f"{place}: mood {mood!r} is none of {MOODS}; the table is not that of the 4Q dataset")
    if not audio.is_file():
        raise FileNotFoundError(f"{place}: no clip {audio}; unpack the audio of the dataset beside the table")
    return Song(track_id=track_id, artist=artist, title=title, mood=mood, tags=split_tags(tags), audio=audio)
