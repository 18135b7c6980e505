"""Every metric against scikit-learn or a hand sum."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from research.metrics.moods import (
    accuracy,
    balanced_accuracy,
    confusion_accuracy,
    confusion_balanced_accuracy,
    confusion_macro_f1,
    confusion_matrix,
    macro_f1,
    majority_accuracy,
)

EXACT = 1e-12  # sums of at most 60 float64 ratios of order 1, in another order than scikit-learn's
# The 2020 slides' cross-table: angry, happy, relaxed, sad; rows true.
SLIDES = np.array([[352, 50, 21, 34], [65, 284, 49, 56], [15, 68, 245, 112], [43, 61, 146, 202]])
SONGS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60).map(np.array)


@settings(deadline=None)
@given(songs=SONGS)
def test_metrics_are_those_of_scikit_learn(songs):
    targets, predictions = songs.T
    with warnings.catch_warnings():  # scikit-learn warns of predicted labels that are never true; the value is meant
        warnings.simplefilter("ignore", UserWarning)
        expected = (
            sklearn_metrics.accuracy_score(targets, predictions),
            sklearn_metrics.balanced_accuracy_score(targets, predictions),
            sklearn_metrics.f1_score(targets, predictions, average="macro", zero_division=0),
        )
    computed = accuracy(targets, predictions), balanced_accuracy(targets, predictions), macro_f1(targets, predictions)
    assert computed == pytest.approx(expected, abs=EXACT)
    reference = sklearn_metrics.confusion_matrix(targets, predictions, labels=range(5))
    assert (confusion_matrix(targets, predictions, n_labels=5) == reference).all()


def test_the_slides_cross_table_gives_the_slides_numbers():
    assert confusion_accuracy(SLIDES) == pytest.approx(1083 / 1803, abs=EXACT)
    assert confusion_macro_f1(SLIDES) == pytest.approx(0.5976, abs=5e-5)  # printed with four decimals
    targets = np.repeat(np.arange(4), SLIDES.sum(axis=1))
    assert majority_accuracy(targets) == pytest.approx(457 / 1803, abs=EXACT)


def test_a_stack_of_confusion_matrices_scores_each_alone():
    stack = np.stack([SLIDES, SLIDES.T, np.diag([3, 0, 0, 1]), 2 * SLIDES])
    for metric in (confusion_accuracy, confusion_balanced_accuracy, confusion_macro_f1):
        alone = [float(metric(confusion)) for confusion in stack]
        assert metric(stack.reshape(2, 2, 4, 4)).ravel() == pytest.approx(alone, abs=EXACT)
        assert alone[2] == 1.0  # two labels occur and both are always right: the absent ones do not count
        assert alone[3] == pytest.approx(alone[0], abs=EXACT)


@pytest.mark.parametrize(
    ("targets", "predictions", "message"),
    [
        ([], [], "at least one song"),
        ([0, 1], [0], "2 targets but 1 predictions"),
        ([0, 1], [0.2, 0.8], "integer label numbers .of logits: their argmax"),
        ([0, 1], [0, 3], "predictions run from 0 to 3; 3 labels are 0 .. 2"),
        ([-1, 1], [0, 1], "targets run from -1"),
    ],
)
def test_labels_that_are_none_are_refused(targets, predictions, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(np.array(targets), np.array(predictions), n_labels=3)
