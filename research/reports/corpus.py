"""A report's section on the songs: source, what was dropped, available modalities."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from research.reports.document import Block, Bullets, Paragraph, Table
from research.reports.formats import MINUS, NONE
from research.reports.scores import ModelScore
from research.reports.tables import corpus_name
from research.tracks import TrackTable, artist_key, read_tracks

REJECTED = "rejected.csv"
DATA = Path("data")
N_LANGUAGES = 5


def find_tracks(score: ModelScore, table: Path | None) -> tuple[TrackTable | None, str]:
    """The corpus that was trained on, and what to say where it is not at hand.

    Args:
        table: its track table; `data/NAME/tracks.parquet` when None.

    Raises:
        FileNotFoundError: no such table.
        ValueError: not a track table, or one of other songs than the runs'.
    """
    name, fingerprint = score.corpus["name"], score.corpus["fingerprint"]
    path = table or DATA / name / "tracks.parquet"
    if table is None and not path.is_file():
        return None, f"The corpus is not at hand ({path}): give its track table with --tracks for coverage and titles."
    tracks = read_tracks(path)
    if tracks.fingerprint == fingerprint:
        return tracks, ""
    if table is not None:
        raise ValueError(f"{path} holds other songs ({tracks.fingerprint}) than the runs ({fingerprint}); give theirs")
    return None, f"{path} is another preparation of the corpus than the runs': no coverage and titles from it."


def corpus_blocks(score: ModelScore, tracks: TrackTable | None, missing: str) -> list[Block]:
    """The data card: size, citation and licence from the runs; attrition and coverage where the corpus is at hand."""
    corpus = score.corpus
    facts = [
        f"corpus: {corpus_name(score)}, fingerprint {corpus['fingerprint']}",
        f"songs: {corpus.get('songs', 'not recorded')}; moods: {', '.join(score.labels)}",
        f"cite: {corpus['citation']}",
        f"licence: {corpus.get('licence', 'not recorded')}",
    ]
    if corpus.get("command"):
        facts.append(f"prepared by: {corpus['command']}")
    if corpus["synthetic"]:
        facts.insert(0, "These songs are SYNTHETIC: they show that everything works, nothing about music")
    if tracks is None:
        return [Bullets(facts), Paragraph(missing)]
    name = corpus_name(score)
    steps, what = attrition(tracks, len(score.track_ids)), "From the songs found to those tested; reasons as in"
    return [
        Bullets([*facts, *_people_and_languages(tracks)]),
        Table(steps, f"{what} {REJECTED}. Corpus {name}.", "tab:attrition"),
        Table(coverage(tracks, score.track_ids), f"What songs have, by mood. Corpus {name}.", "tab:coverage"),
    ]


def titles(tracks: TrackTable | None) -> Mapping[str, str]:
    """By track_id; empty without the corpus."""
    if tracks is None:
        return {}
    named = tracks.frame[tracks.frame["title"].notna()]
    return dict(zip(named["track_id"], named["title"], strict=True))


def attrition(tracks: TrackTable, n_tested: int) -> pd.DataFrame:
    """How many songs each step of the preparation left; what was dropped is not known without `rejected.csv`."""
    path = tracks.folder / REJECTED
    dropped = Counter(pd.read_csv(path)["reason"]) if path.is_file() else None
    rows = [("kept", f"{len(tracks):,}")]
    if dropped is None:
        rows.insert(0, (f"dropped in preparation: not recorded (no {REJECTED})", NONE))
    else:
        rows = [
            ("found", f"{len(tracks) + dropped.total():,}"),
            *((f"dropped: {reason}", f"{MINUS}{count:,}") for reason, count in dropped.most_common()),
            *rows,
        ]
    with_mood = int(tracks.frame["mood"].notna().sum())
    rows += [("with a mood", f"{with_mood:,}"), ("tested, each seed", f"{n_tested:,}")]
    return pd.DataFrame(rows, columns=["step", "songs"])


def coverage(tracks: TrackTable, tested: Sequence[str]) -> pd.DataFrame:
    """How many songs of each mood there are, and what share of them has audio, lyrics, a named artist.

    Args:
        tested: track ids.
    """
    frame = tracks.frame
    parts = [(label, frame["mood"] == label) for label in tracks.corpus.labels]
    if frame["mood"].isna().any():
        parts.append(("no mood", frame["mood"].isna()))
    rows = []
    for label, belongs in [*parts, ("all", np.ones(len(frame), dtype=bool))]:
        songs = frame[belongs]
        sound, words = songs["audio"].notna(), songs["lyrics"].notna()
        has = (sound, words, sound & words, songs["artist"].notna(), songs["track_id"].isin(tested))
        shares = [_percent(int(which.sum()), len(songs)) for which in has]
        rows.append((label, f"{len(songs):,}", _percent(len(songs), len(frame)), *shares))
    return pd.DataFrame(rows, columns=["mood", "songs", "share", "audio", "lyrics", "both", "artist", "tested"])


def tags_by_song(tracks: TrackTable | None) -> Mapping[str, Sequence[str]]:
    """By track_id; empty without the corpus."""
    return {} if tracks is None else dict(zip(tracks.frame["track_id"], tracks.frame["tags"], strict=True))


def _people_and_languages(tracks: TrackTable) -> list[str]:
    frame = tracks.frame
    named = frame["artist"].map(artist_key)
    sentences = [f"artists: {len({*named} - {''})}; songs without one: {int((named == '').sum())}"]
    if words := int(frame["lyrics"].notna().sum()):
        told = frame["language"][frame["lyrics"].notna()].value_counts()
        languages = [f"{language} {count}" for language, count in told.head(N_LANGUAGES).items()]
        if rest := words - int(told.head(N_LANGUAGES).sum()):
            languages.append(f"another or not told {rest}")
        sentences.append(f"language of the lyrics: {', '.join(languages)}")
    if n_tagged := int(frame["tags"].map(bool).sum()):
        sentences.append(f"tags: {len(tracks.corpus.tags)}; songs with one: {n_tagged}")
    return sentences


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else NONE
