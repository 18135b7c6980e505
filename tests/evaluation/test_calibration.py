"""Calibration against scikit-learn, hand sums and simulated models whose probabilities are right."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import brier_score_loss, log_loss

from research.evaluation.calibration import (
    abstention_threshold,
    brier_score,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    risk_coverage,
    top_confidence,
)


def honest(n: int, n_labels: int = 4, seed: int = 0):
    """Logits, and targets drawn from their softmax: perfectly calibrated."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 1.5, (n, n_labels))
    return logits, (generator.random((n, 1)) > softmax(logits, axis=1).cumsum(axis=1)).sum(axis=1)


def test_likelihood_and_brier_are_those_of_scikit_learn():
    logits, targets = honest(300)
    # 1e-9: clipping of probabilities there
    expected = log_loss(targets, softmax(logits, axis=1))
    assert negative_log_likelihood(logits, targets) == pytest.approx(expected, abs=1e-9)
    probs = softmax(logits[:, :2], axis=1)
    binary = targets % 2
    # Two labels: the sum over both counts the same distance twice.
    expected = 2 * brier_score_loss(binary, probs[:, 1])
    assert brier_score(probs, binary) == pytest.approx(expected, abs=1e-12)


def test_brier_by_hand_and_its_ends():
    probs = np.array([[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]])
    # (.25 + .09 + .04) and, sure and wrong, 1 + 1
    assert brier_score(probs, np.array([0, 0])) == pytest.approx((0.38 + 2) / 2, abs=1e-12)
    with pytest.raises(ValueError, match="do not sum to 1; take the softmax"):
        brier_score(np.array([[0.5, 2.0]]), np.array([0]))
    with pytest.raises(ValueError, match="targets run from 0 to 3, scores are of 3 labels"):
        brier_score(probs, np.array([0, 3]))


@pytest.mark.parametrize("stretch", [0.4, 1.0, 3.0])
def test_temperature_undoes_stretched_logits(stretch):
    logits, targets = honest(20_000)
    found = fit_temperature(stretch * logits, targets)
    assert found == pytest.approx(stretch, rel=0.04)  # three standard errors of 1.3 % with as many songs
    assert fit_temperature(stretch * logits / found, targets) == pytest.approx(1, abs=1e-3)  # bounded search


def test_temperature_moves_confidence_not_answers():
    logits, targets = honest(2_000)
    wild = 4 * logits
    temperature = fit_temperature(wild, targets)
    assert ((wild / temperature).argmax(axis=1) == wild.argmax(axis=1)).all()
    correct = wild.argmax(axis=1) == targets
    before, after = (expected_calibration_error(top_confidence(wild, t), correct) for t in (1.0, temperature))
    assert before > 0.2
    # Right probabilities: sqrt(bins / songs) / 3 = .024 is what finite bins leave; twice that for its own noise.
    assert after < 0.05
    per_song = top_confidence(wild, np.full(len(wild), temperature))
    assert per_song == pytest.approx(top_confidence(wild, temperature), abs=1e-12)


def test_calibration_error_by_hand():
    # Bins of two songs: claimed .55 got 0, claimed .9 got 1; (.55 + .1) / 2.
    confidence, correct = np.array([0.9, 0.5, 0.6, 0.9]), np.array([True, False, False, True])
    found = reliability(confidence, correct, n_bins=2)
    assert found.accuracy.tolist() == [0, 1]
    assert found.confidence == pytest.approx([0.55, 0.9], abs=1e-12)
    assert expected_calibration_error(confidence, correct, n_bins=2) == pytest.approx(0.325, abs=1e-12)


def test_bins_hold_equally_many_songs():
    confidence = np.random.default_rng(1).beta(8, 2, 57)
    songs = reliability(confidence, confidence > 0.8).songs
    assert songs.sum() == 57
    assert songs.max() - songs.min() <= 1
    assert len(reliability(confidence[:3], confidence[:3] > 0.8).songs) == 3
    with pytest.raises(ValueError, match="2 confidences, 3 answers"):
        reliability(np.array([0.5, 0.5]), np.array([True, True, False]))


def test_honest_models_score_what_finite_bins_leave():
    errors = []
    for seed in range(40):
        logits, targets = honest(600, seed=seed)
        errors.append(expected_calibration_error(top_confidence(logits), logits.argmax(axis=1) == targets))
    # The docstring's rule of thumb, sqrt(10 / 600) / 3 = .043, within a quarter.
    assert np.mean(errors) == pytest.approx(0.043, rel=0.25)


def test_risk_coverage_by_hand():
    confidence, correct = np.array([0.9, 0.6, 0.8, 0.6]), np.array([True, True, False, False])
    found = risk_coverage(confidence, correct)
    assert found.coverage.tolist() == [0.25, 0.5, 1]  # the two songs at .6 are answered together
    assert found.risk.tolist() == [0, 0.5, 0.5]
    assert found.area == pytest.approx(0.25 * 0 + 0.25 * 0.5 + 0.5 * 0.5, abs=1e-12)
    assert (found.accuracy_at(0.2), found.accuracy_at(0.5), found.accuracy_at(0.6)) == (1, 0.5, 0.5)


def test_threshold_for_an_accuracy_keeps_it_on_other_songs():
    assert abstention_threshold(np.array([0.9, 0.6, 0.8]), np.array([True, False, True]), accuracy=0.9) == 0.8
    assert abstention_threshold(np.array([0.9, 0.6]), np.array([False, False]), accuracy=0.9) == float("inf")
    logits, targets = honest(40_000)
    confidence, correct = top_confidence(logits), logits.argmax(axis=1) == targets
    threshold = abstention_threshold(confidence[:20_000], correct[:20_000], accuracy=0.8)
    answered = confidence[20_000:] >= threshold
    assert 0.2 < answered.mean() < 0.9
    # Four standard errors of a share of some ten thousand songs, on either half.
    assert correct[20_000:][answered].mean() == pytest.approx(0.8, abs=0.02)
