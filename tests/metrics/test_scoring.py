"""Plain scores of moods, tags and both, by hand; unknown labels are left out."""

import numpy as np
import pytest

from research.metrics.scoring import score_answers

NAN = np.nan


def test_moods_with_and_without_tags_score_the_same():
    logits = np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0], [1.0, 0.0], [9.0, 0.0]])
    by_hand = {"accuracy": 3 / 4, "balanced_accuracy": 3 / 4, "macro_f1": (4 / 5 + 2 / 3) / 2}
    assert score_answers(np.array([0, 1, 1, 0, -1]), logits, n_tags=0) == pytest.approx(by_hand, rel=1e-12)
    targets = np.array([[1, 0, 1], [0, 1, 1], [0, 1, 0], [1, 0, NAN], [NAN, NAN, 0]])
    tags = np.array([4.0, 2.0, 3.0, 99.0, 1.0])
    # Of four tagged songs by score: has, has not, has, has not; three of four pairs right.
    expected = by_hand | {"roc_auc": 3 / 4, "pr_auc": (1 + 2 / 3) / 2}
    assert score_answers(targets, np.column_stack([logits, tags]), n_tags=1) == pytest.approx(expected, rel=1e-12)


def test_tags_alone_have_no_mood_scores():
    targets, logits = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 1.0], [0.0, 0.0]])
    assert score_answers(targets, logits, n_tags=2) == {"pr_auc": 0.75, "roc_auc": 0.5}


def test_songs_without_any_known_label_are_refused():
    with pytest.raises(ValueError, match="give one label per song and at least one song"):
        score_answers(np.array([-1]), np.ones((1, 2)), n_tags=0)
