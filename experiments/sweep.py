"""One trial of a hyper-parameter search: a model on one fold, judged on its validation songs; test songs stay unseen.

Run: wandb sweep experiments/sweeps/heads.yaml, then wandb agent SWEEP (on as many machines as you like)
The files in experiments/sweeps/ name the options of this program to search; each trial is one W&B run, whose
`valid/macro_f1` the search reads. A search needs a W&B key; a single trial does not.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.fusion import Side, model_of
from experiments.grid import STEADY
from research.command import run_command
from research.data.songs import InputConfig
from research.models.classifier import ModelConfig
from research.models.lyrics import MINILM, LyricsConfig
from research.splits.folds import make_splits
from research.training.config import TrainConfig
from research.trials import Trial, load_corpus, run_trial


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path = Path("data/synthetic/tracks.parquet")
    """Track table written by `python -m data_prep CORPUS`."""
    out: Path = Path("runs/sweep")
    """One run folder a trial, named by its W&B id."""
    folds: int = 5
    """Artist-disjoint parts of the corpus."""
    fold: int = 0
    """The one whose training and validation songs are used."""
    inputs: InputConfig = InputConfig()
    model: ModelConfig = ModelConfig(lyrics=LyricsConfig(model=MINILM, trainable_layers=0))
    side: Side = "fusion"
    """fusion: audio and lyrics, as far as the corpus has them; audio or lyrics: that modality alone."""
    train: TrainConfig = STEADY


def main(config: Config) -> None:
    songs = load_corpus(config.tracks, config.inputs, config.model)
    if not 0 <= config.fold < config.folds:
        raise ValueError(f"fold {config.fold} is none of 0 to {config.folds - 1}; lower fold or raise folds")
    split = make_splits(songs.tracks, "artist", config.folds, seed=0)[config.fold]
    trial = os.environ.get("WANDB_RUN_ID", "alone")
    run_trial(
        songs,
        Trial(
            name=config.side,
            model=model_of(config.side, config.model, songs),
            train=config.train,
            # Validation songs stand in for the test songs, so that no search ever sees those.
            split=replace(split, test=split.valid),
            n_folds=config.folds,
            folder=config.out / trial,
        ),
    )


if __name__ == "__main__":
    run_command(main, Config, __doc__)
