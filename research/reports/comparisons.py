"""Which model is better than a reference, by how much, and how sure that is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from research.evaluation.significance import TTest, artist_permutation, corrected_resampled_t_test, holm, mcnemar
from research.evaluation.statistics import Interval, percentile_interval
from research.metrics.moods import confusion_accuracy
from research.reports.scores import ACCURACY, METRICS, ModelScore, fold_confusions

SIDES = frozenset({"audio", "lyrics"})
SIGNIFICANCE = 0.05
"""Of Holm-adjusted p-values."""


@dataclass(frozen=True)
class MetricDifference:
    """A model's score minus the reference's in one metric."""

    interval: Interval
    """Bootstrap over the artists both were tested on."""
    p: float
    """Two-sided, swapping artists between the two models."""
    p_holm: float
    """Adjusted for all comparisons of the report in this metric."""

    @property
    def significant(self) -> bool:
        return self.p_holm < SIGNIFICANCE


@dataclass(frozen=True, eq=False)
class Comparison:
    """A model against a reference on the same songs."""

    model: ModelScore
    reference: ModelScore
    metrics: Mapping[str, MetricDifference]
    """By the keys of `METRICS`."""
    mcnemar_p: float | None
    """Exact, over songs; None where either has several seeds."""
    over_trainings: TTest | None
    """Accuracy over folds and seeds, which counts the noise of training; None without folds that both were run on."""
    picked_from: int
    """Among how many models the reference was the most accurate on these very songs; 1 where it was named."""

    @property
    def accuracy(self) -> MetricDifference:
        return self.metrics[ACCURACY]

    @property
    def macro_f1(self) -> MetricDifference:
        return self.metrics["macro_f1"]


def compare_models(scores: Sequence[ModelScore], reference: str | None = None) -> list[Comparison]:
    """Every model against a reference, within each protocol; models with other test songs are left out.

    Args:
        reference: a model's name; by default the model with the best accuracy among those of a single side, or among
            all where there is none. Having been picked on the same test songs, that one is slightly flattered, so a
            gain over it is not.

    Raises:
        ValueError: no model is called `reference`.
    """
    if reference is not None and reference not in {score.name for score in scores}:
        raise ValueError(f"no model {reference!r}; choose one of {sorted({score.name for score in scores})}")
    pairs, p_values = [], [np.empty((0, len(METRICS)))]
    for protocol in dict.fromkeys(score.protocol for score in scores):
        rivals = [score for score in scores if score.protocol == protocol]
        candidates = _candidates(rivals, reference)
        if not candidates:
            continue
        best = max(candidates, key=lambda score: score.accuracy.estimate)
        same = [score for score in rivals if score is not best and score.track_ids == best.track_ids]
        confusions = [(score.confusions(), best.confusions()) for score in same]
        pairs += [(score, best, len(candidates)) for score in same]
        p_values.append(artist_permutation(confusions, [metric.of for metric in METRICS.values()]))
    p = np.concatenate(p_values)
    adjusted = np.stack([holm(column) for column in p.T], axis=1)
    return [_comparison(*pair, *found) for pair, *found in zip(pairs, p, adjusted, strict=True)]


def reference_sentences(comparisons: Sequence[Comparison]) -> list[str]:
    """What it does to the differences that a reference was picked among several for its accuracy."""
    picked = {found.reference.protocol: found for found in comparisons if found.picked_from > 1}
    sentences = []
    for protocol, found in picked.items():
        name = found.reference.name
        kind = "of one modality" if is_single_side(name) else "to choose from"
        sentences.append(
            f"{name} ({protocol}) is the reference, the most accurate of {found.picked_from} models {kind} on these "
            "very songs: that flatters it, so a lead of its own comes out somewhat too large, a gain over it too small"
        )
    return sentences


def not_compared(scores: Sequence[ModelScore], comparisons: Sequence[Comparison]) -> list[str]:
    """A sentence on each model that was tested on other songs than its protocol's reference."""
    references = {found.reference.protocol: found.reference for found in comparisons}
    compared = {id(score) for found in comparisons for score in (found.model, found.reference)}
    return [
        f"{score.name} ({score.protocol}) is not compared: it was tested on {len(score.track_ids)} songs, "
        f"{references[score.protocol].name} on {len(references[score.protocol].track_ids)}"
        for score in scores
        if score.protocol in references and id(score) not in compared
    ]


def is_single_side(name: str) -> bool:
    """Does a model's name hold exactly one of the words "audio" and "lyrics", as "lyrics-tfidf" does?"""
    return len(SIDES & set(re.split(r"[\W_]+", name))) == 1


def _candidates(rivals: Sequence[ModelScore], name: str | None) -> list[ModelScore]:
    """Models that may be the reference; none where `name` was not run under this protocol."""
    if name is not None:
        return [score for score in rivals if score.name == name]
    candidates = [score for score in rivals if is_single_side(score.name)] or list(rivals)
    candidates = [score for score in candidates if score.fair] or candidates
    most = max(len(score.track_ids) for score in candidates)
    return [score for score in candidates if len(score.track_ids) == most]


def _comparison(
    model: ModelScore, reference: ModelScore, picked_from: int, p: np.ndarray, p_holm: np.ndarray
) -> Comparison:
    metrics = {}
    for number, name in enumerate(METRICS):
        estimate = model.metrics[name].estimate - reference.metrics[name].estimate
        interval = percentile_interval(estimate, model.draws[number] - reference.draws[number])
        metrics[name] = MetricDifference(interval, float(p[number]), float(p_holm[number]))
    return Comparison(
        model=model,
        reference=reference,
        metrics=metrics,
        mcnemar_p=_mcnemar(model, reference),
        over_trainings=_over_trainings(model, reference),
        picked_from=picked_from,
    )


def _mcnemar(model: ModelScore, reference: ModelScore) -> float | None:
    if len(model.seeds) > 1 or len(reference.seeds) > 1:
        return None
    right, other = (score.predictions[0] == score.targets for score in (model, reference))
    return mcnemar(int((right & ~other).sum()), int((other & ~right).sum()))


def _over_trainings(model: ModelScore, reference: ModelScore) -> TTest | None:
    seeds = [seed for seed in model.seeds if seed in reference.seeds]
    of_model, of_reference = ([score.seeds.index(seed) for seed in seeds] for score in (model, reference))
    folds = model.folds[of_model]
    same_folds = np.array_equal(folds, reference.folds[of_reference])
    if not seeds or not same_folds or model.test_to_train is None or reference.test_to_train is None:
        return None
    by_fold = [
        confusion_accuracy(fold_confusions(score.targets, score.predictions[rows], folds, len(score.labels)))
        for score, rows in ((model, of_model), (reference, of_reference))
    ]
    differences = by_fold[0] - by_fold[1]  # (seeds, folds)
    if (folds == folds[0]).all():
        # The same folds trained again are no further folds.
        differences = differences.mean(axis=0)
    # Of two models trained on unlike numbers of songs the ratio of the fewer: the wider interval.
    return corrected_resampled_t_test(differences.ravel(), max(model.test_to_train, reference.test_to_train))
