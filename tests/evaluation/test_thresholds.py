"""Thresholds: the best F1 on the songs they are tuned on, found by trying all; rare tags share one."""

import numpy as np
import pytest

from research.evaluation.thresholds import tune_thresholds
from research.metrics.tags import tag_f1


def test_no_other_threshold_is_better():
    generator = np.random.default_rng(0)
    truth = (generator.random((40, 6)) < 0.3).astype(float)
    scores = np.round(truth + generator.normal(0, 1, truth.shape), 1)  # some equal
    found = tag_f1(truth, scores >= tune_thresholds(truth, scores))[0]
    tried = np.stack([tag_f1(truth, scores >= score)[0] for score in np.unique(scores)])
    np.testing.assert_allclose(found, tried.max(axis=0), rtol=1e-12)


def test_a_threshold_lies_halfway_between_two_songs():
    truth, scores = np.array([[1.0], [1.0], [0.0], [0.0]]), np.array([[5.0], [3.0], [2.0], [0.0]])
    assert tune_thresholds(truth, scores).tolist() == [2.5]
    assert tune_thresholds(np.ones((2, 1)), np.array([[1.0], [2.0]])).tolist() == [1.0]  # everyone: from the lowest


def test_a_tag_without_song_takes_the_threshold_of_all():
    truth = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    scores = np.array([[4.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
    # Together: the song with the tag scores 4, the next best 3.
    assert tune_thresholds(truth, scores).tolist() == [2.5, 3.5]


def test_songs_without_any_tag_are_refused():
    with pytest.raises(ValueError, match="no validation song has any of the tags; validate on more songs"):
        tune_thresholds(np.zeros((3, 2)), np.ones((3, 2)))
