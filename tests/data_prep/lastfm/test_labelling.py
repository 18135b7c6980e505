"""Last.fm's files in every form they are published in, to labels and the slides' tables."""

import ast
import csv
import json
import weakref
from dataclasses import fields
from pathlib import Path

import pytest

from data_prep.corpora.lastfm import dry_run, label
from data_prep.fetching.plan import WITHOUT_KEYS, FetchPlan
from data_prep.lastfm import labelling
from data_prep.lastfm.files import TWICE, UNREADABLE, read_lastfm
from data_prep.lastfm.labelling import Tally, label_tracks, read_labelled
from data_prep.lastfm.labels import TaggedTrack, read_lexicon
from data_prep.table.songs import UNFIT_ID
from tests.data_prep.standins.lastfm import invented_tracks, write_databases, write_zips
from tests.data_prep.standins.songs import CatalogueSong, write_lastfm


@pytest.fixture
def lastfm_folder(tmp_path) -> Path:
    return write_lastfm([CatalogueSong(number) for number in range(40)], tmp_path / "source")


def test_zips_and_database_say_the_same(tmp_path):
    write_zips(invented_tracks(300, seed=1), tmp_path)
    zipped = {track.track_id: track for track in read_lastfm(tmp_path)}
    stored = {track.track_id: track for track in read_lastfm(write_databases(invented_tracks(300, seed=1), tmp_path))}
    assert zipped.keys() == stored.keys()
    assert all(zipped[key].tags == stored[key].tags for key in stored)
    assert {(track.duration_s, track.split) for track in stored.values()} == {(200.5, None)}
    assert sum(track.split == "test" for track in zipped.values()) == 300 // 9


def test_bad_entries_do_not_stop_the_others(lastfm_folder):
    (lastfm_folder / "lastfm_train" / "broken.json").write_text("{")
    twin = next(lastfm_folder.rglob("TRSTAND00000000003.json"))
    (lastfm_folder / "twin.json").write_text(twin.read_text())
    entries = list(read_lastfm(lastfm_folder))
    assert sum(isinstance(entry, TaggedTrack) for entry in entries) == 40
    assert sorted(entry.reason for entry in entries if not isinstance(entry, TaggedTrack)) == [TWICE, UNREADABLE]


@pytest.mark.parametrize("form", ["json", "database"])
def test_an_id_that_leads_out_of_the_corpus_is_not_taken(tmp_path, form):
    tracks = [*invented_tracks(2, seed=1), *invented_tracks(1, seed=2)]
    tracks[2]["track_id"] = "../../escaped"
    if form == "database":
        source = write_databases(iter(tracks), tmp_path)
    else:
        source = tmp_path
        for number, track in enumerate(tracks):
            (tmp_path / f"{number}.json").write_text(json.dumps(track))
    refused = [entry for entry in read_lastfm(source) if not isinstance(entry, TaggedTrack)]
    assert [(entry.song, entry.reason) for entry in refused] == [("../../escaped", UNFIT_ID)]


