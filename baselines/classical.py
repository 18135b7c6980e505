"""What the classical baselines share: the command line, choosing settings, and the run folder every model writes.

A baseline answers with probabilities; their logarithms are its logits, so it is scored like a neural model.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.special import softmax
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold

from research.evaluation.calibration import fit_temperature
from research.runs import RunFolder, describe_run, prediction_frame, score_songs
from research.splits.folds import Split, make_splits
from research.tracking.tracker import track
from research.tracks import TrackTable, read_tracks

CHOOSING_FOLDS, CHOOSING_REPEATS = 5, 2
"""Settings are close to each other; one cut into folds of a few hundred songs would choose by luck."""
LEAST_PROBABILITY = 1e-6
"""Of a mood that a baseline rules out or never met, so that its logarithm is finite."""

Probabilities = Float[np.ndarray, "songs labels"]


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path = Path("data/synthetic/tracks.parquet")
    """Track table written by `python -m data_prep CORPUS`."""
    out: Path = Path("runs/baselines")
    """One run folder a baseline, fold and seed; runs that are finished are kept."""
    protocol: str = "artist"
    """How songs are split: artist (disjoint folds), official (the corpus' own), random (artists leak)."""
    folds: int = 5
    """Parts of the corpus; each is tested once."""
    seed: int = 0
    """Of the split and of the folds in which settings are chosen."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a baseline says of the songs of one split."""

    valid: Probabilities
    test: Probabilities
    chosen: Mapping[str, Any]
    """Settings chosen on songs that are not tested, for `result.json`."""


Answer = Callable[[Split, int], Answers]
"""Answers for a split and a seed."""


@dataclass(frozen=True)
class Baseline:
    name: str
    """"audio" or "lyrics" in it tells the reports that it uses that side alone."""
    settings: Mapping[str, Any]
    """Whatever its answers depend on besides corpus, split and seed."""
    prepare: Callable[[TrackTable, Config], Answer]
    """Reads features once for all splits; a ValueError says why this corpus has nothing for this baseline."""


def run_baseline(baseline: Baseline, config: Config) -> None:
    """Answer for every split and write the run folders; finished ones are kept.

    Raises:
        ValueError: the corpus cannot be split, or lacks what the baseline needs; no run folder is left behind.
    """
    tracks = read_tracks(config.tracks)
    splits = make_splits(tracks, config.protocol, config.folds, config.seed)
    answer = None
    for split in splits:
        folder = run_path(config.out, baseline.name, split.fold, config.seed)
        identity = {"name": baseline.name, "group": config.out.name, "n_folds": len(splits), "seed": config.seed}
        description = describe_run(tracks, split, **identity) | {"model": dict(baseline.settings)}
        if folder.exists() and RunFolder.open(folder, description).finished:
            print(f"{folder}: finished before, kept")
            continue
        started = perf_counter()
        answer = answer or baseline.prepare(tracks, config)
        answers = answer(split, config.seed)
        _write_run(RunFolder.open(folder, description), tracks, split, config.seed, answers, perf_counter() - started)


def run_path(out: Path, name: str, fold: int, seed: int) -> Path:
    return out / f"{name}-fold{fold}-seed{seed}"


def song_targets(tracks: TrackTable) -> Int[np.ndarray, " songs"]:
    """Position of each song's mood in the corpus's labels; -1 where it has none."""
    return pd.Categorical(tracks.frame["mood"], categories=tracks.corpus.labels).codes.astype(np.int64)


def mood_shares(tracks: TrackTable, rows: Int[np.ndarray, " rows"]) -> Float[np.ndarray, " labels"]:
    """How often each mood occurs among some songs."""
    return np.bincount(song_targets(tracks)[rows], minlength=len(tracks.corpus.labels)) / len(rows)


def fit_and_answer(
    model: BaseEstimator,
    grid: Sequence[Mapping[str, Sequence[Any]]],
    features: np.ndarray,
    usable: Bool[np.ndarray, " songs"],
    tracks: TrackTable,
    split: Split,
    seed: int,
) -> Answers:
    """Choose settings and fit a classifier without a look at the test songs.

    Training and validation songs are cut into artist-disjoint folds, twice over: there the settings with the
    best macro-F1 are chosen, and how sure the answers may be (a temperature). The model that answers for validation
    songs is fitted without them, the one that answers for test songs on both. A song without features gets each mood's
    share.

    Args:
        model: a classifier with `decision_function`.
        grid: settings to try, as for scikit-learn's GridSearchCV.
        features: one row a song of the table.
        usable: which songs have features.

    Raises:
        ValueError: a mood has too few songs, or too few artists, to choose settings on.
    """
    targets, both = song_targets(tracks), np.concatenate([split.train, split.valid])
    known = both[usable[both]]
    repeats = [_choosing_folds(tracks, known, CHOOSING_REPEATS * seed + repeat) for repeat in range(CHOOSING_REPEATS)]
    folds = [fold for repeat in repeats for fold in repeat]
    search = GridSearchCV(model, list(grid), scoring="f1_macro", cv=folds, error_score="raise")
    search.fit(features[known], targets[known])
    best = search.best_estimator_
    held_out = _held_out_decisions(best, repeats[0], features[known], targets[known])
    temperature = fit_temperature(held_out, np.searchsorted(best.classes_, targets[known]))
    train = split.train[usable[split.train]]
    on_train = clone(best).fit(features[train], targets[train])
    chosen = {**search.best_params_, "chosen_by_macro_f1": float(search.best_score_), "temperature": temperature}

    def answers(fitted: BaseEstimator, fitted_on: np.ndarray, rows: np.ndarray) -> Probabilities:
        probs = np.tile(mood_shares(tracks, fitted_on), (len(rows), 1))
        answered = np.flatnonzero(usable[rows])
        if len(answered):
            probs[answered] = 0
            decisions = _decisions(fitted, features[rows[answered]])
            probs[np.ix_(answered, fitted.classes_)] = softmax(decisions / temperature, axis=1)
        return probs

    return Answers(answers(on_train, split.train, split.valid), answers(best, both, split.test), chosen)


def _choosing_folds(tracks: TrackTable, rows: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Artist-disjoint folds, as positions in `rows`; fewer where a mood has few artists."""
    moods = tracks.frame["mood"].to_numpy(dtype=object)[rows].astype(str)
    artists = np.array(tracks.artist_keys)[rows]
    n_artists = {mood: len(set(artists[moods == mood])) for mood in tracks.corpus.labels if mood in moods}
    n_folds = min([CHOOSING_FOLDS, *n_artists.values()])
    folds = []
    if len(n_artists) >= 2 and n_folds >= 2:
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        folds = list(splitter.split(rows, moods, artists))
    if not folds or any(set(moods[fitted_on]) != set(n_artists) for fitted_on, _ in folds):
        counted = ", ".join(f"{mood} {n}" for mood, n in n_artists.items()) or "none"
        raise ValueError(
            f"{tracks.corpus.name}: settings cannot be chosen on training and validation songs by so few artists "
            f"({counted}); each mood needs two with this side, and two moods: add songs, take another seed or "
            "leave the mood out of the corpus's labels"
        )
    return folds


def _held_out_decisions(
    model: BaseEstimator, folds: Sequence[tuple[np.ndarray, np.ndarray]], features: np.ndarray, targets: np.ndarray
) -> Float[np.ndarray, "songs classes"]:
    """Decisions for each song by a model that was fitted without it."""
    decisions = np.empty((len(targets), len(np.unique(targets))))
    for fitted_on, held_out in folds:
        fitted = clone(model).fit(features[fitted_on], targets[fitted_on])
        decisions[held_out] = _decisions(fitted, features[held_out])
    return decisions


def _decisions(model: BaseEstimator, features: np.ndarray) -> Float[np.ndarray, "songs classes"]:
    decisions = model.decision_function(features)
    # Two classes share one column in scikit-learn: how much the second is ahead.
    return np.column_stack([-decisions / 2, decisions / 2]) if decisions.ndim == 1 else decisions


def _write_run(run: RunFolder, tracks: TrackTable, split: Split, seed: int, answers: Answers, train_s: float) -> None:
    targets, frames = song_targets(tracks), []
    for part, rows, probs in (("valid", split.valid, answers.valid), ("test", split.test, answers.test)):
        logits = np.log(np.maximum(probs, LEAST_PROBABILITY))
        frames.append(prediction_frame(tracks, rows, logits, targets[rows], split=part, fold=split.fold, seed=seed))
    scores = score_songs(frames[1])
    with track(
        run, group=run.config["group"], tags=[tracks.corpus.name, split.protocol, run.config["name"]]
    ) as tracker:
        tracker.log_test(frames[1], tracks.corpus.labels, scores)
        # Who answers for test songs was fitted on both parts.
        cost = {"train_songs": len(split.train) + len(split.valid), "train_s": round(train_s, 2)}
        run.finish(pd.concat(frames, ignore_index=True), {**answers.chosen, **cost})
    print(f"{run.path}: macro-F1 {scores['macro_f1']:.3f}, accuracy {scores['accuracy']:.3f}")
