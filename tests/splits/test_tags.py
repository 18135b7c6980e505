"""Splits of songs with several labels: artists whole, every tag in its share, every song tested once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold

from research.labels import LabelSpace, target_array
from research.splits.folds import leakage
from research.splits.tags import grouped_parts, known_in, tag_splits
from research.tracks import Corpus, TrackTable, read_tracks

TAGS = tuple(f"tag {n}" for n in range(12))
MOODS = ("happy", "sad")
SPACE = LabelSpace(MOODS, TAGS)


@pytest.fixture
def tracks() -> TrackTable:
    """300 songs by some 130 artists; twelve tags from frequent to rare, songs of an artist alike; some lack a mood."""
    generator = np.random.default_rng(0)
    artists = generator.integers(0, 150, 300)
    taste = generator.random((150, 12)) < np.linspace(0.5, 0.12, 12)
    has = taste[artists] ^ (generator.random((300, 12)) < 0.02)
    rows = [
        {
            "track_id": f"t{song}",
            "artist": f"artist {artists[song]}",
            "title": None,
            "mood": MOODS[artists[song] % 2] if song % 5 else None,
            "tags": [TAGS[tag] for tag in np.flatnonzero(has[song])],
            "split": ("train", "train", "test")[artists[song] % 3],
        }
        for song in range(300)
    ]
    corpus = Corpus(name="toy", labels=MOODS, tags=TAGS, citation="none", licence="CC0")
    return TrackTable(corpus, pd.DataFrame(rows, dtype=object), Path())


def test_every_song_is_tested_once_and_no_artist_leaks(tracks):
    splits = tag_splits(tracks, SPACE, seed=1)
    tested = np.concatenate([split.test for split in splits])
    known = [row for row, tags in enumerate(tracks.frame["tags"]) if tags or tracks.frame["mood"].iloc[row]]
    assert sorted(tested) == known
    artists = np.array(tracks.artist_keys)
    for split in splits:
        assert leakage(tracks, split, {}).artists == ()
        assert not {*artists[split.train]} & {*artists[split.valid]}
        assert sorted(np.concatenate([split.train, split.valid, split.test])) == known
        # An eighth, but whole artists with several rare tags each: to a third of it.
        assert len(split.valid) == pytest.approx((len(known) - len(split.test)) / 8, rel=1 / 3)


def test_labels_are_shared_out_better_than_by_artists_alone(tracks):
    truth = np.nan_to_num(target_array(tracks, SPACE))
    artists = np.array(tracks.artist_keys)

    def spread(tests: list[np.ndarray]) -> float:
        """Mean distance, in songs, of a fold's count of a label from a fifth of all."""
        counts = np.stack([truth[rows].sum(axis=0) for rows in tests])
        return float(np.abs(counts - truth.sum(axis=0) / 5).mean())

    plain = [test for _, test in GroupKFold(5).split(truth, groups=artists)]
    ours = [split.test for split in tag_splits(tracks, SPACE)]
    assert spread(ours) < 0.7 * spread(plain)  # .54 here; on the songs of qaed4, alike within fewer artists, .42


def test_parts_by_hand():
    # The rare label first: its two groups to different parts; then the others even out the songs.
    truth = np.array([[1, 1], [0, 1], [1, 1], [0, 1]], dtype=float)
    parts = grouped_parts(truth, ["a", "b", "c", "d"], [0.5, 0.5], np.random.default_rng(0))
    assert parts[0] != parts[2]
    assert parts[1] != parts[3]


def test_a_group_without_a_label_is_refused():
    with pytest.raises(ValueError, match=r"2 artists have no label, such as 'b'; give a column of ones"):
        grouped_parts(np.array([[1.0], [0.0], [0.0]]), ["a", "b", "c"], [0.5, 0.5], np.random.default_rng(0))


def test_splits_follow_their_seed(tracks):
    first, again, other = (tag_splits(tracks, SPACE, seed=seed)[0].test for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_official_split_is_kept_and_validation_carved_from_training(tracks):
    (split,) = tag_splits(tracks, SPACE, "official")
    assert {*tracks.frame["split"].iloc[split.test]} == {"test"}
    assert {*tracks.frame["split"].iloc[np.concatenate([split.train, split.valid])]} == {"train"}
    artists = np.array(tracks.artist_keys)
    assert not {*artists[split.train]} & {*artists[split.valid]}
    tracks.frame["split"] = tracks.frame["split"].mask(tracks.frame.index % 4 == 1, "valid")
    (published,) = tag_splits(tracks, SPACE, "official")
    assert {*tracks.frame["split"].iloc[published.valid]} == {"valid"}


def test_a_task_leaves_out_what_it_knows_nothing_of(tracks):
    split = tag_splits(tracks, SPACE)[0]
    moods = known_in(split, target_array(tracks, LabelSpace(MOODS)))
    for part in ("train", "valid", "test"):
        rows = getattr(split, part)
        assert getattr(moods, part).tolist() == [row for row in rows if tracks.frame["mood"].iloc[row]]


def test_what_cannot_be_split_is_refused(tracks):
    with pytest.raises(ValueError, match="protocol 'random' is unknown; songs with several labels know artist"):
        tag_splits(tracks, SPACE, "random")
    with pytest.raises(ValueError, match="artists cannot fill 200 parts; use fewer folds"):
        tag_splits(tracks, SPACE, n_folds=200)
    unsplit = replace(tracks, frame=tracks.frame.assign(split=None))
    with pytest.raises(ValueError, match="toy, official fold 0: 0 songs to train on, 0 to test"):
        tag_splits(unsplit, SPACE, "official")
    one = tracks.frame.assign(tags=[["tag 0"] if artist == "artist 3" else ["tag 1"] for artist in tracks.frame.artist])
    with pytest.raises(ValueError, match=r"1 labels have no training song \(one artist may hold them all\)"):
        tag_splits(replace(tracks, frame=one), LabelSpace((), ("tag 0", "tag 1")))


def test_tags_of_qaed4_are_in_every_fold(real_data):
    tracks = read_tracks(real_data / "qaed4" / "tracks.parquet")
    counts = pd.Series([tag for tags in tracks.frame["tags"] for tag in tags]).value_counts()
    space = LabelSpace(tracks.corpus.labels, tuple(counts.index[counts >= 20]))
    truth = target_array(tracks, space)
    for split in tag_splits(tracks, space):
        # A fifth of 20 songs is four; of the rarest tags each fold tests at least two.
        assert truth[split.test].sum(axis=0).min() >= 2
