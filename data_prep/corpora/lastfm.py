"""Last.fm tags of the Million Song Dataset: from tags to moods, then to sound and words found on the web.

What: 943,347 tracks, 505,216 with tags; how many end with a mood, sound and words is said in the data card and, a row a
stage and mood with the reasons, in `attrition.csv`. Sound is a 30 s preview, words are the whole lyrics.
Labels: `mood` is happy, angry, sad or relaxed by one of two rules. `clean`, the default: tags of the project's lexicon
that no source contests, with a weight of at least 10 of 100, not part of title or artist, and in agreement. `slides`:
exactly one of forty words. `rules.md` counts where they differ; `slides_train.csv` and `slides_test.csv` are the tables
of the 2020 slides. `tags` holds the mood tags that spoke. Splits are those of the source, where it has them.
Source: a folder with JSON files, `lastfm_train` and `lastfm_test` (folders or zips as published), or `lastfm_tags.db`
with `track_metadata.db` of the Million Song Dataset beside it, by far the fastest.
http://millionsongdataset.com/lastfm
Sound and words: by default from Deezer and LRCLIB, without any key; order and others by `--previews` and `--lyrics`.
Each hit is compared by artist, title and duration, its sound decoded. A run can be stopped at any moment and given
again; it keeps the services' rates. `--dry-run` says what would be asked for.
Licence: the tags are for research, not commercial; sound and words belong to their owners and must not be passed on:
publish ids, labels and splits.
Citation: Bertin-Mahieux, Ellis, Whitman & Lamere 2011, "The Million Song Dataset", ISMIR; tags by Last.fm.
Known faults: some tags belong to another song than their track (`--mismatches` leaves those out); the published split
may have an artist on both sides, which the card then says.
"""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from data_prep.fetching.attrition import attrition_markdown, label_rows
from data_prep.fetching.pipeline import WALL_CLOCK, Clock, Fetched, fetch_all, open_ledger
from data_prep.fetching.plan import WITHOUT_KEYS, FetchPlan
from data_prep.fetching.providers import check_plan
from data_prep.fetching.report import attrition, report
from data_prep.lastfm.files import read_lastfm
from data_prep.lastfm.labelling import LABELS_FILE, Labelled, Tally, label_tracks, read_labelled, source_fingerprint
from data_prep.lastfm.labels import read_lexicon
from data_prep.table.placing import write_corpus
from data_prep.table.screening import artists_across, screen
from data_prep.table.songs import Song, tag_vocabulary
from data_prep.web.services import PUBLIC, Services
from research.moods import MOODS
from research.tracks import LASTFM, Corpus, TrackTable

CORPUS = Corpus(
    name="lastfm",
    labels=MOODS,
    label_source=LASTFM,
    citation="Bertin-Mahieux, T., Ellis, D. P. W., Whitman, B. & Lamere, P. (2011). The Million Song Dataset. ISMIR. "
    "Tags: Last.fm dataset, the official song tags and song similarity collection for the Million Song Dataset.",
    licence="tags: research, not commercial; sound and words belong to their owners: publish ids only",
    command="python -m data_prep lastfm --source SOURCE",
)


def prepare(
    source: Path,
    out: Path,
    *,
    rule: str = "clean",
    songs_per_mood: int | None = None,
    mismatches: Path | None = None,
    plan: FetchPlan = WITHOUT_KEYS,
    services: Services = PUBLIC,
    clock: Clock = WALL_CLOCK,
) -> TrackTable:
    """Write the corpus to `out`, or as much of it as could be fetched this time.

    Args:
        rule: `clean` or `slides` (see `data_prep.lastfm.labels`).
        songs_per_mood: songs looked for a mood; None: all.
        mismatches: text file whose lines hold track ids to leave out.

    Raises:
        FileNotFoundError: no such source.
        ValueError: a provider lacks its key or consent, or no song is left.
    """
    check_plan(plan)
    tally = label(source, out, mismatches)
    songs = read_labelled(out, rule, songs_per_mood)
    fetched = fetch_all(songs, plan, out, services, clock)
    done = [song for song in songs if song.track_id in fetched.sound and song.track_id in fetched.words]
    if fetched.stopped and not done:
        raise ValueError(f"no song could be fetched: {'; '.join(fetched.stopped)}; give the same command again later")
    kept, rejected = screen(_song(song, fetched, out) for song in done)
    crossing = artists_across(kept)
    corpus = replace(CORPUS, tags=tag_vocabulary(kept), artists_cross_splits=bool(crossing))
    table = write_corpus(kept, rejected, corpus, out)
    report(table, attrition(tally.of(rule), songs, fetched, rejected), fetched, crossing)
    return table


