"""Calibration of probabilities: temperature, reliability, Brier score, and abstention when unsure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

TEMPERATURE_LOG_BOUNDS = (-5.0, 5.0)
N_BINS = 10

Logits = Float[np.ndarray, "songs labels"]
Probabilities = Float[np.ndarray, "songs labels"]
Targets = Int[np.ndarray, " songs"]
Confidence = Float[np.ndarray, " songs"]
Correct = Bool[np.ndarray, " songs"]


@dataclass(frozen=True, eq=False)
class Reliability:
    """Songs in bins of about equally many, from least to most confident."""

    confidence: Float[np.ndarray, " bins"]
    """Mean claimed probability of the answers."""
    accuracy: Float[np.ndarray, " bins"]
    """Share of them that is right."""
    songs: Int[np.ndarray, " bins"]


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Errors among the songs a model still answers when it withholds its least confident answers."""

    coverage: Float[np.ndarray, " thresholds"]
    """Share of songs answered, ascending to 1."""
    risk: Float[np.ndarray, " thresholds"]
    """Share of wrong answers among them."""

    @property
    def area(self) -> float:
        """Mean risk over all coverages, 0 to 1, lower is better (AURC; Geifman & El-Yaniv 2017)."""
        return float(np.average(self.risk, weights=np.diff(self.coverage, prepend=0.0)))

    def accuracy_at(self, coverage: float) -> float:
        """Accuracy when at least this share of the songs is answered."""
        return float(1 - self.risk[np.searchsorted(self.coverage, coverage - 1e-9)])


def fit_temperature(logits: Logits, targets: Targets) -> float:
    """Number to divide logits by so that these songs get the highest likelihood; above 1 means overconfident logits.

    Fit it on validation songs; fitted on test songs it would leak.

    Raises:
        ValueError: no songs, or a target without logits.

    Source: Guo et al. 2017, "On calibration of modern neural networks".
    """
    _check(logits, targets)
    best = minimize_scalar(
        lambda log: negative_log_likelihood(logits / np.exp(log), targets),
        bounds=TEMPERATURE_LOG_BOUNDS,
        method="bounded",
    )
    return float(np.exp(best.x))


def negative_log_likelihood(logits: Logits, targets: Targets) -> float:
    """Mean -log of the probability given to the true label, in nats.

    Raises:
        ValueError: no songs, or a target without logits.
    """
    _check(logits, targets)
    log_probs = log_softmax(np.asarray(logits, dtype=float), axis=1)
    return -float(np.take_along_axis(log_probs, targets[:, None], axis=1).mean())


def brier_score(probs: Probabilities, targets: Targets) -> float:
    """Mean squared distance of the probabilities from the truth, summed over labels: 0 (sure and right) to 2.

    Raises:
        ValueError: no songs, a target without a probability, or rows that do not sum to 1.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    _check(probs, targets)
    # 1e-4: a softmax of float32 logits
    if not np.allclose(probs.sum(axis=1), 1, atol=1e-4):
        raise ValueError("probabilities of a song do not sum to 1; take the softmax of logits first")
    truth = np.eye(probs.shape[1])[targets]
    return float(((probs - truth) ** 2).sum(axis=1).mean())


def reliability(confidence: Confidence, correct: Correct, n_bins: int = N_BINS) -> Reliability:
    """Claimed and true accuracy in bins of equal mass.

    Args:
        confidence: probability of the answered label, 0 to 1.
        n_bins: fewer where there are fewer songs.

    Raises:
        ValueError: no songs or different lengths.

    Source: equal mass instead of equal width after Nixon et al. 2019, "Measuring calibration in deep learning": no bin
    is empty, and none rests on three songs.
    """
    if not len(confidence) == len(correct) > 0:
        raise ValueError(f"{len(confidence)} confidences, {len(correct)} answers; give one of each per song")
    order = np.argsort(confidence, kind="stable")
    bins = np.array_split(order, min(n_bins, len(order)))
    return Reliability(
        confidence=np.array([confidence[songs].mean() for songs in bins]),
        accuracy=np.array([correct[songs].mean() for songs in bins]),
        songs=np.array([len(songs) for songs in bins]),
    )


def expected_calibration_error(confidence: Confidence, correct: Correct, n_bins: int = N_BINS) -> float:
    """Mean distance of claimed from true accuracy over bins of equal mass, 0 to 1.

    A perfectly calibrated model scores above 0 too, by about `sqrt(n_bins / songs) / 3`: bins are finite.

    Raises:
        ValueError: no songs or different lengths.

    Source: Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning".
    """
    found = reliability(confidence, correct, n_bins)
    return float(np.average(np.abs(found.accuracy - found.confidence), weights=found.songs))


def risk_coverage(confidence: Confidence, correct: Correct) -> RiskCoverage:
    """Risk at every coverage that a threshold on confidence can reach; songs that tie are answered together.

    Raises:
        ValueError: no songs or different lengths.

    Source: El-Yaniv & Wiener 2010, "On the foundations of noise-free selective classification".
    """
    if not len(confidence) == len(correct) > 0:
        raise ValueError(f"{len(confidence)} confidences, {len(correct)} answers; give one of each per song")
    order = np.argsort(-confidence, kind="stable")
    last_of_tie = np.append(np.diff(confidence[order]) != 0, True)
    answered = np.arange(1, len(order) + 1)[last_of_tie]
    wrong = np.cumsum(~correct[order])[last_of_tie]
    return RiskCoverage(coverage=answered / len(order), risk=wrong / answered)


def abstention_threshold(confidence: Confidence, correct: Correct, accuracy: float) -> float:
    """Least confidence at which answers are this accurate; below it the model says that no mood fits.

    Choose it on validation songs. Infinite if no threshold reaches the accuracy: then nothing is answered.

    Raises:
        ValueError: no songs or different lengths.
    """
    found = risk_coverage(confidence, correct)
    good = np.flatnonzero(1 - found.risk >= accuracy)
    if not len(good):
        return float("inf")
    answered = round(found.coverage[good[-1]] * len(confidence))
    return float(np.sort(confidence)[::-1][answered - 1])


def guessing_threshold(confidence: Confidence, correct: Correct, base_rate: float) -> float:
    """Confidence below which answers are right no more often than a guess; 0: never, 1: always.

    Choose it on validation songs. The largest set of least confident songs is taken that is as bad as that.

    Args:
        base_rate: share of songs that the most frequent label gets right.

    Raises:
        ValueError: no songs or different lengths.
    """
    if not len(confidence) == len(correct) > 0:
        raise ValueError(f"{len(confidence)} confidences, {len(correct)} answers; give one of each per song")
    order = np.argsort(confidence, kind="stable")
    accuracy = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    bad = np.flatnonzero(accuracy <= base_rate)
    if not len(bad):
        return 0.0
    above = bad[-1] + 1
    return float(confidence[order[above]]) if above < len(order) else 1.0


def top_confidence(logits: Logits, temperature: float | Sequence[float] = 1.0) -> Confidence:
    """Probability of the most likely label after scaling; `temperature` one number, or one a song."""
    scaled = np.asarray(logits, dtype=float) / np.reshape(temperature, (-1, 1))
    return softmax(scaled, axis=1).max(axis=1)


def _check(scores: np.ndarray, targets: np.ndarray) -> None:
    if not len(scores) == len(targets) > 0:
        raise ValueError(f"{len(scores)} rows of scores, {len(targets)} targets; give one of each per song")
    if targets.min() < 0 or targets.max() >= scores.shape[1]:
        raise ValueError(f"targets run from {targets.min()} to {targets.max()}, scores are of {scores.shape[1]} labels")
