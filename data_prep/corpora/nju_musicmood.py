"""NJU-MusicMood: 777 lyrics in four moods with an official split; no audio.

What: English lyrics, 400 for training (100 a mood) and 377 for test.
Labels: `mood` (happy, angry, sad, relaxed: the four quadrants). Official split: train and test; artists appear on both
sides of it. Take a validation set from train.
Source: a folder with `songs.jsonl` (one object per line: id, mood, split, artist, title, lyrics). The original:
https://cs.nju.edu.cn/sufeng/data/musicmood.htm.
Licence: for research; lyrics are third-party works and must not be redistributed.
Citation: Xue, Xue & Su 2015, "Multimodal music mood classification by fusion of audio and lyrics", MMM.
Known faults: 15 songs have two moods: all 30 entries are dropped. Two more are in both splits, one of them with artist
and title swapped (found by its lyrics): they are kept in the test set, which published results use, and removed from
the training set. What remains: 745 (train 382, test 363). Time-stamped lyrics are not kept.
"""

from pathlib import Path

from data_prep.table.placing import write_corpus
from data_prep.table.rows import read_json_lines
from data_prep.table.screening import screen
from data_prep.table.songs import Song
from research.moods import MOODS
from research.tracks import Corpus, TrackTable

CORPUS = Corpus(
    name="nju_musicmood",
    labels=MOODS,
    citation="Xue, H., Xue, L. & Su, F. (2015). Multimodal music mood classification by fusion of audio and lyrics. "
    "MultiMedia Modeling (MMM), LNCS 8936, 26-37.",
    licence="research use; lyrics belong to their owners",
    artists_cross_splits=True,
    command="python -m data_prep nju_musicmood --source DIR",
)


def prepare(source: Path, out: Path) -> TrackTable:
    """Write the corpus to `out`.

    Raises:
        FileNotFoundError: no `songs.jsonl` in `source`.
        ValueError: an unknown mood or split, or a fault of the whole table.
    """
    path = source / "songs.jsonl"
    rows = read_json_lines(path, required=("id", "mood", "split", "artist", "title", "lyrics"))
    songs, rejected = screen(_song(row, f"{path}:{line}") for line, row in rows)
    return write_corpus(songs, rejected, CORPUS, out)


def _song(row: dict[str, str], place: str) -> Song:
    for column, known in (("mood", MOODS), ("split", ("train", "test"))):
        if row[column] not in known:
            raise ValueError(
                f"{place}: {column} {row[column]!r} is none of {known}; the file is not that of NJU-MusicMood"
            )
    return Song(
        track_id=row["id"],
        artist=row["artist"],
        title=row["title"],
        mood=row["mood"],
        split=row["split"],
        lyrics=row["lyrics"],
    )