def dry_run(
    source: Path,
    out: Path,
    *,
    rule: str,
    songs_per_mood: int | None,
    mismatches: Path | None,
    plan: FetchPlan,
    services: Services = PUBLIC,
) -> str:
    """Label the tracks and say what would be asked for; nothing is.

    Raises:
        FileNotFoundError: no such source.
        ValueError: a provider lacks its key or consent.
    """
    check_plan(plan)
    tally = label(source, out, mismatches)
    songs = read_labelled(out, rule, songs_per_mood)
    moods = Counter(song.mood for song in songs)
    # Deezer: search, song, sound; LRCLIB: one page or a search. The slowest service sets the time.
    deezer, lrclib = services.deezer, services.lrclib
    hours = len(songs) * (2 * deezer.period_s / deezer.calls + 2 * lrclib.period_s / lrclib.calls) / 3600
    lines = [
        attrition_markdown(label_rows(tally.of(rule))),
        f"would be looked for: {len(songs)} songs: {', '.join(f'{mood} {moods[mood]}' for mood in MOODS)}",
        f"sound from {', '.join(plan.previews)}; words from {', '.join(plan.lyrics)}",
        f"with deezer and lrclib at most {5 * len(songs)} requests, {hours:.1f} h at the services' rates and about "
        f"{0.5 * len(songs) / 1000:.1f} GB; nothing was fetched",
    ]
    return "\n".join(lines)


def label(source: Path, out: Path, mismatches: Path | None) -> Tally:
    """Label all tracks, or take the labels of an earlier run of the same source and lexicon."""
    lexicon = read_lexicon()
    if mismatches:
        lexicon = replace(lexicon, mismatched=_listed(mismatches))
    if not source.exists():
        raise FileNotFoundError(f"{source} does not exist; --source names the Last.fm files described by --help")
    ledger = open_ledger(out)
    note = f"labels {source_fingerprint(source, lexicon)}"
    known = ledger.noted(note)
    if known and (out / LABELS_FILE).is_file() and ledger.noted("labels in place") == note:
        tally = Tally.from_json(known)
    else:
        tally = label_tracks(read_lastfm(source), lexicon, out)
        ledger.note(note, tally.to_json())
        ledger.note("labels in place", note)
    ledger.close()
    return tally


def _song(song: Labelled, fetched: Fetched, out: Path) -> Song:
    sound, words = fetched.sound[song.track_id], fetched.words[song.track_id]
    return Song(
        track_id=song.track_id,
        artist=song.artist or None,
        title=song.title or None,
        mood=song.mood,
        tags=song.tags,
        split=song.split,
        # A path of the user's own is absolute and stands as it is.
        audio=out / "audio" / str(sound.detail["path"]) if sound.kept else None,
        lyrics=(out / "lyrics" / f"{song.track_id}.txt").read_text(encoding="utf-8") if words.kept else None,
        language=words.detail["language"] if words.kept else None,
        licence=sound.detail["licence"] if sound.kept else None,
    )


def _listed(path: Path) -> frozenset[str]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; --mismatches names a text file that holds track ids")
    # The published list has lines such as "ERROR: <SOID TRID> Artist - Title != Other - Title".
    return frozenset(re.findall(r"\bTR[A-Z0-9]{16}\b", path.read_text(encoding="utf-8")))
