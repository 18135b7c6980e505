"""Scores as the tables of a paper: unrounded to compute with, rounded to print, with everything a reader must know."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd

from research.evaluation.significance import N_PERMUTATIONS
from research.evaluation.statistics import N_RESAMPLES, Interval
from research.reports.comparisons import Comparison, MetricDifference
from research.reports.formats import NONE, interval, p_equals, p_value, points, share, short_commit, signed
from research.reports.marks import MEANINGS, Mark
from research.reports.published import PublishedScore
from research.reports.scores import ACCURACY, METRICS, ModelScore

BALANCED = "balanced"
Value = TypeVar("Value")
DIFFERENT = "different data/protocol"
SIGNIFICANT = "*"


def comparison_table(scores: Sequence[ModelScore]) -> pd.DataFrame:
    """One row per model and protocol, numbers unrounded; the corpus is in every row, and said to be synthetic if so."""
    return pd.DataFrame(
        [
            {
                "model": score.name,
                "protocol": score.protocol,
                "corpus": corpus_name(score),
                "songs": len(score.targets),
                "artists": len(set(score.artists)),
                "folds": score.n_folds,
                "seeds": len(score.seeds),
                **_by_metric(score.metrics, _columns),
                "balanced_accuracy": score.balanced_accuracy,
                "majority_accuracy": score.majority_accuracy,
                "accuracy_sd_seed": score.spread.seed,
                "accuracy_sd_fold": score.spread.fold,
                "accuracy_sd_songs": score.spread.songs,
                "parameters": score.parameters,
                "train_s": score.train_s,
                "commit": " ".join(score.commits),
                "notes": "; ".join(score.notes),
            }
            for score in scores
        ]
    )


def differences_table(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """One row per comparison, unrounded, shares of 1."""
    return pd.DataFrame(
        [
            {
                "model": found.model.name,
                "reference": found.reference.name,
                "protocol": found.model.protocol,
                "corpus": corpus_name(found.model),
                "songs": len(found.model.targets),
                **_by_metric(found.metrics, _difference_columns),
                "accuracy_p_mcnemar": found.mcnemar_p,
                "accuracy_p_over_trainings": found.over_trainings.p if found.over_trainings else None,
            }
            for found in comparisons
        ]
    )


def display_table(
    scores: Sequence[ModelScore], comparisons: Sequence[Comparison] = (), published: Sequence[PublishedScore] = ()
) -> pd.DataFrame:
    """The scores as printed: shares with three decimals, intervals in brackets, marks; below them published numbers."""
    different = {id(found.model): found for found in comparisons}
    rows = [_display_row(score, different.get(id(score))) for score in scores]
    rows += [
        (
            score.model,
            DIFFERENT,
            str(score.songs),
            NONE,
            *(NONE if value is None else share(value) for value in map(score.metrics.get, METRICS)),
            NONE,
            NONE if score.majority is None else share(score.majority),
        )
        for score in published
    ]
    header = ["model", "protocol", "songs", "seeds", *map(_column, METRICS), BALANCED, "majority"]
    return pd.DataFrame(rows, columns=header)


def best_cells(scores: Sequence[ModelScore], table: pd.DataFrame) -> pd.DataFrame:
    """Which cells of the printed table are the best of their protocol, among models that nothing flatters."""
    bold = pd.DataFrame(False, index=table.index, columns=table.columns)
    for protocol in {score.protocol for score in scores}:
        fair = [row for row, score in enumerate(scores) if score.protocol == protocol and score.fair]
        if len(fair) < 2:
            continue
        measured = {_column(name): [scores[row].metrics[name].estimate for row in fair] for name in METRICS}
        measured[BALANCED] = [scores[row].balanced_accuracy for row in fair]
        for column, exact in measured.items():
            # As printed: a reader must not wonder why one of two equal numbers is bold.
            values = np.array(exact).round(3)
            bold.loc[np.array(fair)[np.isclose(values, values.max())], column] = True
    return bold


def difference_rows(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """The comparisons as printed: differences in points with 95 % interval, the tests' p-values."""
    rows = [
        (
            f"{found.model.marked_name} \N{MINUS SIGN} {found.reference.marked_name}",
            found.model.protocol,
            *(cell for difference in found.metrics.values() for cell in _difference_cells(difference)),
            NONE if found.mcnemar_p is None else p_value(found.mcnemar_p),
            NONE if found.over_trainings is None else p_value(found.over_trainings.p),
        )
        for found in comparisons
    ]
    by_metric = [cell for metric in METRICS.values() for cell in (metric.title, f"p {metric.title} (Holm)")]
    return pd.DataFrame(rows, columns=["difference", "protocol", *by_metric, "McNemar", "over folds"])


