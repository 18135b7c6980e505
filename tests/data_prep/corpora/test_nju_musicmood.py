"""NJU-MusicMood, small and as it is."""

import json

import pytest

from data_prep.corpora.nju_musicmood import prepare

WORDS = "morning light upon the window and I will not wait for you to come back home again this year"


def write_small(folder, *songs):
    rows = [
        {"id": track_id, "mood": mood, "split": split, "artist": artist, "title": title, "lyrics": f"{title} {WORDS}"}
        for track_id, mood, split, artist, title in songs
    ]
    (folder / "songs.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def test_contradictions_go_and_leaks_leave_train(tmp_path):
    write_small(
        tmp_path,
        ("t1", "sad", "train", "Ann", "Rain"),
        ("e1", "relaxed", "test", "Ann", "Rain"),
        ("t2", "angry", "train", "Bob feat. Cy", "\u2019Til Dawn"),
        ("e2", "angry", "test", "Bob", "'Til Dawn"),
        ("t3", "happy", "train", "Bob", "Sun"),
    )
    table = prepare(tmp_path, tmp_path / "out")
    assert table.frame[["track_id", "split"]].values.tolist() == [["e2", "test"], ["t3", "train"]]
    assert table.corpus.artists_cross_splits
    assert (tmp_path / "out/rejected.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        ',t1,same song under two moods,"t1 sad, e1 relaxed"',
        ',e1,same song under two moods,"t1 sad, e1 relaxed"',
        ",t2,copy of a song in a later split,e2",
    ]


def test_empty_lyrics_are_rejected_and_null_artists_are_not(tmp_path):
    write_small(tmp_path, ("t1", "sad", "train", None, "Rain"), ("t2", "sad", "train", "Ann", "Sun"))
    path = tmp_path / "songs.jsonl"
    path.write_text(path.read_text().replace(f"Sun {WORDS}", ""))
    table = prepare(tmp_path, tmp_path / "out")
    assert table.frame[["track_id", "artist"]].values.tolist() == [["t1", None]]
    assert "- 1 dropped: neither audio nor lyrics" in (tmp_path / "out/card.md").read_text()


def test_the_words_of_a_hundred_thousand_word_song_are_kept(tmp_path):
    write_small(tmp_path, ("t1", "sad", "train", "Ann", "rain " * 100_000))
    table = prepare(tmp_path, tmp_path / "out")
    assert len(table.lyrics_text(0).split()) == 100_000 + len(WORDS.split())


@pytest.mark.parametrize(("mood", "split"), [("bored", "train"), ("sad", "valid")])
def test_what_the_set_does_not_have_is_refused(tmp_path, mood, split):
    write_small(tmp_path, ("t1", "sad", "train", "Ann", "Rain"), ("t2", mood, split, "Bob", "Sun"))
    with pytest.raises(ValueError, match=r"songs.jsonl:2: (mood 'bored'|split 'valid') is none of"):
        prepare(tmp_path, tmp_path / "out")


@pytest.mark.real_data
def test_the_published_lyrics(tmp_path, real_data):
    # By hand: 15 songs under two moods (30 entries); of the rest "Till I Collapse" and "All The Pretty Girls" leak.
    frame = prepare(real_data / "nju_musicmood", tmp_path).frame
    assert len(frame) == 777 - 30 - 2
    assert {"angry_test_001", "happy_test_008"} < set(frame["track_id"])
    assert not {"angry_train_063", "happy_train_041"} & set(frame["track_id"])
    # Of the 30 contradicting entries 16 are for training, 14 for test.
    assert frame["split"].value_counts().to_dict() == {"train": 400 - 16 - 2, "test": 377 - 14}
    assert frame["lyrics"].notna().all()
    assert frame["artist"].isna().sum() == 1
