"""The track table: one row a song, typed, checked on write and on read; what every other part starts from."""

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from research.atomic import replacing

TEXT, TEXTS = pa.string(), pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        pa.field("track_id", TEXT, nullable=False),
        pa.field("artist", TEXT),
        pa.field("title", TEXT),
        pa.field("mood", TEXT),
        pa.field("tags", TEXTS, nullable=False),
        pa.field("split", TEXT),
        pa.field("audio", TEXT),
        pa.field("lyrics", TEXT),
        pa.field("language", TEXT),
        pa.field("licence", TEXT),
        pa.field("source", TEXT),
    ]
)
SPLITS = ("train", "valid", "test")
VOICING_MARKS = "\u3099\u309a"
METADATA_KEY = b"corpus"
LASTFM = "Last.fm tags"
"""A source of labels that a published encoder learned from too (`research.models.published`)."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """What is true of a corpus as a whole; stored as metadata of its table."""

    name: str
    labels: tuple[str, ...]
    """Ordered label space of the column `mood`."""
    tags: tuple[str, ...] = ()
    """Ordered vocabulary of the column `tags`."""
    citation: str
    licence: str
    synthetic: bool = False
    """Invented songs: said in every table such data reach."""
    label_source: str = ""
    """Where the labels come from, if published encoders learned from there too: `LASTFM`."""
    artists_cross_splits: bool = False
    """The published split has artists on both sides; without this flag such a table is refused."""
    command: str = ""
    """Command that wrote the table."""
    version: str = ""
    """Version of this software that wrote it; filled in by `write_tracks`."""


@dataclass(frozen=True)
class TrackTable:
    """A corpus in memory: `frame` has the columns of `SCHEMA`; audio and lyrics paths are relative to `folder`."""

    corpus: Corpus
    frame: pd.DataFrame
    folder: Path

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def artist_keys(self) -> list[str]:
        """Who made each song, normalised; a song without artist is alone under its own id."""
        rows = zip(self.frame["artist"], self.frame["track_id"], strict=True)
        return [artist_key(artist) or f"unknown artist of {track_id}" for artist, track_id in rows]

    @property
    def fingerprint(self) -> str:
        """Hash of ids, labels and splits: equal for two preparations of the same songs, wherever they lie."""
        frame = self.frame[["track_id", "artist", "title", "mood", "tags", "split"]]
        text = json.dumps([self.corpus.labels, self.corpus.tags, *frame.to_numpy().tolist()])
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def audio_path(self, row: int) -> Path | None:
        return self._path("audio", row)

    def lyrics_text(self, row: int) -> str | None:
        """Words of the song at position `row`, or None where the table has none.

        Raises:
            ValueError: the file is gone or is not UTF-8 text.
        """
        path = self._path("lyrics", row)
        if path is None:
            return None
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"lyrics of {self.frame['track_id'].iloc[row]!r}: {path}: {error}") from error

    def _path(self, column: str, row: int) -> Path | None:
        relative = self.frame[column].iloc[row]
        return None if relative is None else self.folder / relative


def artist_key(artist: str | None) -> str:
    """Name under which two spellings of one artist meet: no case, accents, punctuation, leading "The" or guests.

    >>> artist_key("The Beyoncé feat. JAY-Z") == artist_key("BEYONCE")
    True
    """
    if not artist:
        return ""
    # A guest must follow the word: "Little Feat" is a band.
    text = re.split(r"\s[(\[]?(?:feat|ft|featuring)\b\.?(?=\s*\w)", without_accents(artist))[0].replace("&", " and ")
    words = re.sub(r"[\W_]+", " ", text).split()
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    # A name of signs alone ("!!!") keeps them: an empty key would mean "unknown".
    return " ".join(words) or artist.strip().casefold()


def without_accents(text: str) -> str:
    """Letters without case and accents; a kana keeps its voicing mark, which makes another sound of it.

    >>> without_accents("Sigur Rós"), without_accents("パパ") == without_accents("ハハ")
    ('sigur ros', False)
    """
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(letter for letter in text if letter in VOICING_MARKS or not unicodedata.combining(letter))
    # One letter again: a mark by itself is no letter of a word. Nothing else is composed: keys stay as they were.
    return re.sub(f".[{VOICING_MARKS}]", lambda kana: unicodedata.normalize("NFC", kana[0]), text)


def write_tracks(path: Path, frame: pd.DataFrame, corpus: Corpus) -> TrackTable:
    """Check a table and write it, whole or not at all.

    Args:
        path: the `tracks.parquet` to write; audio and lyrics paths in `frame` are relative to its folder.
        frame: columns of `SCHEMA`; nullable ones may be left out.

    Raises:
        ValueError: every fault found, each with the rows concerned (see `check_tracks`).
    """
    corpus = Corpus(**{**asdict(corpus), "version": version("music-mood-fusion")})
    if surplus := set(frame.columns) - set(SCHEMA.names):
        raise ValueError(f"{path}: unknown columns {sorted(surplus)}; the table has {SCHEMA.names}")
    frame = frame.reindex(columns=SCHEMA.names).astype(object)
    frame = frame.where(frame.notna(), None)
    check_tracks(frame, corpus, path.parent)
    meta = {METADATA_KEY: json.dumps(asdict(corpus), ensure_ascii=False).encode()}
    table = pa.Table.from_pandas(frame, schema=SCHEMA, preserve_index=False).replace_schema_metadata(meta)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        pq.write_table(table, partial)
    return read_tracks(path)


def read_tracks(path: Path) -> TrackTable:
    """Read and check a track table.

    Raises:
        FileNotFoundError: no such table; says how to make one.
        ValueError: not a track table, or a fault in it (see `check_tracks`).
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; write it with `python -m data_prep CORPUS`")
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from error
    metadata = (table.schema.metadata or {}).get(METADATA_KEY)
    if metadata is None or table.schema.names != SCHEMA.names:
        raise ValueError(f"{path} is not a track table; write it with `python -m data_prep CORPUS`")
    fields = json.loads(metadata)
    corpus = Corpus(**{**fields, "labels": tuple(fields["labels"]), "tags": tuple(fields["tags"])})
    frame = table.to_pandas().astype(object)
    frame = frame.where(frame.notna(), None)
    frame["tags"] = [list(tags) for tags in frame["tags"]]
    check_tracks(frame, corpus, path.parent)
    return TrackTable(corpus, frame, path.parent)


