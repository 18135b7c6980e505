"""Scores of tags: how well songs that have a tag are ranked above those that have not, and F1 of decisions.

Songs may be weighted, and many weightings scored at once: a song that a bootstrap drew twice weighs 2. A tag that no
song has, or (for ROC-AUC) every song, has no score: NaN, ignored by `macro`.
"""

import numpy as np
from jaxtyping import Bool, Float

Truth = Float[np.ndarray, "songs tags"]
"""1 has the tag, 0 has not; no NaN."""
Scores = Float[np.ndarray, "songs tags"]
"""Higher is more likely: logits or probabilities."""
Decisions = Bool[np.ndarray, "songs tags"]
Weights = Float[np.ndarray, "resamples songs"]
ByTag = Float[np.ndarray, "resamples tags"]


def roc_auc(truth: Truth, scores: Scores, weights: Weights | None = None) -> ByTag:
    """Chance that a song with the tag is scored above one without; equal scores count half.

    Source: Hanley & McNeil 1982, "The meaning and use of the area under a ROC curve"; scikit-learn's `roc_auc_score`.

    Raises:
        ValueError: shapes that differ, targets other than 0 and 1, scores that are not finite.
    """
    weights = _checked(truth, scores, weights)
    columns = [_roc_auc(*_ranked(truth[:, tag], scores[:, tag], weights)) for tag in range(truth.shape[1])]
    return np.stack(columns, axis=1)


def pr_auc(truth: Truth, scores: Scores, weights: Weights | None = None) -> ByTag:
    """Average precision: the mean over songs with the tag of the precision among all songs scored as high.

    Not interpolated, for a straight line between points of a precision-recall curve is too optimistic (Davis &
    Goadrich 2006); scikit-learn's `average_precision_score`, and the PR-AUC of MTG-Jamendo's published results.

    Raises:
        ValueError: as `roc_auc`.
    """
    weights = _checked(truth, scores, weights)
    columns = [_average_precision(*_ranked(truth[:, tag], scores[:, tag], weights)) for tag in range(truth.shape[1])]
    return np.stack(columns, axis=1)


def tag_f1(truth: Truth, decisions: Decisions, weights: Weights | None = None) -> ByTag:
    """F1 of each tag; 0 where a tag is never given, NaN where no song has it.

    Raises:
        ValueError: as `roc_auc`.
    """
    weights = _checked(truth, decisions.astype(float), weights)
    both, has, given = weights @ (truth * decisions), weights @ truth, weights @ decisions.astype(float)
    return np.where(has > 0, 2 * both / np.maximum(has + given, np.finfo(float).tiny), np.nan)


def macro(by_tag: ByTag) -> Float[np.ndarray, " resamples"]:
    """Mean over the tags that have a score; every tag weighs the same.

    Raises:
        ValueError: no tag has one.
    """
    scored = ~np.isnan(by_tag)
    if not scored.any(axis=1).all():
        raise ValueError("no song has any of the tags, so there is nothing to score; test on more songs")
    return np.where(scored, by_tag, 0.0).sum(axis=1) / scored.sum(axis=1)


def chance_pr_auc(truth: Truth) -> ByTag:
    """Expected `pr_auc` of songs in random order: for a rare tag on few songs well above its share of them.

    Source: Bestgen 2015, "Exact expected average precision of the random baseline for system evaluation".
    """
    songs, positives = len(truth), truth.sum(axis=0)
    harmonic = (1 / np.arange(1, songs + 1)).sum()
    expected = (harmonic + (positives - 1) / max(songs - 1, 1) * (songs - harmonic)) / songs
    return np.where(positives > 0, expected, np.nan)[None]


def _checked(truth: Truth, scores: np.ndarray, weights: Weights | None) -> Weights:
    if truth.shape != scores.shape or truth.ndim != 2 or not truth.size:
        raise ValueError(f"targets of shape {truth.shape}, scores {scores.shape}; give one of each a song and tag")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("targets are not all 0 or 1; leave out songs whose tags are not known")
    if not np.isfinite(scores).all():
        raise ValueError("scores are not finite; training diverged, lower the learning rate")
    return np.ones((1, len(truth))) if weights is None else weights


def _ranked(truth: np.ndarray, scores: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights of songs with and without the tag, best score first, and for each the last place with an equal score."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    last_of_tie = ends[np.searchsorted(ends, np.arange(len(order)))]
    has = truth[order] == 1
    sorted_weights = weights[:, order]
    return sorted_weights * has, sorted_weights * ~has, last_of_tie


def _roc_auc(with_tag: np.ndarray, without: np.ndarray, last_of_tie: np.ndarray) -> np.ndarray:
    above = without.cumsum(axis=1)  # (resamples, songs)
    at_or_above = above[:, last_of_tie]
    first_of_tie = np.searchsorted(last_of_tie, last_of_tie)
    strictly_above = np.where(first_of_tie > 0, above[:, first_of_tie - 1], 0.0)
    total = above[:, -1:]
    below = total - (at_or_above + strictly_above) / 2
    pairs = with_tag.sum(axis=1) * total[:, 0]
    return _ratio((with_tag * below).sum(axis=1), pairs)


def _average_precision(with_tag: np.ndarray, without: np.ndarray, last_of_tie: np.ndarray) -> np.ndarray:
    found = with_tag.cumsum(axis=1)[:, last_of_tie]  # (resamples, songs)
    listed = found + without.cumsum(axis=1)[:, last_of_tie]
    precision = found / np.maximum(listed, np.finfo(float).tiny)  # where nothing is listed the song weighs nothing
    return _ratio((with_tag * precision).sum(axis=1), with_tag.sum(axis=1))


def _ratio(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    return np.where(denominators > 0, numerators / np.where(denominators > 0, denominators, 1), np.nan)
