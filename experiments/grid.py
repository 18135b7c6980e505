"""What every experiment shares: a corpus, its splits, seeds, and one run per model, fold and seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.compare import report
from research.data.songs import InputConfig, Songs
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig
from research.models.lyrics import MINILM, LyricsConfig
from research.models.picture import PictureConfig
from research.splits.folds import Split, leakage, make_splits
from research.training.config import TrainConfig
from research.training.machine import process_state
from research.trials import Trial, run_trial

TAGGERS = ("musicnn-msd", "musicnn-jamendo", "jamendo-mood-cnn", "statistics")
"""Frozen audio encoders: three networks trained to tag music, and hand-crafted features."""
FROZEN = ModelConfig(
    audio=AudioConfig(frozen=TAGGERS), lyrics=LyricsConfig(model=MINILM, trainable_layers=0), dropout=0.5
)
"""Both encoders frozen: seconds a fold once the embeddings are cached, so that seeds and folds cost little."""
STEADY = TrainConfig(epochs=20, batch_size=32, learning_rate=5e-4, select_by="last", side_loss=0.5, mixup=0.4)
"""All epochs are trained and the last is kept: some 60 validation songs cannot tell epochs apart."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    tracks: Path
    """Track table written by `python -m data_prep CORPUS`."""
    out: Path
    """One run folder per model, fold and seed; finished runs are kept, interrupted ones resume."""
    protocol: str = "artist"
    """How songs are split: artist (disjoint folds), official (the corpus' own), random (artists leak)."""
    folds: int = 5
    """Number of folds; each is tested once."""
    seeds: int = 5
    """Training runs per model and fold; the folds are those of seed 0."""
    figures: bool = True
    """Draw figures in the report; without them it takes a fraction of the time."""
    inputs: InputConfig = InputConfig()

    @property
    def reports(self) -> Path:
        return Path("reports") / self.out.name


def grid_splits(grid: Grid, songs: Songs) -> list[Split]:
    """The splits of a grid; prints their leakage."""
    splits = make_splits(songs.tracks, grid.protocol, grid.folds, seed=0)
    if process_state().is_main_process:
        for split in splits:
            print(leakage(songs.tracks, split, songs.digests).summary())
    return splits


def grid_trials(
    grid: Grid, splits: Sequence[Split], models: Mapping[str, tuple[ModelConfig | PictureConfig, TrainConfig]]
) -> Iterator[Trial]:
    """Each model on each split with each seed."""
    for name, (model, train) in models.items():
        for split in splits:
            for seed in range(grid.seeds):
                yield Trial(
                    name=name,
                    model=model,
                    train=replace(train, seed=seed),
                    split=split,
                    n_folds=len(splits),
                    folder=grid.out / f"{name}-{split.protocol}-fold{split.fold}-seed{seed}",
                )


def run_grid(
    grid: Grid, songs: Songs, splits: Sequence[Split], models: Mapping[str, tuple[ModelConfig, TrainConfig]]
) -> None:
    """Train all of `grid_trials`; finished ones are kept."""
    for trial in grid_trials(grid, splits, models):
        run_trial(songs, trial)


def report_grid(grid: Grid, reference: str | None = None) -> None:
    """The comparison of all runs of a grid, in the main process."""
    if process_state().is_main_process:
        report([grid.out], grid.reports, reference, grid.tracks, draw=grid.figures)
