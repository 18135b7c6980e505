"""One trial: a model on one split of a corpus, from nothing (or an interrupted run) to a finished run folder."""

import resource
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from research.data import InputConfig, SongDataset, Songs, load_songs
from research.embeddings import lyrics_vectors
from research.features.lyrics import tokenize_lyrics
from research.features.store import build_store
from research.metrics import accuracy, balanced_accuracy, macro_f1
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.lyrics import LyricsConfig, load_tokenizer
from research.runs import RunFolder, prediction_frame
from research.splits import Split
from research.tracking import Tracker, track
from research.tracks import read_tracks
from research.training import TrainConfig, fit, make_accelerator, predict, process_state


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is trained on what; `folder` is where the run is kept, `group` what it is shown under."""

    name: str
    model: ModelConfig
    train: TrainConfig
    split: Split
    n_folds: int
    folder: Path

    @property
    def group(self) -> str:
        return self.folder.parent.name


def load_corpus(table: Path, inputs: InputConfig, lyrics: LyricsConfig | None) -> Songs:
    """A prepared corpus with its features; what is not computed yet is computed by the main process and kept.

    Args:
        lyrics: whose tokenizer cuts the words; None to do without words.
    """
    processes = process_state()
    tracks = read_tracks(table)
    store = None
    if tracks.frame["audio"].notna().any():
        with processes.main_process_first():
            store = build_store(tracks, tracks.folder / "mel", inputs.mel)
    tokenize = embed = None
    if lyrics is not None and tracks.frame["lyrics"].notna().any():
        tokenize = partial(tokenize_lyrics, tokenizer=load_tokenizer(lyrics), max_tokens=inputs.max_tokens)
        if lyrics.frozen:
            embed = partial(lyrics_vectors, config=lyrics, folder=tracks.folder / "embeddings")
    with processes.main_process_first():
        songs = load_songs(tracks, inputs, store, tokenize, embed)
    if store is not None and store.skipped and processes.is_main_process:
        print(f"{table}: {len(store.skipped)} songs have unreadable sound and are used without it:", file=sys.stderr)
        for track_id, reason in store.skipped.items():
            print(f"  {track_id}: {reason}", file=sys.stderr)
    return songs


def run_trial(songs: Songs, trial: Trial) -> None:
    """Train, choose on validation, predict the test songs once. A finished run is left alone.

    Raises:
        ValueError: the folder holds a run of another configuration.
    """
    accelerator = make_accelerator(trial.train)
    with accelerator.main_process_first():
        run = RunFolder.open(trial.folder, describe(songs, trial, processes=accelerator.num_processes))
    if run.finished:
        accelerator.print(f"{trial.folder}: finished before, kept")
        return
    torch.manual_seed(trial.train.seed)  # the new layers' first weights
    corpus = songs.tracks.corpus
    model = MoodClassifier(trial.model, n_labels=len(corpus.labels), n_mels=songs.inputs.mel.n_mels)
    if not accelerator.is_main_process:
        _train_and_test(model, songs, trial, run)
        return
    with track(run, group=trial.group, tags=[corpus.name, trial.split.protocol, trial.name]) as tracker:
        predictions, result = _train_and_test(model, songs, trial, run, tracker)
        test = predictions[predictions["split"] == "test"]
        tracker.log_test(test, corpus.labels, score_songs(test))
        run.finish(predictions, result)


def describe(songs: Songs, trial: Trial, processes: int) -> dict:
    """The configuration of a run folder: whatever a result depends on, apart from code and machine."""
    tracks = songs.tracks
    return {
        "name": trial.name,
        "group": trial.group,
        "corpus": {**asdict(tracks.corpus), "fingerprint": tracks.fingerprint, "songs": len(tracks)},
        "labels": tracks.corpus.labels,
        "protocol": trial.split.protocol,
        "fold": trial.split.fold,
        "n_folds": trial.n_folds,
        "seed": trial.train.seed,
        "processes": processes,
        "inputs": asdict(songs.inputs),
        "model": asdict(trial.model),
        "train": asdict(trial.train),
    }


def score_songs(test: pd.DataFrame) -> dict[str, float]:
    """Plain scores of one run's test predictions; intervals come with `research.reports`, over all folds."""
    targets, guesses = test["target"].to_numpy(), np.stack(test["logits"].to_numpy()).argmax(axis=1)
    scores = {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}
    return {name: score(targets, guesses) for name, score in scores.items()}


def _train_and_test(
    model: MoodClassifier, songs: Songs, trial: Trial, run: RunFolder, tracker: Tracker | None = None
) -> tuple[pd.DataFrame, dict[str, float]]:
    split, train = trial.split, trial.train
    parts = {
        name: SongDataset(
            songs,
            rows,
            read_audio=trial.model.audio is not None,
            read_lyrics=trial.model.lyrics is not None,
            augmentation=train.augmentation if name == "train" else None,
            seed=train.seed,
        )
        for name, rows in {"train": split.train, "valid": split.valid, "test": split.test}.items()
    }
    progress = fit(model, parts["train"], parts["valid"], train, run, tracker)
    frames = []
    for name in ("valid", "test"):
        found = predict(model, parts[name], train)
        frames.append(
            prediction_frame(
                songs.tracks, found.rows, found.logits, found.targets, split=name, fold=split.fold, seed=train.seed
            )
        )
    result = {
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "train_s": round(progress.seconds, 1),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "trained_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }
    return pd.concat(frames, ignore_index=True), result
