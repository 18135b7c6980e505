"""Deezer mood detection: valence and arousal of 18,644 songs of the Million Song Dataset; ids only, official split.

What: ids at Deezer and in the Million Song Dataset, artist and title. Sound and words cannot be published.
Labels: `mood` is the quadrant of valence and arousal (happy, angry, sad, relaxed), from the affect norms of a song's
Last.fm tags. The published values are standardised (mean 0); each axis is divided by its largest magnitude, which
moves no song across an axis. The values themselves are not kept: join them by the id.
Split: the official train, validation and test tables.
Source: a folder with `train.csv`, `validation.csv` and `test.csv` (dzr_sng_id, MSD_sng_id, MSD_track_id, valence,
arousal, artist_name, track_name), https://github.com/deezer/deezer_mood_detection_dataset.
Own files: `--audio` and `--lyrics` name folders of `<Deezer id>.mp3` and `.txt` (or `Artist - Title.txt`); songs with
neither are then dropped and counted. Without both the table holds ids, labels and splits alone.
Licence: ids and values for research; sound and words belong to their owners.
Citation: Delbouys, Hennequin, Piccoli, Royo-Letelier & Moussallam 2018, "Music mood detection based on audio and lyrics
with deep neural net", ISMIR.
Known faults: labels come from tags, not from listeners, and many songs share one point. A song that stands twice under
two quadrants is dropped. Whether an artist is on both sides of the split is counted when the table is written.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from data_prep.table.own_files import OwnFiles
from data_prep.table.placing import write_corpus
from data_prep.table.rows import number, read_csv
from data_prep.table.screening import artists_across, screen
from data_prep.table.songs import Song
from research.moods import MOODS, quadrant
from research.tracks import LASTFM, Corpus, TrackTable

CORPUS = Corpus(
    name="deezer_va",
    labels=MOODS,
    label_source=LASTFM,
    citation="Delbouys, R., Hennequin, R., Piccoli, F., Royo-Letelier, J. & Moussallam, M. (2018). Music mood "
    "detection based on audio and lyrics with deep neural net. ISMIR.",
    licence="ids and values: research use; sound and words belong to their owners",
    command="python -m data_prep deezer_va --source DIR",
)
PARTS = {"train": "train", "validation": "valid", "test": "test"}
COLUMNS = ("dzr_sng_id", "valence", "arousal", "artist_name", "track_name")


def prepare(source: Path, out: Path, *, audio: Path | None = None, lyrics: Path | None = None) -> TrackTable:
    """Write the corpus to `out`.

    Args:
        audio: folder of the songs' sound; None: no sound.
        lyrics: folder of the songs' words; None: no words.

    Raises:
        FileNotFoundError: a table or a folder is missing.
        ValueError: a valence or arousal that is no number.
    """
    own = OwnFiles.below(audio, lyrics)
    kept, rejected = screen(_songs(source, own), ids_suffice=audio is None and lyrics is None)
    corpus = replace(CORPUS, artists_cross_splits=bool(artists_across(kept)))
    return write_corpus(kept, rejected, corpus, out)


def _songs(source: Path, own: OwnFiles) -> Iterator[Song]:
    paths = {split: source / f"{part}.csv" for part, split in PARTS.items()}
    rows = [(split, f"{path}:{line}", row) for split, path in paths.items() for line, row in read_csv(path, COLUMNS)]
    points = [(number(row, "valence", place), number(row, "arousal", place)) for _, place, row in rows]
    moods = quadrants(points)
    for (split, _, row), mood in zip(rows, moods, strict=True):
        track_id = row["dzr_sng_id"]
        yield Song(
            track_id=track_id,
            artist=row["artist_name"] or None,
            title=row["track_name"] or None,
            mood=mood,
            split=split,
            audio=own.audio.get(track_id),
            lyrics=own.words(track_id, row["artist_name"], row["track_name"]),
        )


def quadrants(points: list[tuple[float, float]]) -> list[str]:
    """Mood of each (valence, arousal) in any unit with 0 as its middle."""
    largest = [max((abs(point[axis]) for point in points), default=1.0) or 1.0 for axis in (0, 1)]
    return [quadrant(valence / largest[0], arousal / largest[1]) for valence, arousal in points]
