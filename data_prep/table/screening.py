"""Screening of a source's songs: keeps those with audio or lyrics, one copy per song, one mood per song.

Duplicates let a model recognise the song instead of its mood, and a song with two moods is label noise. Both faults
occur in published corpora, so every corpus is screened here and the data card counts them.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from data_prep.table.songs import UNFIT_ID, Rejected, Song, is_file_name
from research.features.lyrics import clean_lyrics
from research.tracks import artist_key, artists_in_two_splits

NOTHING = "neither audio nor lyrics"
CONTRADICTION = "same song under two moods"
LEAK = "copy of a song in a later split"
COPY = "copy of a song already taken"

MIN_WORDS = 20
"""Lyrics shorter than this ("la la la", "instrumental") do not identify a song."""

SPLIT_ORDER = ("test", "valid", "train", None)
"""Whose copy is kept: a leak is mended in the training set, not in the test set that published results stand on."""


def screen(
    songs: Iterable[Song], lines: dict[str, int] | None = None, *, ids_suffice: bool = False
) -> tuple[list[Song], list[Rejected]]:
    """Clean the lyrics and take out what must not stay.

    Songs are the same where artist and title, the bytes of the audio, or the words agree. All copies go where their
    moods differ; else one stays, the first of the split that comes first in `SPLIT_ORDER`, one with a mood before one
    without.

    Args:
        songs: the source's songs with unique ids.
        lines: line of the source table each id came from, where there is one.
        ids_suffice: keep songs with neither audio nor lyrics: a table of labels whose files are elsewhere.

    Returns:
        The songs to keep, in their order, with clean lyrics; the others with the reason.

    Raises:
        ValueError: an id stands twice.
    """
    cleaned = [replace(song, lyrics=clean_lyrics(song.lyrics or "") or None) for song in songs]
    if twice := [track_id for track_id, n in Counter(song.track_id for song in cleaned).items() if n > 1]:
        raise ValueError(f"ids {twice[:5]} appear twice in the source; give each song its own")
    empty = [song.track_id for song in cleaned if song.audio is None and song.lyrics is None]
    faults = {} if ids_suffice else dict.fromkeys(empty, (NOTHING, ""))
    faults |= {song.track_id: (UNFIT_ID, "") for song in cleaned if not is_file_name(song.track_id)}
    for copies in same_songs([song for song in cleaned if song.track_id not in faults]):
        faults |= _faults_of_copies(copies)
    lines = lines or {}
    rejected = [
        Rejected(song=track_id, reason=reason, detail=detail, line=lines.get(track_id))
        for track_id, (reason, detail) in faults.items()
    ]
    return [song for song in cleaned if song.track_id not in faults], rejected


def artists_across(songs: Iterable[Song]) -> list[str]:
    """Keys of the artists that a source's splits have on both sides, sorted."""
    rows = [(song.artist, song.split) for song in songs]
    return artists_in_two_splits(pd.DataFrame(rows, columns=["artist", "split"]))


def same_songs(songs: Sequence[Song]) -> list[list[Song]]:
    """Groups of two or more entries that are one song, each in the order given."""
    same_audio = _equal_files([song.audio for song in songs if song.audio])
    group_of_evidence: dict[tuple[str, ...], int] = {}
    members: dict[int, list[int]] = {}
    for index, song in enumerate(songs):
        evidence = _evidence(song, same_audio)
        joined = {group_of_evidence[sign] for sign in evidence if sign in group_of_evidence}
        members[index] = sorted([index, *(member for group in joined for member in members.pop(group))])
        # Two groups meet in this song: what identified either now identifies the one they became.
        absorbed = [sign for sign, group in group_of_evidence.items() if group in joined] if joined else []
        group_of_evidence |= dict.fromkeys([*absorbed, *evidence], index)
    return [[songs[index] for index in group] for group in members.values() if len(group) > 1]


def _evidence(song: Song, same_audio: dict[Path, str]) -> list[tuple[str, ...]]:
    artist, title = artist_key(song.artist), artist_key(song.title)
    words = re.findall(r"\w+", (song.lyrics or "").casefold())
    signs: list[tuple[str, ...]] = []
    if artist and title:
        signs.append(("name", artist, title))
    if song.audio in same_audio:
        signs.append(("audio", same_audio[song.audio]))
    if len(words) >= MIN_WORDS:
        signs.append(("words", hashlib.blake2b(" ".join(words).encode(), digest_size=16).hexdigest()))
    return signs


def _equal_files(paths: Iterable[Path]) -> dict[Path, str]:
    """Digest of each file that could equal another: a file of a size of its own need not be read."""
    by_size = defaultdict(set)
    for path in paths:
        by_size[path.stat().st_size].add(path)
    suspects = [path for same_size in by_size.values() if len(same_size) > 1 for path in same_size]
    digests = {}
    for path in suspects:
        with path.open("rb") as file:
            digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
    n_files = Counter(digests.values())
    return {path: digest for path, digest in digests.items() if n_files[digest] > 1}


def _faults_of_copies(copies: Sequence[Song]) -> dict[str, tuple[str, str]]:
    if len({song.mood for song in copies} - {None}) > 1:
        together = ", ".join(f"{song.track_id} {song.mood}" for song in copies)
        return {song.track_id: (CONTRADICTION, together) for song in copies}
    kept = min(copies, key=lambda song: (SPLIT_ORDER.index(song.split), song.mood is None))
    return {
        song.track_id: (COPY if song.split == kept.split else LEAK, kept.track_id)
        for song in copies
        if song is not kept
    }
