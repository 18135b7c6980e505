"""Pooled models to scores: metrics averaged over seeds, intervals over songs and artists, and what spoils them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from research.evaluation.statistics import (
    ArtistConfusions,
    Interval,
    Metric,
    artist_confusions,
    artist_draws,
    percentile_interval,
    wilson_interval,
)
from research.evaluation.variance import ScoreSpread, score_spread
from research.metrics.moods import (
    confusion_accuracy,
    confusion_balanced_accuracy,
    confusion_macro_f1,
    confusion_matrix,
    majority_accuracy,
)
from research.reports.formats import share
from research.reports.marks import (
    MEANINGS,
    UNFAIR,
    Mark,
    label_sentences,
    leak_notes,
    member_sentences,
    selection_notes,
    settings_notes,
)
from research.reports.pooling import PooledModel, pool_models
from research.reports.predictions import Run

ACCURACY = "accuracy"


@dataclass(frozen=True)
class ReportedMetric:
    """A score of moods as the reports have it."""

    title: str
    """In tables, sentences and figures."""
    of: Metric
    """Finite for any songs, of however few moods."""


METRICS = {
    ACCURACY: ReportedMetric("accuracy", confusion_accuracy),
    "macro_f1": ReportedMetric("macro-F1", confusion_macro_f1),
}
"""What every report resamples, compares, prints and draws, in this order; keys name columns of the CSV files."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelScore:
    """How well one model did under one protocol: folds pooled, metrics averaged over seeds."""

    name: str
    protocol: str
    config: dict[str, Any]
    """Of the first run."""
    corpus: dict[str, Any]
    labels: tuple[str, ...]
    seeds: tuple[int, ...]
    n_folds: int
    track_ids: tuple[str, ...]
    targets: Int[np.ndarray, " songs"]
    predictions: Int[np.ndarray, "seeds songs"]
    logits: Float[np.ndarray, "seeds songs labels"]
    temperatures: Float[np.ndarray, "seeds songs"]
    """Fitted to the validation songs of the run that answered; NaN where it had none."""
    thresholds: Float[np.ndarray, "seeds songs"]
    """Least calibrated confidence at which that run answers, were it to halve its errors on validation songs."""
    folds: Int[np.ndarray, "seeds songs"]
    """In which fold each song was tested."""
    artists: tuple[str, ...]
    metrics: Mapping[str, Interval]
    """By the keys of `METRICS`: accuracy with a Wilson interval over songs, the others a bootstrap over artists."""
    balanced_accuracy: float
    majority_accuracy: float
    draws: Float[np.ndarray, "metrics resamples"]
    """`METRICS`, in their order, on the same resampled artists as any model with these songs, so that draws may be
    subtracted."""
    spread: ScoreSpread
    """Of the accuracy."""
    confusion: Int[np.ndarray, "labels labels"]
    """Rows true; songs summed over seeds."""
    test_to_train: float | None
    """Songs tested over songs trained on, in a fold; None where one fold or not all of them were run."""
    folders: tuple[Path, ...]
    """Of the scored runs, ordered by seed."""
    results: tuple[dict[str, Any], ...]
    """What the training of each cost."""
    parameters: int | None
    train_s: float | None
    """Training time of all scored runs together; None where one did not record it."""
    commits: tuple[str, ...]
    marks: tuple[Mark, ...]
    notes: tuple[str, ...]

    @property
    def accuracy(self) -> Interval:
        return self.metrics[ACCURACY]

    @property
    def macro_f1(self) -> Interval:
        return self.metrics["macro_f1"]

    @property
    def fair(self) -> bool:
        """Nothing known makes the score too high."""
        return not UNFAIR & set(self.marks)

    @property
    def marked_name(self) -> str:
        return self.name + "".join(f" {mark}" for mark in self.marks)

    def confusions(self) -> ArtistConfusions:
        return artist_confusions(self.targets, self.predictions, self.artists, len(self.labels))


def score_models(runs: Sequence[Run]) -> list[ModelScore]:
    """Score each model under each protocol, in the order in which they first appear.

    A model with missing runs is scored on what it has, and marked.

    Raises:
        ValueError: what `research.reports.pooling.pool_models` refuses.
    """
    models = pool_models(runs)
    draws = _draws(models)
    return [_score(model, draws[model.key]) for model in models]


def fold_confusions(
    targets: Int[np.ndarray, " songs"],
    predictions: Int[np.ndarray, "seeds songs"],
    folds: Int[np.ndarray, "seeds songs"],
    n_labels: int,
) -> Int[np.ndarray, "seeds folds labels labels"]:
    """Confusion matrix (rows true) of each seed on each fold, folds ascending."""
    return np.array(
        [
            [confusion_matrix(targets[at == fold], answers[at == fold], n_labels) for fold in np.unique(folds)]
            for answers, at in zip(predictions, folds, strict=True)
        ]
    )


