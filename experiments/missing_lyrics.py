"""What remains of a fusion model when lyrics are missing, wrong or in another language? (paper: robustness table)

Run: python experiments/missing_lyrics.py --tracks data/mirex_like/tracks.parquet --seeds 2 --out runs/missing-mirex
Trains audio and fusion as usual, and fusion once more on training songs with wrong or no lyrics ("warned"); then
changes the lyrics of the test songs only and predicts again. Each condition is a run of its own beside the audio-only
model, so that the comparison reads like any other.
Cost: 3 to 8 s a training, 5 minutes in all. Expected on mirex_like, 5 folds, 2 seeds, --foreign with French and Spanish
lyrics, accuracy, where audio has .437: whole .487, half gone .451, all gone .415, foreign .408, wrong .380; warned:
whole .482, half gone .458, all gone .416, wrong .381.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro

from experiments.fusion import models as sides_of
from experiments.grid import FROZEN, STEADY, Grid, grid_splits, grid_trials, report_grid, run_grid
from research.command import run_command
from research.data.dataset import SongDataset
from research.data.songs import NO_WORDS, Songs
from research.models.classifier import ModelConfig
from research.runs import RunFolder, describe_run, prediction_frame
from research.training.config import TrainConfig
from research.training.loop import predict
from research.training.machine import process_state
from research.trials import Trial, load_corpus, load_model, lyrics_readers

GONE = (0.25, 0.5, 0.75, 1.0)
"""Shares of the songs that lose their lyrics."""
WARNED = {"swap_lyrics": 0.3, "drop_lyrics": 0.4, "drop_audio": 0.1}
"""How a fusion model is trained to rely on audio: the best of a dozen settings (shares, fusion methods) on validation
songs with their own, wrong or no lyrics."""
Condition = Callable[[Songs, np.random.Generator], Songs]


@dataclass(frozen=True, kw_only=True)
class Config:
    grid: tyro.conf.OmitArgPrefixes[Grid] = Grid(
        tracks=Path("data/mirex_like/tracks.parquet"), out=Path("runs/missing_lyrics")
    )
    model: ModelConfig = FROZEN
    train: TrainConfig = STEADY
    foreign: Path | None = None
    """Folder with lyrics in another language, one .txt file per song, replacing those of the test songs; None leaves
    that condition out."""


def without_words(share: float) -> Condition:
    """A random share of all songs has no lyrics."""

    def change(songs: Songs, generator: np.random.Generator) -> Songs:
        gone = generator.permutation(len(songs.tokens)) < round(share * len(songs.tokens))
        tokens = [NO_WORDS if is_gone else ids for ids, is_gone in zip(songs.tokens, gone, strict=True)]
        return replace(songs, tokens=tokens)

    return change


def wrong_words(songs: Songs, generator: np.random.Generator) -> Songs:
    """Every song has the lyrics of a song by another artist."""
    artists = np.array(songs.tracks.artist_keys, dtype=object)
    read = np.flatnonzero(songs.has_lyrics)
    other = np.arange(len(artists))
    for row in read:
        other[row] = generator.choice(read[artists[read] != artists[row]])
    return replace(songs, tokens=[songs.tokens[row] for row in other], lyrics_vectors=songs.lyrics_vectors[other])


def foreign_words(folder: Path, config: Config) -> Condition:
    """Every song has the lyrics of one of the files in `folder`.

    Raises:
        ValueError: the folder holds no text.
    """
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.txt"))]
    if not texts:
        raise ValueError(f"{folder} contains no .txt file; give a folder with one lyrics file per song")
    tokenize, embed = lyrics_readers(config.grid.inputs, config.model.lyrics, config.grid.tracks.parent / "embeddings")
    tokens, vectors = tokenize(texts), embed(texts) if embed else None

    def change(songs: Songs, generator: np.random.Generator) -> Songs:
        chosen = generator.integers(len(texts), size=len(songs.tokens))
        words = [tokens[place] for place in chosen]
        return replace(songs, tokens=words, lyrics_vectors=songs.lyrics_vectors if vectors is None else vectors[chosen])

    return change


def conditions(config: Config) -> Iterator[tuple[str, Condition]]:
    for share in GONE:
        yield f"{share:.0%}-gone", without_words(share)
    yield "wrong-words", wrong_words
    if config.foreign is not None:
        yield "foreign-words", foreign_words(config.foreign, config)


def trainings(train: TrainConfig) -> dict[str, TrainConfig]:
    """Training settings of the fusion model: as usual, and warned by training songs with wrong or no lyrics."""
    return {"fusion": train, "warned": replace(train, augmentation=replace(train.augmentation, **WARNED))}


def ask_again(songs: Songs, trial: Trial, name: str, condition: Condition, out: Path) -> None:
    """Predictions of a trained model for its test songs under a condition, as a run folder; a finished one is kept."""
    split, seed = trial.split, trial.train.seed
    described = describe_run(songs.tracks, split, name=name, group=out.name, n_folds=trial.n_folds, seed=seed)
    folder = out / f"{name}-fold{split.fold}-seed{seed}"
    run = RunFolder.open(folder, {**described, "answers_of": trial.folder.name})
    if run.finished:
        return
    changed = condition(songs, np.random.default_rng([seed, split.fold]))
    found = predict(load_model(songs, trial), SongDataset(changed, split.test), trial.train)
    place = {"split": "test", "fold": split.fold, "seed": seed}
    run.finish(prediction_frame(songs.tracks, found.rows, found.logits, found.targets, **place), {})


def main(config: Config) -> None:
    grid = config.grid
    songs = load_corpus(grid.tracks, grid.inputs, config.model)
    sides = sides_of(config.model, songs)
    if "fusion" not in sides:
        raise ValueError(f"{grid.tracks} has only {' and '.join(sides) or 'metadata'}: no lyrics to remove")
    splits = grid_splits(grid, songs)
    fusions = {name: (sides["fusion"], train) for name, train in trainings(config.train).items()}
    run_grid(grid, songs, splits, {"audio": (sides["audio"], config.train)} | fusions)
    if process_state().is_main_process:
        for name, condition in conditions(config):
            for trial in grid_trials(grid, splits, fusions):
                ask_again(songs, trial, f"{trial.name}-{name}", condition, grid.out)
    report_grid(grid, "audio")


if __name__ == "__main__":
    run_command(main, Config, __doc__)
