"""What follows from the slides' numbers, to the digits that were worked out by hand from the cross-table."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from baselines.slides import (
    CROSS_TABLE,
    LABELS,
    MODEL_1,
    MODEL_2,
    SLIDE_TRAINING_SONGS,
    cohen_kappa,
    cross_table,
    cross_table_figures,
    f1_by_label,
    model_1_on_three_moods,
    training_songs_of_three_moods,
)

FOUR_DIGITS, THREE_DIGITS = 5e-5, 5e-4  # half of the last printed digit


def songs() -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions that give the cross-table."""
    true, predicted = np.indices((4, 4)).reshape(2, -1)
    return np.repeat(true, np.ravel(CROSS_TABLE)), np.repeat(predicted, np.ravel(CROSS_TABLE))


def test_rows_are_true():
    assert dict(zip(LABELS, cross_table().sum(axis=1).tolist(), strict=True)) == MODEL_1.test
    assert cross_table().sum(axis=0).tolist() != list(MODEL_1.test.values())


def test_the_split_is_75_to_25():
    assert (MODEL_1.n_train, MODEL_1.n_test) == (5_400, 1_803)
    assert MODEL_1.n_train / (MODEL_1.n_train + MODEL_1.n_test) == pytest.approx(0.75, abs=THREE_DIGITS)


def test_the_cross_tables_figures():
    found = cross_table_figures()
    assert found.accuracy.estimate == pytest.approx(0.6007, abs=FOUR_DIGITS)
    assert found.accuracy.estimate == 1_083 / 1_803
    assert (found.accuracy.low, found.accuracy.high) == pytest.approx((0.578, 0.623), abs=THREE_DIGITS)
    assert found.macro_f1 == pytest.approx(0.5976, abs=FOUR_DIGITS)
    f1 = {"angry": 0.755, "happy": 0.619, "relaxed": 0.544, "sad": 0.472}
    assert found.f1 == pytest.approx(f1, abs=THREE_DIGITS)
    assert found.kappa == pytest.approx(0.4675, abs=FOUR_DIGITS)
    assert found.majority == pytest.approx(0.2535, abs=FOUR_DIGITS)
    assert (found.sad_relaxed_errors, found.errors) == (258, 720)
    assert found.arousal == pytest.approx(0.8075, abs=FOUR_DIGITS)
    assert found.valence == pytest.approx(0.7083, abs=FOUR_DIGITS)


def test_scikit_learn_agrees():
    targets, predictions = songs()
    assert cohen_kappa(cross_table()) == pytest.approx(cohen_kappa_score(targets, predictions), rel=1e-12)
    np.testing.assert_allclose(f1_by_label(cross_table()), f1_score(targets, predictions, average=None), rtol=1e-12)


def test_model_2_in_perspective():
    assert MODEL_2.majority_accuracy == pytest.approx(0.599, abs=THREE_DIGITS)
    assert MODEL_2.majority_accuracy == 1_153 / 1_925
    assert model_1_on_three_moods() == pytest.approx(0.698, abs=THREE_DIGITS)


def test_three_moods_are_18013_songs_and_23000_count_relaxed():
    assert training_songs_of_three_moods() == 18_013
    with_relaxed = sum(MODEL_2.train.values()) + sum(MODEL_2.test.values())
    assert with_relaxed == pytest.approx(SLIDE_TRAINING_SONGS, abs=500)  # "~": rounded to thousands
    assert MODEL_2.train["relaxed"] + MODEL_2.test["relaxed"] == with_relaxed - 18_013


def test_always_one_answer_agrees_no_more_than_chance():
    assert cohen_kappa(np.array([[30, 0], [70, 0]])) == 0