def _draws(models: Sequence[PooledModel]) -> dict[tuple[str, str], np.ndarray]:
    """Resampled metrics by model; artists are drawn once for all models with the same songs."""
    groups: dict[tuple, list[PooledModel]] = {}
    for model in models:
        frame = next(iter(model.frames.values()))
        groups.setdefault((tuple(frame.index), tuple(frame["artist"])), []).append(model)
    found = {}
    for group in groups.values():
        drawn = artist_draws([_confusions(model) for model in group], [metric.of for metric in METRICS.values()])
        _check_finite(drawn)
        found |= {model.key: of_model for model, of_model in zip(group, drawn, strict=True)}
    return found


def _check_finite(draws: Float[np.ndarray, "models metrics resamples"]) -> None:
    for of_metric, metric in zip(draws.swapaxes(0, 1), METRICS.values(), strict=True):
        if not np.isfinite(of_metric).all():
            lacks = f"{metric.title} is no number for some of the resampled artists"
            raise ValueError(f"{lacks}; let it have a value where a mood has no song")


def _confusions(model: PooledModel) -> ArtistConfusions:
    first, predictions = next(iter(model.frames.values())), _stack(model, "prediction")
    n_labels = len(model.runs[0].config["labels"])
    return artist_confusions(first["target"].to_numpy(), predictions, first["artist"].to_list(), n_labels)


def _stack(model: PooledModel, column: str) -> np.ndarray:
    """A column of all seeds, (seeds, songs)."""
    columns = [frame[column].to_numpy() for frame in model.frames.values()]
    return np.stack([np.stack(values) if values.dtype == object else values for values in columns])


def _score(model: PooledModel, draws: np.ndarray) -> ModelScore:
    config, first = model.runs[0].config, next(iter(model.frames.values()))
    targets, predictions, folds = first["target"].to_numpy(), _stack(model, "prediction"), _stack(model, "fold")
    by_seed = _confusions(model).sum(axis=1)  # (seeds, labels, labels)
    accuracies = confusion_accuracy(by_seed)
    by_fold = confusion_accuracy(fold_confusions(targets, predictions, folds, len(config["labels"])))
    seconds = [run.result.get("train_s") for run in model.runs]
    noted = _notes(model, accuracies)
    return ModelScore(
        name=config["name"],
        protocol=config["protocol"],
        config=config,
        corpus=config["corpus"],
        labels=tuple(config["labels"]),
        seeds=tuple(model.frames),
        n_folds=by_fold.shape[1],
        track_ids=tuple(first.index),
        targets=targets,
        predictions=predictions,
        logits=_stack(model, "logits"),
        temperatures=_stack(model, "temperature"),
        thresholds=_stack(model, "threshold"),
        folds=folds,
        artists=tuple(first["artist"]),
        metrics={
            name: percentile_interval(metric.of(by_seed).mean(), of_metric)
            for (name, metric), of_metric in zip(METRICS.items(), draws, strict=True)
        }
        | {ACCURACY: wilson_interval((predictions == targets).mean(axis=0).sum(), len(targets))},
        balanced_accuracy=float(confusion_balanced_accuracy(by_seed).mean()),
        majority_accuracy=majority_accuracy(targets),
        draws=draws,
        spread=score_spread(accuracies, by_fold, draws[list(METRICS).index(ACCURACY)]),
        confusion=by_seed.sum(axis=0),
        test_to_train=_test_to_train(model, len(targets)),
        folders=tuple(run.folder for run in model.runs),
        results=tuple(run.result for run in model.runs),
        parameters=model.runs[0].result.get("parameters"),
        train_s=None if None in seconds else sum(seconds),
        commits=tuple(sorted({run.config["commit"] or "none recorded" for run in model.runs})),
        marks=tuple(mark for mark in Mark if mark in noted),
        notes=tuple(note for notes in noted.values() for note in notes),
    )


def _notes(model: PooledModel, accuracies: np.ndarray) -> dict[Mark | None, list[str]]:
    """Sentences under the mark that each stands for; None: no mark."""
    noted: dict[Mark | None, list[str]] = {}
    for found in (selection_notes(model.runs), leak_notes(model.runs), settings_notes(model.runs)):
        noted |= {mark: [note] for mark, note in found.items()}
    if met := label_sentences(run.config for run in model.runs):
        noted[Mark.MET_LABELS] = met
    if model.gaps:
        noted[Mark.INCOMPLETE] = model.gaps
    if len(accuracies) == 1:
        noted[Mark.ONE_SEED] = [MEANINGS[Mark.ONE_SEED]]
    else:
        spread = f"accuracy by seed from {share(accuracies.min())} to {share(accuracies.max())}"
        noted[None] = [spread, *member_sentences(model.runs)]
    return noted


def _test_to_train(model: PooledModel, n_songs: int) -> float | None:
    folds = {run.config["fold"] for run in model.runs}
    if model.gaps or len(folds) < 2:
        return None
    # Not always the rest: a learning curve trains on a part of it, an epoch picked on test songs has no validation.
    sizes = [
        (len(run.predictions), run.result.get("train_songs", n_songs - len(run.predictions) - len(run.validation)))
        for run in model.runs
    ]
    test, train = np.mean(sizes, axis=0)
    return float(test / train)
