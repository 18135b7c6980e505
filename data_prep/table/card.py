"""The data card: what a prepared corpus contains and what was left out, for the screen and for `card.md`."""

from collections import Counter
from collections.abc import Sequence

from data_prep.table.songs import Rejected
from research.tracks import TrackTable, artist_key

N_SHOWN = 20
"""Rejected songs named one by one; all stand in `rejected.csv`."""


def card_text(table: TrackTable, rejected: Sequence[Rejected] = ()) -> str:
    """Markdown data card of a corpus.

    Args:
        table: the songs that were kept.
        rejected: the songs that were not.
    """
    corpus, frame = table.corpus, table.frame
    artists = {artist_key(artist) for artist in frame["artist"]} - {""}
    lines = [
        f"# {corpus.name}: {'SYNTHETIC ' if corpus.synthetic else ''}data card",
        "",
        f"{len(frame) + len(rejected)} songs in, {len(frame)} kept, {len(rejected)} dropped.",
        *(f"- {n} dropped: {reason}" for reason, n in Counter(row.reason for row in rejected).most_common()),
        "",
        *_table("mood", [(mood, (frame["mood"] == mood).sum()) for mood in corpus.labels], len(frame)),
        *_table("has", [(side, frame[side].notna().sum()) for side in ("audio", "lyrics", "mood")], len(frame)),
        *_table("source", frame["source"].value_counts().items() if frame["source"].nunique() > 1 else (), len(frame)),
        *_table("split", frame["split"].value_counts().items(), len(frame)),
        *_table("language", frame["language"].value_counts().head(5).items(), len(frame)),
        f"- artists: {len(artists)}; songs without one: {frame['artist'].map(artist_key).eq('').sum()}",
        f"- tags: {len(corpus.tags)}; songs with at least one: {frame['tags'].map(bool).sum()}",
        f"- licence: {corpus.licence}",
        f"- cite: {corpus.citation}",
        *_first_rejected(rejected),
    ]
    return "\n".join(lines) + "\n"


def printable(text: str) -> str:
    """Text with bytes that were not UTF-8 (read as lone surrogates) spelt out, so that it can be written."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _table(title: str, counts: object, n_songs: int) -> list[str]:
    rows = [f"| {name} | {n} | {n / n_songs:.1%} |" for name, n in counts]
    return [f"| {title} | songs | share |", "|---|---|---|", *rows, ""] if rows else []


def _first_rejected(rejected: Sequence[Rejected]) -> list[str]:
    if not rejected:
        return []
    shown = [f"- {row_text(row)}" for row in rejected[:N_SHOWN]]
    return ["", f"## Dropped ({len(shown)} of {len(rejected)}; all in rejected.csv)", "", *shown]


def row_text(row: Rejected) -> str:
    """One rejected song in one line."""
    place = f"line {row.line}, " if row.line else ""
    return printable(f"{place}{row.song}: {row.reason}{f' ({row.detail})' if row.detail else ''}")
