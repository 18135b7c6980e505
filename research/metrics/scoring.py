"""Scores of a model's answers according to its task: one mood per song, tags, or both."""

import numpy as np
from jaxtyping import Bool, Float

from research.labels import Targets
from research.metrics.moods import accuracy, balanced_accuracy, macro_f1
from research.metrics.tags import macro, pr_auc, roc_auc

Logits = Float[np.ndarray, "songs labels"]
MOOD_METRICS = (accuracy, balanced_accuracy, macro_f1)
TAG_METRICS = (pr_auc, roc_auc)


def score_answers(targets: Targets, logits: Logits, n_tags: int) -> dict[str, float]:
    """Mood scores and macro averages of tag scores, by name; songs whose labels are not known are left out.

    Args:
        targets: positions of moods, or 0, 1 and NaN for each label (`research.labels.target_array`).
        n_tags: the last so many labels are tags.

    Raises:
        ValueError: nothing to score: no song with a known mood, or none that has any of the tags.
    """
    scores: dict[str, float] = {}
    if n_tags < logits.shape[1]:
        moods, guesses = answered_moods(targets, logits, n_tags)
        scores |= {score.__name__: score(moods, guesses) for score in MOOD_METRICS}
    if n_tags:
        truth, answers = answered_tags(targets, logits, n_tags)
        scores |= {score.__name__: float(macro(score(truth, answers)).item()) for score in TAG_METRICS}
    return scores


def answered_moods(targets: Targets, logits: Logits, n_tags: int) -> tuple[np.ndarray, np.ndarray]:
    """True and answered mood of each song whose mood is known."""
    n_moods, known = logits.shape[1] - n_tags, mood_known(targets)
    moods = targets if targets.ndim == 1 else targets[:, :n_moods].argmax(axis=1)
    return moods[known], logits[known, :n_moods].argmax(axis=1)


def mood_known(targets: Targets) -> Bool[np.ndarray, " songs"]:
    """Which songs somebody gave a mood."""
    return targets >= 0 if targets.ndim == 1 else ~np.isnan(targets[:, 0])


def answered_tags(targets: Targets, logits: Logits, n_tags: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth (0 or 1) and logits of the tags of each song that somebody has tagged."""
    truth, answers = targets[:, -n_tags:], logits[:, -n_tags:]
    known = ~np.isnan(truth).any(axis=1)
    return truth[known], answers[known]