def difference_sentence(found: Comparison, n_comparisons: int) -> str:
    """A comparison in words, differences in points (hundredths)."""
    model, reference, accuracy = found.model, found.reference, found.accuracy
    parts = [
        f"{points(METRICS[name].title, difference.interval)}, {_p(difference, n_comparisons)}"
        for name, difference in found.metrics.items()
    ]
    if not accuracy.significant:
        verdict = f"{model.name} and {reference.name} cannot be told apart in accuracy"
    else:
        verb = "beats" if accuracy.interval.estimate > 0 else "is beaten by"
        verdict = f"{model.name} {verb} {reference.name}"
    marked = {mark: [s.name for s in (model, reference) if mark in s.marks] for mark in Mark}
    warnings = [f"{' and '.join(names)}: {MEANINGS[mark]}" for mark, names in marked.items() if names]
    warning = f" [{'; '.join(warnings)}]" if warnings else ""
    return f"{verdict} ({model.protocol}): {'; '.join(parts)}{warning}"


def caption(scores: Sequence[ModelScore], comparisons: Sequence[Comparison] = ()) -> str:
    """Everything a reader needs to judge the table: corpus, protocol, seeds, commit, marks, how intervals were made."""
    resampled = ", ".join(metric.title for name, metric in METRICS.items() if name != ACCURACY)
    return (
        f"{scope(scores)} Means over seeds, which the intervals hold fixed. Accuracy with Wilson interval over songs, "
        f"{resampled} with percentile interval over artists ({N_RESAMPLES:,} resamples). "
        "Majority: accuracy of always answering the most frequent mood. "
        f"{legend(scores, comparisons)}Corpus: {scores[0].corpus['citation']}"
    )


def scope(scores: Sequence[ModelScore]) -> str:
    """What a table or figure stands on: corpus, protocol, songs, seeds, commit."""
    first = scores[0]
    largest = {
        score.protocol: score for score in sorted(scores, key=lambda score: len(score.targets))
    }  # the most complete model of each protocol
    tested = [
        f"protocol {name}: {len(score.targets)} songs by {len(set(score.artists))} artists, {score.n_folds} fold(s)"
        for name, score in sorted(largest.items())
    ]
    seeds = sorted({seed for score in scores for seed in score.seeds})
    commits = sorted({short_commit(commit) for score in scores for commit in score.commits})
    return (
        f"Corpus {corpus_name(first)}, {len(first.labels)} moods; {'; '.join(tested)}; "
        f"seed(s) {', '.join(map(str, seeds))}; commit {', '.join(commits)}."
    )


def legend(scores: Sequence[ModelScore], comparisons: Sequence[Comparison] = ()) -> str:
    """What the marks of these scores mean; empty without any."""
    marks = [f"{mark} {MEANINGS[mark]}. " for mark in Mark if any(mark in score.marks for score in scores)]
    if comparisons:
        references = ", ".join(dict.fromkeys(found.reference.name for found in comparisons))
        marks.append(
            f"{SIGNIFICANT} differs from {references}: p < .05 by {N_PERMUTATIONS:,} permutations of artists, "
            f"Holm-adjusted for {len(comparisons)} comparison(s). "
        )
    return "".join(marks)


def corpus_name(score: ModelScore) -> str:
    return score.corpus["name"] + (" (SYNTHETIC corpus)" if score.corpus["synthetic"] else "")


def _display_row(score: ModelScore, compared: Comparison | None) -> tuple[str, ...]:
    starred = {name for name in METRICS if compared and compared.metrics[name].significant}
    return (
        score.marked_name,
        score.protocol,
        str(len(score.targets)),
        str(len(score.seeds)),
        *(interval(value) + (SIGNIFICANT if name in starred else "") for name, value in score.metrics.items()),
        share(score.balanced_accuracy),
        share(score.majority_accuracy),
    )


def _column(name: str) -> str:
    return f"{METRICS[name].title} [95 %]"


def _by_metric(values: Mapping[str, Value], columns: Callable[[str, Value], dict[str, float]]) -> dict[str, float]:
    return {column: value for name, of_metric in values.items() for column, value in columns(name, of_metric).items()}


def _difference_cells(found: MetricDifference) -> tuple[str, str]:
    at = found.interval
    text = f"{signed(100 * at.estimate)} [{signed(100 * at.low)}, {signed(100 * at.high)}]"
    return text + (SIGNIFICANT if found.significant else ""), f"{p_value(found.p)} ({p_value(found.p_holm)})"


def _p(found: MetricDifference, n_comparisons: int) -> str:
    adjusted = f" (Holm-adjusted {p_value(found.p_holm)})" if n_comparisons > 1 else ""
    return p_equals(found.p) + adjusted


def _columns(name: str, value: Interval) -> dict[str, float]:
    return {name: value.estimate, f"{name}_low": value.low, f"{name}_high": value.high}


def _difference_columns(name: str, found: MetricDifference) -> dict[str, float]:
    return {**_columns(name, found.interval), f"{name}_p": found.p, f"{name}_p_holm": found.p_holm}
