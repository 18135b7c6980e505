"""Several prepared corpora as one, such as one of audio and one of lyrics for a model that uses both.

What: the songs of `--source data/qaed4 data/nju_musicmood ...`, folders that this program wrote. A song of which one
corpus has the audio and another one the lyrics becomes one song with both. One corpus alone is only renamed.
Labels: the moods of the first corpus, after `--rename cheerful=happy poignant=sad`, which holds for all corpora. Songs
of the others with any other mood, or none, are left out. Corpora mean different things by the same word (what editors,
listeners or taggers said): the joined labels are less consistent than any corpus' own. No official split: split by
artist, across all corpora.
Licence: that of each corpus; see its own data card.
Citation: that of each corpus.
Known faults: corpora differ in genre, recording and in which songs have lyrics, so that a model may recognise the
corpus instead of the mood; the column `source` tells them apart. Contradictions between corpora are dropped, copies are
taken once.
"""

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data_prep.table.placing import write_corpus
from data_prep.table.screening import same_songs, screen
from data_prep.table.songs import Rejected, Song, tag_vocabulary
from research.tracks import Corpus, TrackTable, read_tracks

NO_MOOD, OTHER_MOOD = "no mood", "mood that the first corpus does not have"


def prepare(sources: Sequence[Path], out: Path, rename: Sequence[str] = ()) -> TrackTable:
    """Write the corpus to `out`.

    Args:
        sources: corpus folders, at least one; the first one's moods are kept.
        rename: "OLD=NEW", a mood of any corpus and its name from here on.

    Raises:
        FileNotFoundError: a folder without a track table.
        ValueError: no corpus or two of one name, invented songs beside real ones, `out` is one of the corpora, or a
            mood that `rename` names is in none.
    """
    tables = [read_tracks(source / "tracks.parquet") for source in sources]
    if not tables:
        raise ValueError("no corpus to join; give folders of prepared corpora to --source")
    if out.resolve() in {source.resolve() for source in sources}:
        raise ValueError(f"--out {out} is one of the corpora to join; choose a folder of its own")
    corpora = [table.corpus for table in tables]
    names = [corpus.name for corpus in corpora]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"several corpora are called {', '.join(twice)}; prepare them again with other names of --out")
    if len({corpus.synthetic for corpus in corpora}) > 1:
        raise ValueError("invented songs are not joined with real ones; leave out the synthetic corpus")
    renamed = _renamed(rename, {mood for corpus in corpora for mood in corpus.labels})
    labels = tuple(dict.fromkeys(renamed.get(mood, mood) for mood in corpora[0].labels))
    songs, unfit = [], []
    for song in (song for table in tables for song in _songs(table)):
        mood = renamed.get(song.mood, song.mood)
        if mood in labels:
            songs.append(replace(song, mood=mood))
        else:
            unfit.append(Rejected(song=song.track_id, reason=OTHER_MOOD if mood else NO_MOOD, detail=mood or ""))
    kept, rejected = screen(_completed(songs))
    asked = ["--rename", *rename] if rename else []
    corpus = Corpus(
        name=Path(os.path.abspath(out)).name,
        labels=labels,
        tags=tag_vocabulary(kept),
        citation=_all(corpus.citation for corpus in corpora),
        licence=_all(corpus.licence for corpus in corpora),
        synthetic=corpora[0].synthetic,
        label_source=next((corpus.label_source for corpus in corpora if corpus.label_source), ""),
        command=shlex.join(["python", "-m", "data_prep", "joined", "--source", *map(str, sources), *asked]),
    )
    return write_corpus(kept, unfit + rejected, corpus, out)


def _renamed(rename: Sequence[str], known: set[str]) -> dict[str, str]:
    names = {}
    for pair in rename:
        old, _, new = pair.partition("=")
        if old not in known or not new:
            raise ValueError(f"--rename {pair}: expected OLD=NEW, with OLD one of {', '.join(sorted(known))}")
        names[old] = new
    return names


def _songs(table: TrackTable) -> Iterator[Song]:
    for row, values in enumerate(table.frame.itertuples()):
        audio = table.audio_path(row)
        yield Song(
            track_id=f"{table.corpus.name}-{values.track_id}",
            artist=values.artist,
            title=values.title,
            mood=values.mood,
            tags=tuple(values.tags),
            audio=None if audio is None else audio.resolve(),
            lyrics=table.lyrics_text(row),
            language=values.language,
            licence=values.licence or table.corpus.licence,
            source=values.source or table.corpus.name,
        )


def _completed(songs: Sequence[Song]) -> list[Song]:
    """The songs, of copies under one mood the first with the audio and lyrics that only a later one has."""
    complete: dict[str, Song] = {}
    for copies in same_songs(songs):
        if len({song.mood for song in copies}) == 1:
            audio = next((song.audio for song in copies if song.audio), None)
            words = next((song for song in copies if song.lyrics), copies[0])
            first = copies[0]
            complete[first.track_id] = replace(first, audio=audio, lyrics=words.lyrics, language=words.language)
    return [complete.get(song.track_id, song) for song in songs]


def _all(texts: Iterable[str]) -> str:
    """Each once, in their order."""
    return "; ".join(dict.fromkeys(texts))