def test_labels_rules_and_the_slides_tables(lastfm_folder, tmp_path):
    # By hand: of the catalogue's moods happy and sad have two of the forty words, angry and relaxed one.
    tally = label_tracks(read_lastfm(lastfm_folder), read_lexicon(), tmp_path / "out")
    assert tally.of("slides") == {"several mood words": 20, "angry": 10, "relaxed": 10}
    assert tally.of("clean") == {"happy": 10, "angry": 10, "sad": 10, "relaxed": 10}
    assert "| several mood words | happy | 10 |" in (tmp_path / "out/rules.md").read_text()
    with (tmp_path / "out/slides_test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:6] == ["artist", "timestamp", "tags", "track_id", "title", "tags_list"]
    assert [row["track_id"][-2:] for row in rows] == ["09", "19", "29", "39"]  # every tenth is in the test split
    assert ast.literal_eval(rows[1]["tags_list"]) == ["calm", "rock"]
    assert ast.literal_eval(rows[1]["tags"]) == [["calm", "100"], ["rock", "40"]]
    assert [(row["mood_tag"], row["mood_cat"]) for row in rows] == [("angry", "Angry"), ("calm", "Relaxed")] * 2


def test_a_larger_draw_holds_the_smaller(lastfm_folder, tmp_path):
    label(lastfm_folder, tmp_path, None)
    few, more = ({song.track_id for song in read_labelled(tmp_path, "clean", n)} for n in (3, 5))
    assert (len(few), len(more)) == (12, 20)
    assert few < more


def test_labels_are_made_once_and_anew_when_the_source_changes(lastfm_folder, tmp_path):
    first = label(lastfm_folder, tmp_path, None)
    made = (tmp_path / "labels.parquet").stat().st_ino
    assert label(lastfm_folder, tmp_path, None) == first
    assert (tmp_path / "labels.parquet").stat().st_ino == made
    listed = tmp_path / "mismatches.txt"
    listed.write_text("ERROR: <SOAAAAA12A00000000 TRSTAND00000000001> Some - Song  !=  Other - Song\n")
    assert label(lastfm_folder, tmp_path, listed).of("clean")["listed as mismatched"] == 1


def test_a_tally_survives_its_json():
    tally = Tally()
    tally.together["sad", "no tags"] += 2
    tally.unreadable[TWICE] += 1
    assert Tally.from_json(tally.to_json()) == tally


def test_a_dry_run_says_what_would_be_asked_for(lastfm_folder, tmp_path):
    choice = {"rule": "clean", "songs_per_mood": 2, "mismatches": None}
    said = dry_run(lastfm_folder, tmp_path / "out", plan=WITHOUT_KEYS, **choice)
    assert "would be looked for: 8 songs: happy 2, angry 2, sad 2, relaxed 2" in said
    assert "at most 40 requests" in said
    assert not (tmp_path / "out/audio").exists()


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        (FetchPlan(previews=("jamendo",)), "JAMENDO_CLIENT_ID, free at .*devportal.*; without any key work local"),
        (FetchPlan(previews=("spotify",)), "SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET"),
        (FetchPlan(lyrics=("genius",)), "--accept-terms genius"),
        (FetchPlan(lyrics=("genius",), accept_terms=("genius",)), "GENIUS_ACCESS_TOKEN"),
        (FetchPlan(previews=("napster",)), "napster is none of local, deezer"),
    ],
)
def test_what_a_provider_lacks_is_said_before_anything_is_done(plan, fault, lastfm_folder, tmp_path, monkeypatch):
    for name in ("JAMENDO_CLIENT_ID", "SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET", "GENIUS_ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match=fault):
        dry_run(lastfm_folder, tmp_path / "out", rule="clean", songs_per_mood=None, mismatches=None, plan=plan)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("write", [write_zips, write_databases])
def test_no_more_than_two_batches_of_tracks_are_ever_in_memory(write, tmp_path, monkeypatch):
    monkeypatch.setattr(labelling, "BATCH_TRACKS", 100)
    written = write(invented_tracks(1_000, seed=0), tmp_path)
    alive, most = weakref.WeakSet(), 0

    def watched(entries):
        nonlocal most
        for entry in entries:
            track = WatchedTrack(*(getattr(entry, field.name) for field in fields(entry)))
            alive.add(track)
            most = max(most, len(alive))
            yield track

    tally = label_tracks(watched(read_lastfm(written or tmp_path)), read_lexicon(), tmp_path / "out")
    assert tally.together.total() == 1_000
    assert 100 <= most <= 2 * 100 + 2  # a batch and the one before it, the track just read, and the last one of a loop


class WatchedTrack(TaggedTrack):
    """A track that can be seen to go."""

    __slots__ = ("__weakref__",)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("lastfm_train.zip", b"PK cut off", "lastfm_train.zip is no complete zip .*download it again"),
        ("lastfm_tags.db", b"", "put the Million Song Dataset's track_metadata.db beside it"),
    ],
)
def test_a_broken_source_is_refused(name, content, fault, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises((ValueError, FileNotFoundError), match=fault):
        list(read_lastfm(tmp_path / name))


def test_a_folder_without_tracks_is_refused(tmp_path):
    (tmp_path / "other.json").write_text(json.dumps([1]))
    with pytest.raises(ValueError, match=r"holds no Last\.fm track"):
        list(read_lastfm(tmp_path))
