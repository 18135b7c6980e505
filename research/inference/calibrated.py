"""Calibration on a run's validation songs: temperature, the confidence level of mere guesses, tag thresholds.

A run folder has those songs' logits; an exported folder has only what was fitted on them. A model of all songs has in
their place what its cross-validation answered.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.evaluation.calibration import fit_temperature, guessing_threshold, top_confidence
from research.evaluation.thresholds import tune_thresholds
from research.metrics.moods import majority_accuracy
from research.metrics.scoring import answered_moods, answered_tags, mood_known
from research.runs import RunFolder

KEY = "calibration"
"""Key in config.json of an exported folder."""
TEST_SONGS = "test_songs"
HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """How to turn logits into an answer."""

    temperature: float = 1.0
    """Of the moods' logits."""
    least_confidence: float = 0.0
    """Below, validation songs were answered no better than by the most frequent mood."""
    tag_thresholds: tuple[float, ...] = ()
    """Decision threshold of each tag; one half if validation songs cannot determine it."""
    songs: int = 0
    """Number of validation songs used; 0: nothing was fitted."""


def read_calibration(run: RunFolder) -> Calibrated:
    """The calibration stored in an exported folder, or fitted on a run's validation songs; neutral if there are none.

    A run whose epoch was selected on test songs has none, because its validation songs are the test songs.
    """
    if KEY in run.config:
        values = run.config[KEY]
        return Calibrated(**{**values, "tag_thresholds": tuple(values["tag_thresholds"])})
    n_tags = len(run.config.get("tags", ()))
    neutral = Calibrated(tag_thresholds=(HALF,) * n_tags)
    if not run.finished or run.config.get("selected_on") == "test":
        return neutral
    frame = pd.read_parquet(run.path / "predictions.parquet", columns=["split", "target", "logits"])
    frame = frame[frame["split"] == "valid"]
    if frame.empty:
        return neutral
    targets, logits = (np.stack(frame[column].to_list()) for column in ("target", "logits"))
    return _fitted(targets, logits, len(run.config["labels"]), n_tags)


def test_songs(run: RunFolder) -> list[str]:
    """Ids of the songs a run was tested on, which an exported folder lists; empty where the run is unfinished."""
    if TEST_SONGS in run.config:
        return run.config[TEST_SONGS]
    if not run.finished:
        return []
    frame = pd.read_parquet(run.path / "predictions.parquet", columns=["track_id", "split"])
    return frame.loc[frame["split"] == "test", "track_id"].to_list()


def _fitted(targets: np.ndarray, logits: np.ndarray, n_moods: int, n_tags: int) -> Calibrated:
    temperature, least, thresholds = 1.0, 0.0, (HALF,) * n_tags
    if n_moods:
        known = mood_known(targets)
        moods, guesses = answered_moods(targets, logits, n_tags)
        of_moods = logits[known, :n_moods]
        temperature = fit_temperature(of_moods, moods)
        confidence, correct = top_confidence(of_moods, temperature), guesses == moods
        least = guessing_threshold(confidence, correct, majority_accuracy(moods))
    if n_tags:
        truth, answers = answered_tags(targets, logits, n_tags)
        if truth.any():
            thresholds = tuple(tune_thresholds(truth, 1 / (1 + np.exp(-answers.astype(float)))).tolist())
    return Calibrated(temperature=temperature, least_confidence=least, tag_thresholds=thresholds, songs=len(targets))
