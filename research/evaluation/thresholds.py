"""From scores to decisions: tag thresholds, tuned on validation songs only.

At the usual threshold of one half a rare tag is hardly ever predicted, however well its songs are ranked.
"""

import numpy as np
from jaxtyping import Float

from research.metrics.tags import Scores, Truth

Thresholds = Float[np.ndarray, " tags"]


def tune_thresholds(truth: Truth, scores: Scores) -> Thresholds:
    """Threshold of each tag (predicted if `scores >= threshold`) with the best F1 on these songs.

    A tag that no song has gets the single threshold that is best for all tags together (micro-F1). Ties go to the
    higher threshold; a threshold lies halfway between two songs' scores.

    Args:
        truth: of validation songs; tuned on test songs, thresholds would leak.

    Raises:
        ValueError: no song has any of the tags.

    Source: Lipton, Elkan & Narayanaswamy 2014, "Optimal thresholding of classifiers to maximize F1 measure".
    """
    if not truth.any():
        raise ValueError("no validation song has any of the tags; validate on more songs to tune thresholds")
    shared = _best_threshold(truth.ravel(), scores.ravel())
    tuned = [_best_threshold(truth[:, tag], scores[:, tag]) for tag in np.flatnonzero(truth.any(axis=0))]
    thresholds = np.full(truth.shape[1], shared)
    thresholds[truth.any(axis=0)] = tuned
    return thresholds


def _best_threshold(truth: np.ndarray, scores: np.ndarray) -> float:
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # last song of each distinct score
    f1 = 2 * truth[order].cumsum()[ends] / (truth.sum() + ends + 1)
    best = int(f1.argmax())
    last = float(scores[order[ends[best]]])
    return last if best + 1 == len(ends) else (last + float(scores[order[ends[best + 1]]])) / 2
