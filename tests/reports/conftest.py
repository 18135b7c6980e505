"""Invented runs: ten songs of three moods, of which each model has the first few right."""

import json

import numpy as np
import pandas as pd
import pytest

LABELS = ["angry", "happy", "sad"]
TARGETS = np.array([0, 0, 1, 1, 2, 2, 0, 1, 2, 0])  # by hand: the majority is angry, 4 of 10
RIGHT = {"audio": 4, "lyrics": 5, "fusion": 7}


def answers(right: int, targets: np.ndarray = TARGETS) -> np.ndarray:
    """The first `right` songs right, elsewhere the next label."""
    return np.where(np.arange(len(targets)) < right, targets, (targets + 1) % 3)


@pytest.fixture
def write_run(tmp_path):
    """Writes the run folder of a model on the five songs of a fold; returns the folder."""

    def write(
        name, fold, seed=0, right=None, guesses=None, songs=None, targets=TARGETS, finished=True, corpus=None, **changes
    ):
        folder = tmp_path / "runs" / f"{name}-fold{fold}-seed{seed}"
        folder.mkdir(parents=True)
        identity = {"name": "toy_50%", "synthetic": True, "citation": "Nobody & Co", "fingerprint": "ab12"}
        identity |= corpus or {}
        config = {"corpus": identity, "labels": LABELS, "name": name, "protocol": "artist", "fold": fold, "n_folds": 2}
        config |= {"seed": seed, "commit": "c0ffee"} | changes
        (folder / "config.json").write_text(json.dumps(config))
        if finished:
            songs = range(5 * fold, 5 * fold + 5) if songs is None else songs
            frame = pd.DataFrame({"track_id": [f"t{song}" for song in songs], "split": "test", "fold": fold})
            frame["artist"] = [f"artist {song // 2} of half {song // 5}" for song in songs]
            frame["target"] = [int(targets[song]) for song in songs]
            if guesses is None:
                guesses = answers(RIGHT.get(name, 3) if right is None else right)
            frame["logits"] = [np.eye(3, dtype=np.float32)[guesses[song]] for song in songs]
            # Tested songs with another truth and artist: must neither be scored nor count as leaking.
            validation = frame.head(3).assign(split="valid", target=0, artist="someone else")
            pd.concat([validation, frame.assign(seed=seed)]).to_parquet(folder / "predictions.parquet")
            (folder / "result.json").write_text('{"train_s": 1.5, "parameters": 11}')
        return folder

    return write


@pytest.fixture
def folders(write_run):
    """Three models on both folds."""
    return [write_run(name, fold) for name in RIGHT for fold in (0, 1)]
