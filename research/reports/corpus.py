"""What a report says of the songs: where they come from, what was dropped, what each has."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from research.reports.document import Block, Bullets, Paragraph, Table
from research.reports.scores import ModelScore
from research.reports.tables import corpus_name
from research.tracks import TrackTable, read_tracks

REJECTED = "rejected.csv"
DATA = Path("data")


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
    """Size, citation and licence from the runs; attrition, moods and coverage where the corpus is at hand."""
    corpus = score.corpus
    facts = [
        f"corpus: {corpus_name(score)}, fingerprint {corpus['fingerprint']}",
        f"songs: {corpus.get('songs', 'not recorded')}; moods: {', '.join(score.labels)}",
        f"cite: {corpus['citation']}",
        f"licence: {corpus.get('licence', 'not recorded')}",
    ]
    if corpus["synthetic"]:
        facts.insert(0, "These songs are SYNTHETIC: they show that everything works, nothing about music")
    if tracks is None:
        return [Bullets(facts), Paragraph(missing)]
    return [
        Bullets([*facts, _attrition(tracks)]),
        Table(_moods(tracks), "Songs by mood.", "tab:moods"),
        Table(_coverage(tracks), "What songs have.", "tab:coverage"),
    ]


def titles(tracks: TrackTable | None) -> Mapping[str, str]:
    """By track_id; empty without the corpus."""
    if tracks is None:
        return {}
    named = tracks.frame[tracks.frame["title"].notna()]
    return dict(zip(named["track_id"], named["title"], strict=True))


def _attrition(tracks: TrackTable) -> str:
    path = tracks.folder / REJECTED
    if not path.is_file():
        return f"dropped in preparation: not recorded (no {REJECTED})"
    reasons = Counter(pd.read_csv(path)["reason"])
    counted = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common()) or "none"
    return f"dropped in preparation: {counted}"


def _moods(tracks: TrackTable) -> pd.DataFrame:
    counts = tracks.frame["mood"].value_counts()
    rows = [_share_row(label, int(counts.get(label, 0)), len(tracks)) for label in tracks.corpus.labels]
    return pd.DataFrame(rows, columns=["mood", "songs", "share"])


def _coverage(tracks: TrackTable) -> pd.DataFrame:
    frame = tracks.frame
    counts = {column: int(frame[column].notna().sum()) for column in ("audio", "lyrics", "mood", "artist")}
    counts["audio and lyrics"] = int((frame["audio"].notna() & frame["lyrics"].notna()).sum())
    languages = frame["language"].value_counts()
    counts |= {f"lyrics in {language}": int(count) for language, count in languages.head(3).items()}
    rows = [_share_row(name, count, len(tracks)) for name, count in counts.items()]
    return pd.DataFrame(rows, columns=["has", "songs", "share"])


def _share_row(name: str, count: int, total: int) -> tuple[str, str, str]:
    return name, str(count), f"{100 * count / total:.1f} %"
