"""Statistics of a table's songs, and an SVM that hears how the embedded songs differ."""

import numpy as np
import pytest

from baselines.classical import Config, song_targets
from baselines.features_svm import MEL, SVM, prepare, table_statistics
from research.features.building import build_store
from research.features.statistics import song_statistics
from research.metrics.moods import majority_accuracy
from research.splits.folds import artist_folds
from research.tracks import TrackTable, read_tracks


@pytest.fixture(scope="module")
def tracks(disk_table):
    """The small corpus, its first song without sound."""
    tracks = read_tracks(disk_table)
    tracks.frame.loc[0, "audio"] = None
    return tracks


def test_statistics_stand_in_the_rows_of_their_songs(tracks):
    store = build_store(tracks, tracks.folder / "mel", MEL, workers=1)
    statistics, usable = table_statistics(tracks, store)
    assert usable.tolist() == [False, *[True] * (len(tracks) - 1)]
    assert {group: values.shape for group, values in statistics.items()} == {
        "timbre": (len(tracks), 80),
        "harmony": (len(tracks), 27),
        "rhythm": (len(tracks), 34),
        "bands": (len(tracks), 160),
    }
    expected = song_statistics(store.song(tracks.frame["track_id"][7]), MEL)
    np.testing.assert_array_equal(statistics["rhythm"][7], expected["rhythm"])
    assert not statistics["timbre"][0].any()


def test_moods_are_heard(tracks):
    split = artist_folds(tracks, 2)[0]
    found = prepare(tracks, Config())(split, 0)
    targets = song_targets(tracks)[split.test]
    # The embedded songs are made by mood; even 2 s of about 18 songs to learn from must beat one constant answer.
    assert (found.test.argmax(axis=1) == targets).mean() > majority_accuracy(targets) + 0.1
    assert found.chosen["columns__kw_args"] in ({"width": 141}, {"width": 301})


def test_a_corpus_without_sound_is_refused(tracks):
    silent = TrackTable(tracks.corpus, tracks.frame.assign(audio=None), tracks.folder)
    with pytest.raises(ValueError, match="synthetic has no audio; prepare it with audio or use the lyrics baselines"):
        SVM.prepare(silent, Config())


def test_a_corpus_of_broken_sound_is_refused(tracks, tmp_path):
    (tmp_path / "broken.mp3").write_text("no song")
    broken = TrackTable(tracks.corpus, tracks.frame.assign(audio="broken.mp3"), tmp_path)
    with pytest.raises(ValueError, match="synthetic has no readable audio"):
        SVM.prepare(broken, Config())
