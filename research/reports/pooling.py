"""From runs to models: folds pooled, seeds kept apart, unfair comparisons refused."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.evaluation.calibration import abstention_threshold, fit_temperature, top_confidence
from research.reports.predictions import Run


@dataclass(frozen=True, eq=False)
class PooledModel:
    """One model under one protocol: the seeds that were tested on the same, most complete set of folds."""

    runs: list[Run]
    """Those that are scored, ordered by seed."""
    frames: dict[int, pd.DataFrame]
    """Test songs by seed, indexed by track_id: artist, target, prediction, logits, fold, temperature, threshold."""
    gaps: list[str]
    """What is missing, in words; empty for a model all of whose runs are finished."""

    @property
    def key(self) -> tuple[str, str]:
        """Name and protocol."""
        return self.runs[0].config["name"], self.runs[0].config["protocol"]


def pool_models(runs: Sequence[Run]) -> list[PooledModel]:
    """Pool each model under each protocol, in the order in which they first appear.

    One without a finished run is left out (see `unfinished_models`).

    Raises:
        ValueError: no finished run, several corpora or label spaces, a song predicted twice by one model and seed, or
            finished models with different test songs. Names the runs.
    """
    _check_one_corpus(runs)
    pooled = [_pool(by_seed) for by_seed in _by_model(runs).values() if _scored_folds(by_seed)]
    if not pooled:
        raise ValueError(
            f"no run is finished: {', '.join(str(run.folder) for run in runs)} lack predictions.parquet; "
            "run the command that started them again, it resumes"
        )
    for protocol in dict.fromkeys(model.key[1] for model in pooled):
        _check_same_songs([model for model in pooled if model.key[1] == protocol])
    return pooled


def unfinished_models(runs: Sequence[Run]) -> list[str]:
    """A sentence on each model that has no finished run and so no score."""
    return [
        f"{name} ({protocol}): not scored, none of its {sum(map(len, by_seed.values()))} runs is finished"
        for (name, protocol), by_seed in _by_model(runs).items()
        if not _scored_folds(by_seed)
    ]


def _by_model(runs: Sequence[Run]) -> dict[tuple[str, str], dict[int, list[Run]]]:
    models: dict[tuple[str, str], dict[int, list[Run]]] = {}
    for run in runs:
        key = (run.config["name"], run.config["protocol"])
        models.setdefault(key, {}).setdefault(run.config["seed"], []).append(run)
    return models


def _check_one_corpus(runs: Sequence[Run]) -> None:
    if not runs:
        raise ValueError("no runs to score; give folders that training wrote")
    first = runs[0]
    for run in runs:
        ours, theirs = first.config["corpus"], run.config["corpus"]
        if ours["synthetic"] != theirs["synthetic"]:
            kinds = ["SYNTHETIC" if corpus["synthetic"] else "real" for corpus in (ours, theirs)]
            raise ValueError(
                f"{first.folder} was trained on {kinds[0]} songs, {run.folder} on {kinds[1]} ones; never compare them"
            )
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


def _finished_folds(runs: Sequence[Run]) -> frozenset[int]:
    return frozenset(run.config["fold"] for run in runs if run.predictions is not None)


def _scored_folds(by_seed: dict[int, list[Run]]) -> frozenset[int]:
    """The largest set of folds that one seed has finished."""
    return max((_finished_folds(by_seed[seed]) for seed in sorted(by_seed)), key=len)


def _pool(by_seed: dict[int, list[Run]]) -> PooledModel:
    folds = _scored_folds(by_seed)
    seeds = [seed for seed in sorted(by_seed) if _finished_folds(by_seed[seed]) == folds]
    finished = {seed: [run for run in by_seed[seed] if run.predictions is not None] for seed in seeds}
    return PooledModel(
        runs=[run for runs in finished.values() for run in runs],
        frames={seed: _join_folds(runs) for seed, runs in finished.items()},
        gaps=_gaps(by_seed, folds, seeds),
    )


def _join_folds(runs: Sequence[Run]) -> pd.DataFrame:
    frame = pd.concat([run.predictions.assign(fold=run.config["fold"], **_from_validation(run)) for run in runs])
    frame = frame.reset_index(drop=True)
    if (twice := frame["track_id"].duplicated()).any():
        raise ValueError(
            f"{int(twice.sum())} songs, such as {frame['track_id'][twice].iloc[0]!r}, are predicted twice by one "
            f"model and seed: {', '.join(str(run.folder) for run in runs)}; give each fold once"
        )
    return frame.set_index("track_id").sort_index()


def _from_validation(run: Run) -> dict[str, float]:
    """Temperature, and the confidence below which to withhold answers so that errors on validation songs halve.

    NaN without validation songs, or where they are the test songs.
    """
    if run.validation.empty or run.config.get("selected_on") == "test":
        return {"temperature": float("nan"), "threshold": float("nan")}
    logits, targets = np.stack(run.validation["logits"].to_list()), run.validation["target"].to_numpy()
    temperature, correct = fit_temperature(logits, targets), logits.argmax(axis=1) == targets
    confidence = top_confidence(logits, temperature)
    return {
        "temperature": temperature,
        "threshold": abstention_threshold(confidence, correct, (1 + correct.mean()) / 2),
    }


def _gaps(by_seed: dict[int, list[Run]], folds: frozenset[int], seeds: Sequence[int]) -> list[str]:
    gaps = []
    for seed, runs in by_seed.items():
        unfinished = [run.folder.name for run in runs if run.predictions is None]
        left_out = "" if seed in seeds else " left out"
        if unfinished:
            gaps.append(f"seed {seed}{left_out}, unfinished: {', '.join(unfinished)}")
        elif left_out:
            missing = sorted(folds - _finished_folds(runs))
            gaps.append(f"seed {seed} left out, its folds {', '.join(map(str, missing))} were not run")
    config = next(iter(by_seed.values()))[0].config
    # The official split is one fold, however many its config asks for.
    if config["protocol"] != "official" and len(folds) < config["n_folds"]:
        gaps.append(f"only fold {', '.join(map(str, sorted(folds)))} of {config['n_folds']}")
    return gaps


def _check_same_songs(models: Sequence[PooledModel]) -> None:
    """Within a model always; between models only where both are complete: others are marked and not compared."""
    complete = [model for model in models if not model.gaps]
    for group in ([model] for model in models):
        _check_seeds(group)
    if complete:
        _check_seeds(complete)
    _check_targets(models)


def _check_seeds(models: Sequence[PooledModel]) -> None:
    (first_name, first), *others = _named_seeds(models)
    for name, frame in others:
        if not first.index.equals(frame.index):
            apart = first.index.symmetric_difference(frame.index)
            raise ValueError(
                f"{first_name} was tested on {len(first)} songs, {name} on {len(frame)}, {len(apart)} of them not in "
                f"both (such as {apart[0]!r}); run the missing folds or leave one of the two out"
            )


def _check_targets(models: Sequence[PooledModel]) -> None:
    (first_name, first), *others = _named_seeds(models)
    for name, frame in others:
        both = first.index.intersection(frame.index)
        if not first["target"].loc[both].equals(frame["target"].loc[both]):
            raise ValueError(f"{first_name} and {name} were scored on different targets; run both again")


def _named_seeds(models: Sequence[PooledModel]) -> list[tuple[str, pd.DataFrame]]:
    return [(f"{model.key[0]} seed {seed}", frame) for model in models for seed, frame in model.frames.items()]
