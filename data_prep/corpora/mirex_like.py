"""MIREX-like mood dataset: songs with a 30 s clip and lyrics in the five MIREX mood clusters; the bimodal corpus.

What: 903 clips of 30 s, of which 764 also have lyrics. A clip without an entry in `lyrics.jsonl` is kept, audio only.
Labels: `mood` is the MIREX cluster (passionate, cheerful, poignant, humorous, aggressive: the first trait of clusters
1-5); `tags` holds one of 28 AllMusic adjectives ("category"). No official split: split by artist.
Source: a folder with `tracks.csv` (columns id, cluster, category, artist, title, audio; the audio path is relative to
the folder) and `lyrics.jsonl` (one object per line: id, lyrics). The originals: http://mir.dei.uc.pt/downloads.html.
Licence: for research; clips and lyrics are third-party works and must not be redistributed.
Citation: Panda, Malheiro, Rocha, Oliveira & Paiva 2013, "Multi-modal music emotion recognition", CMMR.
Known faults: some songs appear twice, on different albums, some of them in two clusters. Duplicates are found by artist
and title, by equal lyrics and by equal audio. If their clusters contradict each other all copies are dropped, otherwise
the first is kept (611 songs: 6 dropped as contradictions, 4 as copies). Published numbers use all songs.
"""

from dataclasses import replace
from pathlib import Path

from data_prep.table.placing import write_corpus
from data_prep.table.rows import read_csv, read_json_lines
from data_prep.table.screening import screen
from data_prep.table.songs import Song, split_tags, tag_vocabulary
from research.moods import MIREX_CLUSTERS
from research.tracks import Corpus, TrackTable

CORPUS = Corpus(
    name="mirex_like",
    labels=MIREX_CLUSTERS,
    citation="Panda, R., Malheiro, R., Rocha, B., Oliveira, A. & Paiva, R. P. (2013). Multi-modal music emotion "
    "recognition: a new dataset, methodology and comparative analysis. CMMR.",
    licence="research use; recordings and lyrics belong to their owners",
    command="python -m data_prep mirex_like --source DIR",
)
CLUSTERS = {str(number): name for number, name in enumerate(MIREX_CLUSTERS, start=1)}


def prepare(source: Path, out: Path) -> TrackTable:
    """Write the corpus to `out`.

    Raises:
        FileNotFoundError: a table or a clip is missing.
        ValueError: a cluster that is none of 1-5, or a fault of the whole table.
    """
    path = source / "tracks.csv"
    rows = read_csv(path, required=("id", "cluster", "category", "artist", "title", "audio"))
    words = {row["id"]: row["lyrics"] for _, row in read_json_lines(source / "lyrics.jsonl", required=("id", "lyrics"))}
    songs, rejected = screen(_song(row, words.get(row["id"]), f"{path}:{line}", source) for line, row in rows)
    return write_corpus(songs, rejected, replace(CORPUS, tags=tag_vocabulary(songs)), out)


def _song(row: dict[str, str], lyrics: str | None, place: str, source: Path) -> Song:
    if row["cluster"] not in CLUSTERS:
        raise ValueError(
            f"{place}: cluster {row['cluster']!r} is none of 1-5; the table is not that of the MIREX-like set"
        )
    audio = source / row["audio"]
    if not audio.is_file():
        raise FileNotFoundError(f"{place}: no clip {audio}; unpack the audio of the dataset beside the table")
    return Song(
        track_id=row["id"],
        artist=row["artist"],
        title=row["title"],
        mood=CLUSTERS[row["cluster"]],
        tags=split_tags(row["category"]),
        audio=audio,
        lyrics=lyrics,
    )
