"""Run folders to scores: folds pooled, seeds kept apart, and everything refused that cannot be compared fairly."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int

from research.evaluation.statistics import (
    Interval,
    artist_bootstrap,
    artist_confusions,
    paired_difference,
    wilson_interval,
)
from research.metrics import confusion_accuracy, confusion_balanced_accuracy, confusion_macro_f1, majority_accuracy
from research.reports.predictions import Run

SIDES = frozenset({"audio", "lyrics"})


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelScore:
    """How well one model did under one protocol: folds pooled, metrics averaged over seeds."""

    name: str
    protocol: str
    corpus: dict[str, Any]
    labels: tuple[str, ...]
    seeds: tuple[int, ...]
    n_folds: int
    targets: Int[np.ndarray, " songs"]
    predictions: Int[np.ndarray, "seeds songs"]
    artists: tuple[str, ...]
    accuracy: Interval
    """Wilson interval over songs."""
    macro_f1: Interval
    """Bootstrap interval over artists."""
    balanced_accuracy: float
    majority_accuracy: float
    confusion: Int[np.ndarray, "labels labels"]
    """Rows true; songs summed over seeds."""
    parameters: int | None
    train_s: float | None
    """Training time of all scored runs together; None where one did not record it."""
    commits: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """Score of a model minus that of a reference, with intervals over the artists both were tested on."""

    model: str
    reference: str
    protocol: str
    accuracy: Interval
    macro_f1: Interval


def score_models(runs: Sequence[Run]) -> list[ModelScore]:
    """Score each model under each protocol, in the order in which they first appear.

    A seed with an unfinished run is left out and named in the notes.

    Raises:
        ValueError: no run, several corpora or label spaces, a song predicted twice by one model and seed, different
            test songs, or a model without a finished seed. Names the runs.
    """
    _check_one_corpus(runs)
    models: dict[tuple[str, str], dict[int, list[Run]]] = {}
    for run in runs:
        key = (run.config["name"], run.config["protocol"])
        models.setdefault(key, {}).setdefault(run.config["seed"], []).append(run)
    pooled = {key: _finished_seeds(by_seed) for key, by_seed in models.items()}
    for protocol in dict.fromkeys(protocol for _, protocol in models):
        _check_same_songs({key: frames for key, frames in pooled.items() if key[1] == protocol})
    return [_score(by_seed, pooled[key]) for key, by_seed in models.items()]


def differences(scores: Sequence[ModelScore], reference: str | None = None) -> list[Difference]:
    """Every model against a reference, within each protocol.

    Args:
        reference: a model's name; by default the model with the best accuracy among those of a single side. Having
            been picked on the same test songs, that one is slightly flattered, so a gain over it is not.

    Raises:
        ValueError: no model is called `reference`.
    """
    if reference is not None and reference not in {score.name for score in scores}:
        raise ValueError(f"no model {reference!r}; choose one of {sorted({score.name for score in scores})}")
    found = []
    for protocol in dict.fromkeys(score.protocol for score in scores):
        rivals = [score for score in scores if score.protocol == protocol]
        candidates = [s for s in rivals if (s.name == reference if reference else is_single_side(s.name))]
        if candidates:
            best = max(candidates, key=lambda score: score.accuracy.estimate)
            found += [_difference(rival, best) for rival in rivals if rival is not best]
    return found


def is_single_side(name: str) -> bool:
    """Does a model's name hold exactly one of the words "audio" and "lyrics", as "lyrics-tfidf" does?"""
    return len(SIDES & set(re.split(r"[\W_]+", name))) == 1


def _check_one_corpus(runs: Sequence[Run]) -> None:
    if not runs:
        raise ValueError("no runs to score; give folders that training wrote")
    first = runs[0]
    for run in runs:
        ours, theirs = first.config["corpus"], run.config["corpus"]
        if ours["fingerprint"] != theirs["fingerprint"]:
            raise ValueError(
                f"{first.folder} was trained on corpus {ours['name']} ({ours['fingerprint']}), {run.folder} on "
                f"{theirs['name']} ({theirs['fingerprint']}); compare runs on one corpus"
            )
        if first.config["labels"] != run.config["labels"]:
            raise ValueError(
                f"{first.folder} has labels {first.config['labels']}, {run.folder} {run.config['labels']}; "
                "compare runs on one label space"
            )


