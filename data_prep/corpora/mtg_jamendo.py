"""MTG-Jamendo mood/theme: 17,982 full songs under Creative Commons with 56 tags of mood and theme, official split-0.

What: whole songs of any genre as MP3, without lyrics. Artists and songs are identified by number, without names.
Labels: `tags`, one or more per song, for multi-label work; `mood` is empty. Split-0: train 9,949, valid 3,802, test
4,231; no artist is in two splits.
Source: a folder with `autotagging_moodtheme-train.tsv`, `-validation.tsv` and `-test.tsv` (`data/splits/split-0` of
https://github.com/MTG/mtg-jamendo-dataset), or with `moodtheme_tags.csv` (track_id, artist_id, album_id, tags separated
by "|") and the ids of each part in `split0_train_ids.txt`, `split0_validation_ids.txt` and `split0_test_ids.txt`.
Audio: `--audio` names the folder of the unpacked archives (`42/917542.mp3`, or `917542.low.mp3` of the small ones);
songs whose file is missing are then dropped and counted. Without it the table holds only ids, tags and splits.
Licence: audio per song, Creative Commons; metadata CC BY-NC-SA 4.0.
Citation: Bogdanov, Won, Tovstogan, Porter & Serra 2019, "The MTG-Jamendo dataset for automatic music tagging", ICML.
Known faults: tags come from the uploaders and are far from complete. The tags ambiental, horror and mellow and the 504
songs that have no other are in the full list but not in split-0: they are left out, as in all published results.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from data_prep.table.own_files import OwnFiles
from data_prep.table.placing import write_corpus
from data_prep.table.rows import read_csv
from data_prep.table.screening import screen
from data_prep.table.songs import Song, split_tags, tag_vocabulary
from research.tracks import Corpus, TrackTable

CORPUS = Corpus(
    name="mtg_jamendo",
    labels=(),
    citation="Bogdanov, D., Won, M., Tovstogan, P., Porter, A. & Serra, X. (2019). The MTG-Jamendo dataset for "
    "automatic music tagging. Machine Learning for Music Discovery Workshop, ICML.",
    licence="audio: Creative Commons, by song; metadata: CC BY-NC-SA 4.0",
    command="python -m data_prep mtg_jamendo --source DIR",
)
PARTS = {"train": "train", "validation": "valid", "test": "test"}
PREFIX = "mood/theme---"
NOT_IN_SPLIT_0 = frozenset({"ambiental", "horror", "mellow"})
"""Tags with too few artists for a part of their own in each split."""


def prepare(source: Path, out: Path, *, audio: Path | None = None) -> TrackTable:
    """Write the corpus to `out`.

    Args:
        audio: folder of the songs' sound; None: ids, tags and splits alone.

    Raises:
        FileNotFoundError: a list of the split or the folder of sound is missing.
        ValueError: a row that is not of this set.
    """
    own = OwnFiles.below(audio, None)
    listed = _from_split_files if (source / "autotagging_moodtheme-train.tsv").is_file() else _from_full_list
    songs = [replace(song, audio=own.audio.get(song.track_id)) for song in listed(source)]
    kept, rejected = screen(songs, ids_suffice=audio is None)
    return write_corpus(kept, rejected, replace(CORPUS, tags=tag_vocabulary(kept)), out)


def _from_split_files(source: Path) -> Iterator[Song]:
    for part, split in PARTS.items():
        path = source / f"autotagging_moodtheme-{part}.tsv"
        for line, row in read_csv(path, required=("track_id", "artist_id", "path", "tags")):
            # Tags after the first have no column of their own.
            words = f"{row['tags']} {row['']}".split()
            if not all(word.startswith(PREFIX) for word in words):
                raise ValueError(f"{path}:{line}: tags {words[:3]} do not all begin with {PREFIX!r}; another list?")
            tags = split_tags("|".join(word.removeprefix(PREFIX) for word in words))
            number = row["track_id"].removeprefix("track_").lstrip("0")
            yield Song(track_id=number, artist=row["artist_id"], tags=tags, split=split)


def _from_full_list(source: Path) -> Iterator[Song]:
    rows = read_csv(source / "moodtheme_tags.csv", required=("track_id", "artist_id", "tags"))
    splits: dict[str, str] = {}
    for part, split in PARTS.items():
        path = source / f"split0_{part}_ids.txt"
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist; put the ids of each part of split-0 beside the tags")
        splits |= dict.fromkeys(path.read_text(encoding="utf-8").split(), split)
    for _, row in rows:
        if row["track_id"] in splits:
            tags = tuple(tag for tag in split_tags(row["tags"]) if tag not in NOT_IN_SPLIT_0)
            yield Song(track_id=row["track_id"], artist=row["artist_id"], tags=tags, split=splits[row["track_id"]])