def check_tracks(frame: pd.DataFrame, corpus: Corpus, folder: Path) -> None:
    """Refuse a table that something later would trip over.

    Raises:
        ValueError: duplicate or missing ids, unknown moods, tags or splits, files that are missing or outside
            `folder`, an artist in two splits of a corpus that does not declare it. All faults in one message.
    """
    ids = frame["track_id"]
    faults = _named("missing track_id in row", frame.index[ids.isna()])
    faults += _named("duplicate track_id", ids[ids.duplicated()])
    for column, known in (("mood", corpus.labels), ("split", SPLITS)):
        values = frame[column]
        faults += _named(f"{column} not in {list(known)}", sorted({*values.dropna()} - {*known}))
    if frame["tags"].map(lambda tags: isinstance(tags, (list, tuple))).all():
        faults += _named("tags outside the vocabulary", sorted({*frame["tags"].explode().dropna()} - {*corpus.tags}))
    else:
        faults.append("tags must be a list in every row (empty where there is none)")
    for column in ("audio", "lyrics"):
        faults += _file_faults(column, frame[column].dropna(), folder)
    if not corpus.artists_cross_splits:
        crossing = artists_in_two_splits(frame)
        faults += _named("artist in two splits of a corpus that does not declare artists_cross_splits", crossing)
    if faults:
        raise ValueError(f"{folder}: " + "; ".join(faults))


def artists_in_two_splits(frame: pd.DataFrame) -> list[str]:
    """Keys of the artists that stand in more than one official split, sorted."""
    keys = frame["artist"].map(artist_key)
    known = frame["split"].notna() & (keys != "")
    n_splits = frame["split"][known].groupby(keys[known]).nunique()
    return sorted(n_splits.index[n_splits > 1])


def _file_faults(column: str, paths: pd.Series, folder: Path) -> list[str]:
    # By name only: a link inside the folder to a music library elsewhere is the owner's choice, ".." is not.
    # By parts: a song may be called "...Baby One More Time".
    outside = [path for path in paths if os.path.isabs(path) or Path(os.path.normpath(path)).parts[0] == ".."]
    missing = [path for path in sorted({*paths} - {*outside}) if not (folder / path).is_file()]
    return _named(f"{column} file outside the table's folder", outside) + _named(f"{column} file missing", missing)


def _named(fault: str, offenders: Sequence[object]) -> list[str]:
    offenders = list(offenders)
    shown = ", ".join(repr(offender) for offender in offenders[:5])
    more = f" and {len(offenders) - 5} more" if len(offenders) > 5 else ""
    return [f"{fault}: {shown}{more}"] if offenders else []
