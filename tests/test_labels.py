"""Label spaces and what is true of a song: moods, tags, both, and what is not known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research.labels import LabelSpace, has_target, label_space, target_array
from research.tracks import Corpus, TrackTable

SONGS = [("sad", ["calm", "soft"]), (None, ["calm"]), ("happy", []), (None, []), ("sad", ["loud", "calm", "calm"])]
NAN = np.nan


@pytest.fixture
def tracks() -> TrackTable:
    corpus = Corpus(name="toy", labels=("happy", "sad"), tags=("calm", "loud", "soft"), citation="none", licence="CC0")
    frame = pd.DataFrame(SONGS, columns=["mood", "tags"], dtype=object)
    return TrackTable(corpus, frame.where(frame.notna(), None), Path())


def test_rare_tags_are_left_out_and_a_song_counts_once(tracks):
    assert label_space(tracks, "tags", min_songs=3) == LabelSpace((), ("calm",))
    assert label_space(tracks, "moods+tags", min_songs=1) == LabelSpace(("happy", "sad"), ("calm", "loud", "soft"))
    assert label_space(tracks, "moods") == LabelSpace(("happy", "sad"))
    with pytest.raises(ValueError, match=r"toy has no tag of 4 songs \(the most frequent has 3\)"):
        label_space(tracks, "tags", min_songs=4)


def test_moods_alone_are_positions(tracks):
    targets = target_array(tracks, label_space(tracks, "moods"))
    assert targets.tolist() == [1, -1, 0, -1, 1]
    assert has_target(targets).tolist() == [True, False, True, False, True]


def test_moods_and_tags_are_columns_and_what_is_not_known_is_nan(tracks):
    targets = target_array(tracks, label_space(tracks, "moods+tags", min_songs=2))
    expected = [[0, 1, 1], [NAN, NAN, 1], [1, 0, NAN], [NAN, NAN, NAN], [0, 1, 1]]
    np.testing.assert_array_equal(targets, expected)
    assert has_target(targets).tolist() == [True, True, True, False, True]


def test_a_tagged_song_has_none_of_the_other_tags(tracks):
    targets = target_array(tracks, label_space(tracks, "tags", min_songs=1))
    expected = [[1, 0, 1], [1, 0, 0], [NAN] * 3, [NAN] * 3, [1, 1, 0]]
    np.testing.assert_array_equal(targets, expected)


def test_a_corpus_without_moods_is_named(tracks):
    bare = TrackTable(Corpus(name="bare", labels=(), citation="none", licence="CC0"), tracks.frame, Path())
    with pytest.raises(ValueError, match="bare has no moods; choose the task 'tags'"):
        label_space(bare, "moods+tags")