def _finished_seeds(by_seed: dict[int, list[Run]]) -> dict[int, pd.DataFrame]:
    """Test songs of each seed whose runs are all finished, folds pooled, ordered by track_id."""
    finished = {seed: runs for seed, runs in by_seed.items() if not _unfinished(runs)}
    if not finished:
        names = ", ".join(str(run.folder) for runs in by_seed.values() for run in _unfinished(runs))
        raise ValueError(f"no seed is finished: {names} lack predictions.parquet; finish them or leave the model out")
    pooled = {}
    for seed in sorted(finished):
        frame = pd.concat([run.predictions for run in finished[seed]], ignore_index=True)
        if (twice := frame["track_id"].duplicated()).any():
            names = ", ".join(str(run.folder) for run in finished[seed])
            raise ValueError(
                f"{int(twice.sum())} songs, such as {frame['track_id'][twice].iloc[0]!r}, are predicted twice by one "
                f"model and seed: {names}; give each fold once"
            )
        pooled[seed] = frame.set_index("track_id").sort_index()
    return pooled


def _check_same_songs(pooled: dict[tuple[str, str], dict[int, pd.DataFrame]]) -> None:
    seeds = [(f"{key[0]} seed {seed}", frame) for key, frames in pooled.items() for seed, frame in frames.items()]
    first_name, first = seeds[0]
    for name, frame in seeds[1:]:
        if not first.index.equals(frame.index):
            apart = first.index.symmetric_difference(frame.index)
            raise ValueError(
                f"{first_name} was tested on {len(first)} songs, {name} on {len(frame)}, {len(apart)} of them not in "
                f"both (such as {apart[0]!r}); run the missing folds or leave one of the two out"
            )
        if not first["target"].equals(frame["target"]):
            raise ValueError(f"{first_name} and {name} were scored on different targets; run both again")


def _score(by_seed: dict[int, list[Run]], frames: dict[int, pd.DataFrame]) -> ModelScore:
    runs = [run for seed in frames for run in by_seed[seed]]
    config, first = runs[0].config, next(iter(frames.values()))
    targets = first["target"].to_numpy()
    predictions = np.stack([frame["prediction"].to_numpy() for frame in frames.values()])  # (seeds, songs)
    confusions = artist_confusions(targets, predictions, first["artist"].to_list(), len(config["labels"]))
    by_seed_confusions = confusions.sum(axis=1)  # (seeds, labels, labels)
    accuracies = confusion_accuracy(by_seed_confusions)
    seconds = [run.result.get("train_s") for run in runs]
    return ModelScore(
        name=config["name"],
        protocol=config["protocol"],
        corpus=config["corpus"],
        labels=tuple(config["labels"]),
        seeds=tuple(frames),
        n_folds=len({run.config["fold"] for run in runs}),
        targets=targets,
        predictions=predictions,
        artists=tuple(first["artist"]),
        accuracy=wilson_interval((predictions == targets).mean(axis=0).sum(), len(targets)),
        macro_f1=artist_bootstrap(confusions, confusion_macro_f1),
        balanced_accuracy=float(confusion_balanced_accuracy(by_seed_confusions).mean()),
        majority_accuracy=majority_accuracy(targets),
        confusion=by_seed_confusions.sum(axis=0),
        parameters=runs[0].result.get("parameters"),
        train_s=None if None in seconds else sum(seconds),
        commits=tuple(sorted({run.config["commit"] or "none recorded" for run in runs})),
        notes=(*_selection(config), *_gaps(by_seed, runs), _seed_note(accuracies)),
    )


def _selection(config: dict[str, Any]) -> list[str]:
    return ["OPTIMISTIC: the best epoch was picked on the test songs"] if config.get("selected_on") == "test" else []


def _gaps(by_seed: dict[int, list[Run]], scored: Sequence[Run]) -> list[str]:
    """What is missing from a model's scored runs, in words."""
    gaps = [
        f"seed {seed} left out, unfinished: {', '.join(run.folder.name for run in _unfinished(runs))}"
        for seed, runs in by_seed.items()
        if _unfinished(runs)
    ]
    folds, config = sorted({run.config["fold"] for run in scored}), scored[0].config
    # The official split is one fold, however many its config asks for.
    if config["protocol"] != "official" and len(folds) < config["n_folds"]:
        gaps.append(f"only fold {', '.join(map(str, folds))} of {config['n_folds']}")
    return gaps


def _seed_note(accuracies: np.ndarray) -> str:
    if len(accuracies) == 1:
        return "one seed: the noise of training is not measured"
    return f"accuracy by seed from {accuracies.min():.3f} to {accuracies.max():.3f}"


def _unfinished(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if run.predictions is None]


def _difference(model: ModelScore, reference: ModelScore) -> Difference:
    accuracy, macro_f1 = (
        paired_difference(model.targets, model.predictions, reference.predictions, model.artists, metric)
        for metric in (confusion_accuracy, confusion_macro_f1)
    )
    return Difference(model.name, reference.name, model.protocol, accuracy, macro_f1)
