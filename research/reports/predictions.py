"""Run folders as the reports read them: what was trained, and what it answered for each test song."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from research.splits.folds import ALL

CONFIG_KEYS = ("corpus", "labels", "name", "protocol", "fold", "n_folds", "seed", "commit")
PREDICTION_COLUMNS = ["track_id", "artist", "split", "target", "logits"]


@dataclass(frozen=True, eq=False)
class Run:
    """One run folder: a model trained on one fold with one seed."""

    folder: Path
    config: dict[str, Any]
    predictions: pd.DataFrame | None
    """Test songs: track_id, artist, target, prediction, logits; None while the run is unfinished."""
    validation: pd.DataFrame | None
    """The same of validation songs, which may be none."""
    result: dict[str, Any]
    """What training cost; empty where the run did not record it."""


def find_runs(folder: Path) -> list[Path]:
    """Run folders in a folder, or the folder itself where it is one; a run's own subfolders are not searched.

    Models of all songs are left out: they were not tested.

    Raises:
        FileNotFoundError: no such folder, or no such run in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} does not exist; give a folder that an experiment wrote with --out")
    if not (found := _runs_below(folder)):
        raise FileNotFoundError(f"{folder} holds no tested run (config.json, at any depth); run an experiment first")
    return found


def read_runs(folders: Iterable[Path]) -> list[Run]:
    """Read run folders; one without predictions is unfinished and kept as such.

    Raises:
        FileNotFoundError: a folder without `config.json`.
        ValueError: a config that lacks a key, a run of tags, or predictions that do not fit the labels.
    """
    return [_read_run(folder) for folder in folders]


def read_history(folder: Path) -> list[dict[str, float]]:
    """What a run logged, an epoch a row; empty for a model that does not learn in epochs."""
    path = folder / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def _runs_below(folder: Path) -> list[Path]:
    config = folder / "config.json"
    if config.is_file():
        return [] if json.loads(config.read_text(encoding="utf-8")).get("protocol") == ALL else [folder]
    return [run for child in sorted(folder.iterdir()) if child.is_dir() for run in _runs_below(child)]


def _read_run(folder: Path) -> Run:
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; give folders that training wrote")
    config = json.loads(path.read_text(encoding="utf-8"))
    if missing := [key for key in CONFIG_KEYS if key not in config]:
        raise ValueError(f"{path} lacks {', '.join(missing)}; run the experiment again with this version")
    if "tags" in config:
        raise ValueError(
            f"{folder} learned tags; experiments/multilabel.py reports such runs, compare runs of moods here"
        )
    result = folder / "result.json"
    answers = _read_predictions(folder / "predictions.parquet", config["labels"])
    return Run(
        folder=folder,
        config=config,
        predictions=None if answers is None else answers["test"],
        validation=None if answers is None else answers["valid"],
        result=json.loads(result.read_text(encoding="utf-8")) if result.is_file() else {},
    )


def _read_predictions(path: Path, labels: Sequence[str]) -> dict[str, pd.DataFrame] | None:
    """Answers by part of the split, "test" and "valid"."""
    if not path.is_file():
        return None
    frame = pd.read_parquet(path, columns=PREDICTION_COLUMNS)
    if not (frame["split"] == "test").any():
        raise ValueError(f"{path} holds no test song; run the experiment again")
    if wrong := sorted({len(logits) for logits in frame["logits"]} - {len(labels)}):
        raise ValueError(f"{path}: {wrong[0]} logits for {len(labels)} labels; the run is damaged, run it again")
    logits = np.stack(frame["logits"].to_list())  # (songs, labels)
    if not np.isfinite(logits).all():
        raise ValueError(f"{path}: logits are not finite, training diverged; lower the learning rate and run it again")
    answers = frame[["track_id", "artist", "target", "logits"]].assign(prediction=logits.argmax(axis=1))
    return {part: answers[frame["split"] == part].reset_index(drop=True) for part in ("test", "valid")}
