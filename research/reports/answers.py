"""Runs that learned moods, tags or both, as the tagging report reads them: folds pooled, seeds kept apart."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from research.evaluation.thresholds import tune_thresholds
from research.reports.marks import label_sentences


@dataclass(frozen=True, eq=False)
class Answers:
    """What one model answered for the test songs of all folds."""

    config: dict[str, Any]
    """Of its first run."""
    track_ids: tuple[str, ...]
    artists: tuple[str, ...]
    truth: Float[np.ndarray, "songs labels"]
    """Moods, then tags: 1, 0, or NaN where not known."""
    logits: Float[np.ndarray, "seeds songs labels"]
    given: Bool[np.ndarray, "seeds songs tags"]
    """Tags given at the thresholds that each run's validation songs chose."""
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.config["name"]

    @property
    def moods(self) -> tuple[str, ...]:
        return tuple(self.config["labels"])

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self.config.get("tags", ()))


def read_answers(folders: Iterable[Path]) -> list[Answers]:
    """Read finished runs, one entry a model; unfinished seeds are left out and named in the notes.

    Raises:
        ValueError: runs of several corpora or protocols, or a model without a finished seed.
    """
    models: dict[str, dict[int, list[tuple[Path, dict[str, Any]]]]] = {}
    first: dict[str, Any] = {}
    for folder in folders:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        first = first or config
        ours, theirs = (config_["corpus"]["fingerprint"] + config_["protocol"] for config_ in (first, config))
        if ours != theirs:
            raise ValueError(f"{folder} is of another corpus or protocol than the runs before it; report them apart")
        models.setdefault(config["name"], {}).setdefault(config["seed"], []).append((folder, config))
    return [_pooled(name, by_seed) for name, by_seed in models.items()]


def _pooled(name: str, by_seed: dict[int, list[tuple[Path, dict[str, Any]]]]) -> Answers:
    notes, frames, config = [], [], next(iter(by_seed.values()))[0][1]
    for seed, runs in sorted(by_seed.items()):
        missing = [folder.name for folder, _ in runs if not (folder / "predictions.parquet").is_file()]
        if missing:
            notes.append(f"seed {seed} left out, unfinished: {', '.join(missing)}")
            continue
        if len(runs) < config["n_folds"]:
            notes.append(f"seed {seed}: {len(runs)} of {config['n_folds']} folds")
        frame = pd.concat([_read_run(folder, config) for folder, config in runs], ignore_index=True)
        frames.append(frame.set_index("track_id").sort_index())
    if not frames:
        raise ValueError(f"{name}: no seed is finished ({'; '.join(notes)}); run the experiment again to finish it")
    index = frames[0].index
    if index.has_duplicates or any(not frame.index.equals(index) for frame in frames):
        raise ValueError(
            f"{name}: a song is tested twice by one seed, or seeds tested other songs; run the missing folds"
        )
    if len(frames) == 1:
        notes.append("one seed: the noise of training is not measured")
    notes += label_sentences(config for runs in by_seed.values() for _, config in runs)
    return Answers(
        config=config,
        track_ids=tuple(index),
        artists=tuple(frames[0]["artist"]),
        truth=np.stack(frames[0]["truth"].to_list()),
        logits=np.stack([np.stack(frame["logits"].to_list()) for frame in frames]),
        given=np.stack([np.stack(frame["given"].to_list()) for frame in frames]),
        notes=tuple(notes),
    )


def _read_run(folder: Path, config: dict[str, Any]) -> pd.DataFrame:
    """Test songs: track_id, artist, truth, logits, given."""
    frame = pd.read_parquet(folder / "predictions.parquet")
    n_moods, n_tags = len(config["labels"]), len(config.get("tags", ()))
    logits = np.stack(frame["logits"].to_list())
    truth = _truth(frame["target"], n_moods) if not n_tags else np.stack(frame["target"].to_list())
    given = np.zeros((len(frame), n_tags), dtype=bool)
    if n_tags:
        judged = (frame["split"] == "valid").to_numpy() & ~np.isnan(truth[:, n_moods:]).any(axis=1)
        given = logits[:, n_moods:] >= tune_thresholds(truth[judged, n_moods:], logits[judged, n_moods:])
    columns = {"truth": list(truth), "logits": list(logits), "given": list(given)}
    return frame[["track_id", "artist"]].assign(**columns)[frame["split"] == "test"]


def _truth(moods: Sequence[int], n_moods: int) -> Float[np.ndarray, "songs labels"]:
    return np.eye(n_moods)[np.asarray(moods)]
