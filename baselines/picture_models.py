"""The slides' two networks on any corpus: trained and measured as in the slides, or properly evaluated.

Protocol `slides`: a random quarter of the songs is tested (artists leak) and the best epoch is selected on those
same songs, so its numbers are optimistic. Protocol `honest`: artist-disjoint, the epoch selected on validation songs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool

from baselines.slides import SLIDES_MIX, SlideModel
from research.data.pictures import PictureDataset, Pictures, load_pictures, picture_parts
from research.features.audio import MelSettings
from research.features.building import build_store
from research.models.picture import PictureClassifier, PictureConfig
from research.splits.folds import Split, make_splits
from research.splits.mixes import mixed_counts, sample_moods, songs_by_mood
from research.tracks import TrackTable, read_tracks
from research.training.config import TrainConfig
from research.training.machine import process_state
from research.training.recipes import SLIDES
from research.trials import Trial, run_parts

PARTS = 4
"""One of this many parts of the songs is tested, as in the slides' 75/25 split."""
SPLIT_SEED = 0
"""The same songs are tested whatever the seed of the training, so that seeds can be pooled."""
Mix = Literal["corpus", "slides"]


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path = Path("data/synthetic/tracks.parquet")
    """Track table written by `python -m data_prep CORPUS`."""
    out: Path = Path("runs/baselines")
    """One run folder per model, protocol, fold and seed; finished runs are kept, interrupted ones resume."""
    protocol: Literal["honest", "slides"] = "honest"
    """honest: artist-disjoint, best epoch on validation; slides: random split, best epoch picked on test."""
    split: Literal["artist", "official"] = "artist"
    """Split of the honest protocol: artist-disjoint, or the corpus' official one."""
    folds: int = 1
    """How many of the honest protocol's four folds are tested; 4 tests every song."""
    seeds: int = 1
    """Training runs per split."""
    mix: Mix = "corpus"
    """slides: as many songs of each mood as keep the proportions the slides trained on, drawn once."""


def run_slide_model(model: SlideModel, picture: PictureConfig, config: Config) -> None:
    """Train and test one of the two networks under one protocol; finished runs are kept.

    Raises:
        ValueError: the corpus lacks a mood, sound, or songs to split, or the weights cannot be had; then no run folder
            is left behind.
    """
    tracks = read_tracks(config.tracks)
    _check_moods(tracks, model)
    # Weights first: what cannot be had shall neither cost the time of the features nor leave a run half begun.
    origin = PictureClassifier(picture, len(model.labels)).initialised_from
    with process_state().main_process_first():
        pictures = load_pictures(
            tracks, build_store(tracks, tracks.folder / "mel", MelSettings()), tracks.folder / "pictures"
        )
    task = task_table(tracks, model, pictures.place >= 0, config.mix)
    if config.protocol == "slides":
        splits, n_folds = [slides_split(task, model)], 1
    else:
        splits = make_splits(task, config.split, PARTS, SPLIT_SEED)
        n_folds, splits = len(splits), splits[: config.folds]
    name = run_name(model, picture, config.mix)
    said = {
        "selected_on": "test" if config.protocol == "slides" else "valid",
        "songs_by_mood": songs_by_mood(task),
        "initialised_from": origin,
        **({"mix": config.mix} if config.mix != "corpus" else {}),
    }
    for split in splits:
        for seed in range(config.seeds):
            folder = config.out / f"{name}-{split.protocol}-fold{split.fold}-seed{seed}"
            train = train_config(model, config.protocol, seed)
            trial = Trial(name=name, model=picture, train=train, split=split, n_folds=n_folds, folder=folder)
            run_parts(task, trial, said, partial(_model_and_parts, task, pictures, trial))


def run_name(model: SlideModel, picture: PictureConfig, mix: Mix) -> str:
    finetuned = "-finetuned" if picture.weights and not picture.frozen else ""
    return model.name + finetuned + (SLIDES_MIX if mix == "slides" else "")


def task_table(
    tracks: TrackTable, model: SlideModel, has_picture: Bool[np.ndarray, " songs"], mix: Mix = "corpus"
) -> TrackTable:
    """The corpus as the model's task: its moods alone, and at most as many songs of each as it samples.

    Args:
        mix: `slides` keeps the largest part of those songs whose moods stand as in the slides' training songs.
    """
    moods = tracks.frame["mood"].to_numpy(dtype=object)
    counts = {label: int(((moods == label) & has_picture).sum()) for label in model.labels}
    if model.per_class is not None:
        counts = {label: min(count, model.per_class) for label, count in counts.items()}
    if mix == "slides":
        counts = mixed_counts(counts, {label: model.train[label] for label in model.labels})
    return sample_moods(tracks, counts, SPLIT_SEED, has_picture)


def slides_split(task: TrackTable, model: SlideModel) -> Split:
    """The slides' split, validated on its own test songs: at random, or the corpus' own where all songs are used.

    Raises:
        ValueError: a mood is missing on one side.
    """
    moods, published = task.frame["mood"].to_numpy(dtype=object), task.frame["split"].to_numpy(dtype=object)
    rows = np.flatnonzero(task.frame["mood"].notna())
    test = rows[published[rows] == "test"]
    if model.per_class is None and len(test):
        train = rows[np.isin(published[rows].astype(str), ("train", "valid"))]
    else:
        # A stream of its own, so that the split has nothing to do with which songs were sampled.
        shuffled = np.random.default_rng([SPLIT_SEED, 1]).permutation(rows)
        n_test = round(len(rows) / PARTS)
        train, test = np.sort(shuffled[n_test:]), np.sort(shuffled[:n_test])
    for part, songs in (("train", train), ("test", test)):
        if absent := sorted({*task.corpus.labels} - {*moods[songs]}):
            raise ValueError(
                f"{task.corpus.name}: no {part} song of the slides' split is {', '.join(absent)}; add such songs"
            )
    return Split("slides", 0, train, test, test)


def train_config(model: SlideModel, protocol: str, seed: int) -> TrainConfig:
    """The slides' recipe with the numbers of one of their models."""
    return replace(
        SLIDES,
        epochs=model.epochs,
        patience=model.epochs,
        batch_size=model.batch_size,
        learning_rate=model.learning_rate,
        step_epochs=model.step_epochs,
        step_factor=model.step_factor,
        select_by="accuracy" if protocol == "slides" else "macro_f1",
        seed=seed,
    )


def _check_moods(tracks: TrackTable, model: SlideModel) -> None:
    found = {*tracks.frame["mood"].dropna()}
    if absent := [label for label in model.labels if label not in found]:
        raise ValueError(
            f"{tracks.corpus.name} has no song that is {', '.join(absent)}; {model.name} tells apart "
            f"{', '.join(model.labels)}: prepare a corpus with these moods"
        )
    if not tracks.frame["audio"].notna().any():
        raise ValueError(f"{tracks.corpus.name} has no audio; prepare it with audio or use the lyrics baselines")


def _model_and_parts(
    task: TrackTable, pictures: Pictures, trial: Trial
) -> tuple[PictureClassifier, Mapping[str, PictureDataset]]:
    model = PictureClassifier(trial.model, len(task.corpus.labels))
    return model, picture_parts(task, pictures, trial.split, trial.train.seed)
