"""Scores of single-label predictions: arrays in, floats out.

Each metric exists twice: for targets and predictions, and as `confusion_*` for confusion matrices of any leading shape,
so that ten thousand resamples are scored at once.
"""

import numpy as np
from jaxtyping import Float, Int, Num

Labels = Int[np.ndarray, " songs"]
Confusions = Num[np.ndarray, "*resamples labels labels"]
Scores = Float[np.ndarray, "*resamples"]


def confusion_matrix(targets: Labels, predictions: Labels, n_labels: int) -> Int[np.ndarray, "labels labels"]:
    """Songs by true label (row) and predicted label (column).

    Raises:
        ValueError: no songs, different lengths, not integers, or a label outside 0 .. n_labels - 1.
    """
    check_labels("targets", targets, n_labels)
    check_labels("predictions", predictions, n_labels)
    if len(targets) != len(predictions):
        raise ValueError(f"{len(targets)} targets but {len(predictions)} predictions; give one of each per song")
    cells = np.asarray(targets, dtype=np.int64) * n_labels + predictions
    return np.bincount(cells, minlength=n_labels**2).reshape(n_labels, n_labels)


def accuracy(targets: Labels, predictions: Labels) -> float:
    """Share of songs whose mood is right."""
    return float(confusion_accuracy(_confusion_of_used_labels(targets, predictions)))


def balanced_accuracy(targets: Labels, predictions: Labels) -> float:
    """Mean recall over the labels that occur in `targets`."""
    return float(confusion_balanced_accuracy(_confusion_of_used_labels(targets, predictions)))


def macro_f1(targets: Labels, predictions: Labels) -> float:
    """Mean F1 over the labels that occur in `targets` or `predictions`; a label that is never right counts 0.

    The rule of scikit-learn's `f1_score(average="macro", zero_division=0)`.
    """
    return float(confusion_macro_f1(_confusion_of_used_labels(targets, predictions)))


def majority_accuracy(targets: Labels) -> float:
    """Accuracy of always answering the most frequent label: what a model has to beat."""
    check_labels("targets", targets, n_labels=int(np.max(targets, initial=0)) + 1)
    return float(np.bincount(targets).max() / len(targets))


def confusion_accuracy(confusions: Confusions) -> Scores:
    """Accuracy of each confusion matrix (rows true)."""
    return _correct(confusions).sum(axis=-1) / confusions.sum(axis=(-2, -1))


def confusion_balanced_accuracy(confusions: Confusions) -> Scores:
    """Balanced accuracy of each confusion matrix (rows true)."""
    return _mean_ratio(_correct(confusions), confusions.sum(axis=-1))


def confusion_macro_f1(confusions: Confusions) -> Scores:
    """Macro-F1 of each confusion matrix (rows true)."""
    return _mean_ratio(2 * _correct(confusions), confusions.sum(axis=-1) + confusions.sum(axis=-2))


def check_labels(name: str, labels: Labels, n_labels: int) -> None:
    """Refuse labels that are not one integer 0 .. n_labels - 1 per song.

    Raises:
        ValueError: says what stands there instead.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels):
        raise ValueError(f"{name} of shape {labels.shape}: give one label per song and at least one song")
    if labels.dtype.kind not in "iu":
        raise ValueError(f"{name} are {labels.dtype}; give integer label numbers (of logits: their argmax)")
    if labels.min() < 0 or labels.max() >= n_labels:
        raise ValueError(f"{name} run from {labels.min()} to {labels.max()}; {n_labels} labels are 0 .. {n_labels - 1}")


def _confusion_of_used_labels(targets: Labels, predictions: Labels) -> Int[np.ndarray, "labels labels"]:
    n_labels = int(max(np.max(targets, initial=0), np.max(predictions, initial=0))) + 1
    return confusion_matrix(targets, predictions, n_labels)


def _correct(confusions: Confusions) -> np.ndarray:
    return np.diagonal(confusions, axis1=-2, axis2=-1)


def _mean_ratio(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    """Mean over the last axis of the ratios whose denominator is not zero."""
    occurs = denominators > 0
    ratios = np.where(occurs, numerators / np.where(occurs, denominators, 1), 0.0)
    return ratios.sum(axis=-1) / occurs.sum(axis=-1)
