"""MoodyLyrics4Q: 2,000 songs in four moods by their Last.fm tags; labels only, words and sound are your own.

What: artist, title and mood of each song.
Labels: `mood` (happy, angry, sad, relaxed: the four quadrants of Russell's plane). No official split: split by artist.
Source: a folder with `MoodyLyrics4Q.csv` (columns index, artist, title, mood), from the authors' page
http://softeng.polito.it/erion/; or the table itself.
Words: `--lyrics` names a folder of text files, `ML1.txt` (the index) or `Artist - Title.txt`; sound: `--audio` one of
`ML1.mp3` and the like. Songs with neither are then dropped and counted. Without both the table holds labels alone.
Licence: labels for research; words and sound belong to their owners.
Citation: Çano & Morisio 2017, "Music mood dataset creation based on Last.fm tags", AIAP.
Known faults: labels come from tags, not from listeners. Songs that stand twice are taken once, under two moods not at
all. Names that are not UTF-8 are read as Windows-1252.
"""

from pathlib import Path

from data_prep.table.own_files import OwnFiles
from data_prep.table.placing import write_corpus
from data_prep.table.rows import is_utf8, read_csv
from data_prep.table.screening import screen
from data_prep.table.songs import Song
from research.moods import MOODS
from research.tracks import LASTFM, Corpus, TrackTable

CORPUS = Corpus(
    name="moodylyrics4q",
    labels=MOODS,
    label_source=LASTFM,
    citation="Çano, E. & Morisio, M. (2017). Music mood dataset creation based on Last.fm tags. International "
    "Conference on Artificial Intelligence and Applications (AIAP).",
    licence="labels: research use; words and sound belong to their owners",
    command="python -m data_prep moodylyrics4q --source DIR",
)


def prepare(source: Path, out: Path, *, lyrics: Path | None = None, audio: Path | None = None) -> TrackTable:
    """Write the corpus to `out`.

    Args:
        lyrics: folder of the songs' words; None: no words.
        audio: folder of the songs' sound; None: no sound.

    Raises:
        FileNotFoundError: the table or a folder is missing.
        ValueError: a mood that is none of the four.
    """
    path = source / "MoodyLyrics4Q.csv" if source.is_dir() else source
    own = OwnFiles.below(audio, lyrics)
    rows = read_csv(path, required=("index", "artist", "title", "mood"))
    songs = [_song(row, own, f"{path}:{line}") for line, row in rows]
    kept, rejected = screen(songs, ids_suffice=lyrics is None and audio is None)
    return write_corpus(kept, rejected, CORPUS, out)


def _song(row: dict[str, str], own: OwnFiles, place: str) -> Song:
    mood = row["mood"].casefold()
    if mood not in MOODS:
        raise ValueError(f"{place}: mood {row['mood']!r} is none of {MOODS}; the table is not that of MoodyLyrics4Q")
    artist, title = _readable(row["artist"]), _readable(row["title"])
    return Song(
        track_id=row["index"],
        artist=artist or None,
        title=title or None,
        mood=mood,
        audio=own.audio.get(row["index"]),
        lyrics=own.words(row["index"], artist, title),
    )


def _readable(cell: str) -> str:
    # `read_csv` lets bytes that are not UTF-8 through as lone surrogates, which no file can hold.
    return cell if is_utf8(cell) else cell.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
