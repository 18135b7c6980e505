"""One trial: a model on one split of a corpus, from scratch (or an interrupted run) to a finished run folder."""

import resource
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from research.batch import SongSet
from research.data.dataset import SongDataset
from research.data.songs import EmbedWords, InputConfig, Songs, Tokenize, load_songs
from research.embeddings import lyrics_vectors
from research.features.altered import AlteredSound
from research.features.building import build_store
from research.features.lyrics import tokenize_lyrics
from research.features.shards import FrontEnd
from research.features.store import COMPLETE
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.frozen import FrozenEncoder, frozen_encoder
from research.models.lyrics import LyricsConfig, load_tokenizer
from research.models.picture import PictureConfig
from research.models.published import met_labels
from research.runs import RunFolder, describe_run, held, prediction_frame, score_songs
from research.splits.folds import Split
from research.tracking.tracker import Tracker, track
from research.tracks import Corpus, TrackTable, read_tracks
from research.training.config import TrainConfig
from research.training.loop import fit, predict
from research.training.machine import make_accelerator, process_state


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A model, a split and training options; `folder` is the run folder, `group` the name that runs are shown under."""

    name: str
    model: ModelConfig | PictureConfig
    train: TrainConfig
    split: Split
    n_folds: int
    folder: Path

    @property
    def group(self) -> str:
        return self.folder.parent.name


Build = Callable[[], tuple[nn.Module, Mapping[str, SongSet]]]
"""A new model, and its songs by part: "train", "valid", "test"; the last two are missing if the split has none."""


def load_corpus(table: Path, inputs: InputConfig, model: ModelConfig) -> Songs:
    """A prepared corpus with the features that a model reads; missing features are computed and cached.

    Raises:
        FileNotFoundError: no such table.
        ValueError: a fault in it, or an encoder that cannot be loaded.
    """
    processes = process_state()
    tracks = read_tracks(table)
    stores, altered = [], []
    if model.audio is not None and tracks.frame["audio"].notna().any():
        front_ends = _front_ends(tracks, inputs, model)
        with processes.main_process_first():
            _fetch_weights(front_ends)
            stores = [build_store(tracks, folder, front_end) for folder, front_end in front_ends]
            altered = [
                [
                    build_store(tracks, Path(f"{folder}--altered-{copy}"), AlteredSound(front_end=front_end, copy=copy))
                    for folder, front_end in front_ends
                ]
                for copy in range(1, inputs.altered_copies + 1)
            ]
    tokenize = embed = None
    if model.lyrics is not None and tracks.frame["lyrics"].notna().any():
        tokenize, embed = lyrics_readers(inputs, model.lyrics, tracks.folder / "embeddings")
    with processes.main_process_first():
        songs = load_songs(tracks, inputs, stores, tokenize, embed, altered)
    skipped = {track_id: reason for store in stores for track_id, reason in store.skipped.items()}
    if skipped and processes.is_main_process:
        print(f"{table}: {len(skipped)} songs have unreadable audio and are used without it:", file=sys.stderr)
        for track_id, reason in skipped.items():
            print(f"  {track_id}: {reason}", file=sys.stderr)
    return songs


def lyrics_readers(inputs: InputConfig, lyrics: LyricsConfig, folder: Path) -> tuple[Tokenize, EmbedWords | None]:
    """Functions from texts to token ids and, for a frozen encoder, to embeddings, which are cached in `folder`."""
    tokenize = partial(tokenize_lyrics, tokenizer=load_tokenizer(lyrics), max_tokens=inputs.max_tokens)
    if not lyrics.frozen:
        return tokenize, None
    return tokenize, partial(lyrics_vectors, config=lyrics, max_tokens=inputs.max_tokens, folder=folder)


def _front_ends(tracks: TrackTable, inputs: InputConfig, model: ModelConfig) -> list[tuple[Path, FrontEnd]]:
    if not model.audio.frozen:
        return [(tracks.folder / inputs.stored, inputs.front_end)]
    embeddings = tracks.folder / "embeddings"
    return [(embeddings / name.replace("/", "--"), frozen_encoder(name)) for name in model.audio.frozen]


def _fetch_weights(front_ends: list[tuple[Path, FrontEnd]]) -> None:
    # All at once: the last encoder's missing weights should not be told after hours of the others' work.
    for folder, front_end in front_ends:
        if isinstance(front_end, FrozenEncoder) and not (folder / COMPLETE).exists():
            front_end.fetch()


def run_trial(songs: Songs, trial: Trial, held_out: pd.DataFrame | None = None) -> None:
    """Train, select the epoch on validation songs, predict the test songs once. A finished run is not changed.

    Args:
        held_out: for a trial on all songs, which leaves none to predict: what the models of a cross-validation answered
            for those that they had not learned from, kept in place of the validation songs' predictions.

    Raises:
        ValueError: the folder holds a run of another configuration, or a part of the split has no song.
    """
    assert held_out is None or not len(trial.split.test), "test songs are answered by the model itself"
    split, parts = trial.split, ("train",) if held_out is not None else ("train", "valid", "test")
    if empty := [part for part in parts if not len(getattr(split, part))]:
        raise ValueError(f"{trial.folder}: the split has no song for {', '.join(empty)}; use fewer folds or more songs")
    said = {"inputs": asdict(songs.inputs), "labels": songs.space.moods}
    if songs.space.tags:
        said["tags"] = songs.space.tags
    if np.isin(trial.split.valid, trial.split.test).any():
        said["selected_on"] = "test"
    said |= labels_met(trial.model, songs.tracks.corpus)
    run_parts(songs.tracks, trial, said, partial(_classifier_and_parts, songs, trial), held_out)


def labels_met(model: ModelConfig, corpus: Corpus) -> dict[str, list[str]]:
    """What a run's configuration says of frozen encoders that learned from the source of the corpus' labels."""
    met = met_labels(model.audio.frozen if model.audio else (), corpus)
    return {"met_labels": met} if met else {}


def run_parts(
    tracks: TrackTable, trial: Trial, inputs: Mapping[str, Any], build: Build, held_out: pd.DataFrame | None = None
) -> None:
    """`run_trial` for any model and any way of reading songs.

    Args:
        inputs: what the run's configuration says besides corpus, split, model and training: input settings, and the
            labels if they are not the corpus' moods.
        build: called after the seed of the initial weights is set, unless the run is finished.

    Raises:
        ValueError: the folder holds a run of another configuration, or another program trains it.
    """
    with held(trial.folder) if process_state().is_main_process else nullcontext():
        _run_held(tracks, trial, inputs, build, held_out)
    process_state().wait_for_everyone()  # the main one writes the predictions, others may read them next


def load_model(songs: Songs, trial: Trial) -> MoodClassifier:
    """The model of a finished trial with its best weights, in eval mode."""
    model = MoodClassifier(trial.model, n_labels=len(songs.space), n_mels=songs.inputs.mel.n_mels, pretrained=False)
    RunFolder.load(trial.folder).load_weights(model)
    return model.eval()


def _run_held(
    tracks: TrackTable, trial: Trial, inputs: Mapping[str, Any], build: Build, held_out: pd.DataFrame | None
) -> None:
    accelerator = make_accelerator(trial.train)
    split, seed = trial.split, trial.train.seed
    config = {
        **describe_run(tracks, split, name=trial.name, group=trial.group, n_folds=trial.n_folds, seed=seed),
        "processes": accelerator.num_processes,
        **inputs,
        "model": asdict(trial.model),
        "train": asdict(trial.train),
    }
    with accelerator.main_process_first():
        run = RunFolder.open(trial.folder, config)
    if run.finished:
        accelerator.print(f"{trial.folder}: finished before, kept")
        return
    torch.manual_seed(seed)
    model, parts = build()
    if not accelerator.is_main_process:
        _train_and_test(model, parts, tracks, trial, run)
        return
    with track(run, group=trial.group, tags=[tracks.corpus.name, split.protocol, trial.name]) as tracker:
        predictions, result = _train_and_test(model, parts, tracks, trial, run, tracker)
        if "test" in parts:
            test = predictions[predictions["split"] == "test"]
            n_tags = parts["test"].n_tags
            tracker.log_test(test, run.config["labels"], score_songs(test, n_tags), run.config.get("tags", ()))
        run.write_artists(_learned_artists(tracks, split))
        run.finish(predictions if held_out is None else held_out.assign(split="valid"), result)


def _learned_artists(tracks: TrackTable, split: Split) -> set[str]:
    keys = tracks.artist_keys  # of songs without an artist too: another table may hold the same songs
    return {keys[row] for rows in (split.train, split.valid) for row in rows}


def _classifier_and_parts(songs: Songs, trial: Trial) -> tuple[MoodClassifier, dict[str, SongDataset]]:
    split = trial.split
    model = MoodClassifier(trial.model, n_labels=len(songs.space), n_mels=songs.inputs.mel.n_mels)
    model.standardise(
        songs.audio_vectors[split.train[songs.has_audio[split.train]]],
        songs.lyrics_vectors[split.train[songs.has_lyrics[split.train]]],
    )
    return model, {
        name: SongDataset(
            songs,
            rows,
            read_audio=trial.model.audio is not None,
            read_lyrics=trial.model.lyrics is not None,
            augmentation=trial.train.augmentation if name == "train" else None,
            seed=trial.train.seed,
        )
        for name, rows in {"train": split.train, "valid": split.valid, "test": split.test}.items()
        if len(rows)
    }


def _train_and_test(
    model: nn.Module,
    parts: Mapping[str, SongSet],
    tracks: TrackTable,
    trial: Trial,
    run: RunFolder,
    tracker: Tracker | None = None,
) -> tuple[pd.DataFrame, dict[str, float]]:
    train = trial.train
    progress = fit(model, parts["train"], parts.get("valid"), train, run, tracker)
    frames = []
    for name in ("valid", "test"):
        if name not in parts:
            continue
        found = predict(model, parts[name], train)
        place = {"split": name, "fold": trial.split.fold, "seed": train.seed}
        frames.append(prediction_frame(tracks, found.rows, found.logits, found.targets, **place))
    result = {
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "train_songs": len(parts["train"]),
        "train_s": round(progress.seconds, 1),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "trained_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(), result
