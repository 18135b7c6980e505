"""MERGE: songs in the four quadrants of Russell's plane with 30 s clips and full lyrics; the largest bimodal set.

What: six sets: Audio (3,554 clips), Lyrics (2,568) and Bimodal (2,216 songs with both), each "Complete" or "Balanced".
Labels: `mood` is the quadrant (Q1 happy, Q2 angry, Q3 sad, Q4 relaxed); `tags` are the AllMusic moods.
Split: the official train, validate and test lists, 70-15-15 by default, 40-30-30 by `--proportions`.
Source: one unpacked set of https://zenodo.org/records/13939205, for example `MERGE_Bimodal_Complete`, which holds
`merge_bimodal_complete_metadata.csv`, clips and lyrics in folders Q1 to Q4 (below `audio` and `lyrics`) and
`tvt_dataframes/tvt_70_15_15/tvt_70_15_15_train_bimodal_complete.csv` and its like. Songs of the bimodal sets are
identified by the id of their clip; their lyrics have another.
Licence: for research; clips and lyrics are third-party works and must not be redistributed.
Citation: Louro, Redinho, Santos, Malheiro, Panda & Paiva 2024, "MERGE - a bimodal dataset for static music emotion
recognition", arXiv:2407.06060.
Known faults: seven of ten songs of the official test set have an artist who is also in the training set: compare with a
split by artist. Duplicate songs are dropped and counted. Lyrics that are not UTF-8 are read as Windows-1252.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from data_prep.table.audio_files import audio_files
from data_prep.table.own_files import by_id, read_words, text_files
from data_prep.table.placing import write_corpus
from data_prep.table.rows import read_csv
from data_prep.table.screening import screen
from data_prep.table.songs import Song, split_tags, tag_vocabulary
from research.moods import MOODS, NUMBERED_QUADRANTS
from research.tracks import Corpus, TrackTable

CORPUS = Corpus(
    name="merge",
    labels=MOODS,
    citation="Louro, P. L., Redinho, H., Santos, R., Malheiro, R., Panda, R. & Paiva, R. P. (2024). MERGE - a bimodal "
    "dataset for static music emotion recognition. arXiv:2407.06060.",
    licence="research use; recordings and lyrics belong to their owners",
    artists_cross_splits=True,
    command="python -m data_prep merge --source DIR",
)
PARTS = {"train": "train", "validate": "valid", "test": "test"}


@dataclass(frozen=True)
class SetFiles:
    """What an unpacked set holds."""

    audio: dict[str, Path] | None
    """By id; None in a set of lyrics."""
    lyrics: dict[str, Path] | None


def prepare(source: Path, out: Path, *, proportions: str = "70_15_15") -> TrackTable:
    """Write the corpus to `out`.

    Args:
        proportions: "70_15_15" or "40_30_30", train to validation to test.

    Raises:
        FileNotFoundError: a table, a clip or a song's lyrics are missing.
        ValueError: `source` is no one set, or a row has no quadrant.
    """
    tables = sorted(source.glob("merge_*_metadata.csv"))
    if len(tables) != 1:
        raise FileNotFoundError(
            f"{source} holds {len(tables)} files merge_*_metadata.csv, one is needed, or it does not exist; --source "
            "names one unpacked set such as MERGE_Bimodal_Complete"
        )
    name = tables[0].stem.removeprefix("merge_").removesuffix("_metadata")  # "bimodal_complete"
    files = SetFiles(
        audio=None if name.startswith("lyrics") else by_id(audio_files(source)),
        lyrics=None if name.startswith("audio") else by_id(text_files(source)),
    )
    splits = _splits(source, name, proportions)
    rows = read_csv(tables[0], required=("quadrant", "artist", "title"))
    songs, rejected = screen(_song(row, files, splits, f"{tables[0]}:{line}") for line, row in rows)
    return write_corpus(songs, rejected, replace(CORPUS, tags=tag_vocabulary(songs)), out)


def _splits(source: Path, name: str, proportions: str) -> dict[str, str]:
    folder = source / "tvt_dataframes" / f"tvt_{proportions}"
    splits: dict[str, str] = {}
    for part, split in PARTS.items():
        path = folder / f"tvt_{proportions}_{part}_{name}.csv"
        splits |= {row["song"]: split for _, row in read_csv(path, required=("song",))}
    return splits


def _song(row: dict[str, str], files: SetFiles, splits: dict[str, str], place: str) -> Song:
    if row["quadrant"] not in NUMBERED_QUADRANTS:
        raise ValueError(f"{place}: quadrant {row['quadrant']!r} is none of Q1-Q4; the table is not that of MERGE")
    # A set of one side names its songs once, the bimodal ones twice.
    clip, words = row.get("audio_song") or row.get("song"), row.get("lyric_song") or row.get("song")
    if not clip or not words:
        raise ValueError(f"{place}: no id under song, or under audio_song and lyric_song; the table is not MERGE's")
    audio = _file(files.audio, clip, "clip", place)
    lyrics = _file(files.lyrics, words, "lyrics", place)
    return Song(
        track_id=clip,
        artist=row["artist"] or None,
        title=row["title"] or None,
        mood=NUMBERED_QUADRANTS[row["quadrant"]],
        tags=split_tags(row.get("moodsall", "").replace(",", "|")),
        split=splits.get(clip) or splits.get(words),
        audio=audio,
        lyrics=read_words(lyrics) if lyrics else None,
    )


def _file(files: dict[str, Path] | None, name: str, kind: str, place: str) -> Path | None:
    if files is None:
        return None
    if name not in files:
        raise FileNotFoundError(f"{place}: no {kind} {name}; unpack the whole set and name its folder")
    return files[name]
