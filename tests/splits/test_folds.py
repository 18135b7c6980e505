"""No artist on two sides, moods in proportion, and refusals that name what to change."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research.splits.folds import artist_folds, leakage, make_splits, official_split, random_folds
from research.tracks import SCHEMA, Corpus, TrackTable

MOODS = ("happy", "sad")
HALVES = ["train"] * 60 + ["test"] * 60


def table(songs: pd.DataFrame, labels: tuple[str, ...] = MOODS) -> TrackTable:
    corpus = Corpus(name="toy", labels=labels, citation="none", licence="none", artists_cross_splits=True)
    frame = songs.reindex(columns=SCHEMA.names).astype(object)
    return TrackTable(corpus, frame.where(frame.notna(), None), Path("toy"))


def toy(n_artists: int = 40, songs_each: int = 3, **columns) -> TrackTable:
    """`n_artists` artists with `songs_each` songs of alternating mood."""
    n_songs = n_artists * songs_each
    songs = {
        "track_id": [f"t{song}" for song in range(n_songs)],
        "artist": [f"artist {song // songs_each}" for song in range(n_songs)],
        "title": [f"title {song}" for song in range(n_songs)],
        "mood": [MOODS[song % 2] for song in range(n_songs)],
    }
    return table(pd.DataFrame({**songs, **columns}))


@pytest.mark.parametrize("seed", range(5))
def test_artist_folds_test_each_song_once_and_keep_each_artist_on_one_side(seed):
    tracks = toy()
    splits = artist_folds(tracks, n_folds=5, seed=seed)
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(len(tracks)))
    artists = np.array(tracks.artist_keys)
    for split in splits:
        assert sorted(np.concatenate([split.train, split.valid, split.test])) == list(range(len(tracks)))
        sides = [set(artists[part]) for part in (split.train, split.valid, split.test)]
        assert sum(map(len, sides)) == len(set().union(*sides))
        # 120 songs: 24 tested, an eighth of the other 96 is 12; whole artists of 3 songs move it by 1 artist.
        assert (len(split.test), len(split.valid)) == (pytest.approx(24, abs=3), pytest.approx(12, abs=3))


def test_artist_folds_keep_the_moods_in_proportion():
    # 30 happy artists, 10 sad ones, 3 songs each: a fold of 24 songs holds 6 sad ones when in proportion.
    tracks = toy(mood=["happy"] * 90 + ["sad"] * 30)
    for split in artist_folds(tracks, n_folds=5):
        assert (tracks.frame["mood"].iloc[split.test] == "sad").sum() == 6


def test_folds_are_a_function_of_the_seed():
    first, again, other = (artist_folds(toy(), seed=seed)[0].test.tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_songs_without_a_mood_stand_in_no_part():
    moods = [None if song < 6 else MOODS[song % 2] for song in range(120)]
    for protocol in ("artist", "random"):
        for split in make_splits(toy(mood=moods), protocol):
            assert min(split.train.min(), split.valid.min(), split.test.min()) >= 6


def test_random_folds_leak_artists_and_artist_folds_do_not():
    tracks = toy()
    # With 3 songs an artist and a fifth tested, a test song is alone in its fold's test part but for rare artists:
    # nearly all (1 - 0.2**2 = 96 %) have a sibling outside; 80 % leaves room for 24 songs' sampling noise.
    leaks = [leakage(tracks, split, {}).n_test_by_shared_artists / len(split.test) for split in random_folds(tracks)]
    assert min(leaks) > 0.8
    assert all(leakage(tracks, split, {}).artists == () for split in artist_folds(tracks))


def test_official_split_is_the_published_one():
    published = ["train"] * 90 + ["valid"] * 12 + ["test"] * 18
    split = official_split(toy(split=published))
    assert split.train.tolist() == list(range(90))
    assert split.valid.tolist() == list(range(90, 102))
    assert split.test.tolist() == list(range(102, 120))


def test_official_split_without_validation_takes_artists_out_of_training():
    tracks = toy(split=["train"] * 96 + ["test"] * 24)
    (split,) = make_splits(tracks, "official", n_folds=5, seed=3)
    assert sorted([*split.train, *split.valid]) == list(range(96))
    assert len(split.valid) == 12  # an eighth of 96
    artists = np.array(tracks.artist_keys)
    assert not set(artists[split.train]) & set(artists[split.valid])


def test_leakage_counts_artists_songs_and_recordings():
    songs = pd.DataFrame(
        [
            ("a", "The Cure", "Lovesong (feat. X)", "test"),  # same artist and song as b, spelt differently
            ("b", "CURE", "lovesong", "train"),
            ("c", "The Cure", None, "test"),  # same artist only
            ("d", "Nina", "Feeling", "test"),  # same recording as e, under another name
            ("e", None, "Track 1", "valid"),
            ("f", None, "Track 1", "test"),  # two unknown artists are not one artist
        ],
        columns=["track_id", "artist", "title", "split"],
    )
    tracks = table(songs.assign(mood="happy"), labels=("happy",))
    found = leakage(tracks, official_split(tracks), {"d": "9f", "e": "9f", "a": "11"})
    assert (found.artists, found.songs, found.audio) == (("cure",), (("cure", "lovesong"),), ("9f",))
    assert found.summary() == (
        "official fold 0: 2 of 4 test songs are by an artist who also stands in training or validation (1 artists); "
        "on both sides stand 1 songs and 1 recordings."
    )
    assert leakage(tracks, official_split(tracks), {}).summary().endswith("1 songs and unchecked recordings.")


@pytest.mark.parametrize("seed", range(5))
def test_three_songs_a_mood_are_enough(seed):
    tracks = toy(n_artists=6, songs_each=1)  # of each mood one to train, one to validate, one to test
    for split in artist_folds(tracks, n_folds=3, seed=seed):
        for part in (split.train, split.valid, split.test):
            assert sorted(tracks.frame["mood"].iloc[part]) == ["happy", "sad"]


@pytest.mark.parametrize("n_folds", [0, 1])
def test_a_single_fold_is_refused(n_folds):
    with pytest.raises(ValueError, match=f"n_folds={n_folds} leaves nothing to train on"):
        artist_folds(toy(), n_folds)


@pytest.mark.parametrize(
    ("tracks", "protocol", "message"),
    [
        (toy(n_artists=4), "artist", "toy: 4 artists cannot fill 5 folds; use fewer"),
        (toy(mood=["sad"] * 3 + ["happy"] * 117), "random", "'sad' has 3 songs, fewer than 5 folds; use fewer folds"),
        (toy(), "official", "publishes no split .* choose the protocol 'artist'"),
        (toy(split=HALVES, mood=["sad"] * 60 + ["happy"] * 60), "official", "no training song is happy"),
        (toy(n_artists=2, songs_each=60, split=HALVES), "official", "cannot give a validation part"),
        (toy(), "none", "protocol 'none' is unknown; choose one of"),
    ],
)
def test_splits_that_cannot_be_made_are_refused(tracks, protocol, message):
    with pytest.raises(ValueError, match=message):
        make_splits(tracks, protocol, n_folds=5)


def test_a_mood_that_one_artist_holds_alone_is_refused():
    tracks = toy(n_artists=20, songs_each=6, mood=["sad"] * 6 + ["happy"] * 114)
    with pytest.raises(ValueError, match=r"no training song is sad .one artist may hold"):
        artist_folds(tracks)


@pytest.mark.real_data
def test_real_artists_leak_under_random_folds_only(real_data):
    songs = pd.read_csv(real_data / "mirex_like" / "tracks.csv", dtype=str)
    songs = songs.rename(columns={"id": "track_id", "cluster": "mood"})
    tracks = table(songs, labels=tuple(sorted(songs["mood"].unique())))
    for split in artist_folds(tracks):
        assert leakage(tracks, split, {}).artists == ()
    assert all(leakage(tracks, split, {}).n_test_by_shared_artists > 0 for split in random_folds(tracks))
