"""Train the model to use on one's own songs, and say how good it is. (paper: none)

Run: make model CORPUS=qaed4 SOURCE=FOLDER
     python experiments/final_model.py --tracks data/qaed4/tracks.parquet
Cross-validates the best recipe of the other experiments: frozen encoders, each modality trained as an expert of its
own. Then trains it on all songs, which no test song has to be kept from any more. The answers of the cross-validation
calibrate that model and are the numbers of its model card. Writes to runs/final-CORPUS/: a run per fold, and model/ for
`mood predict --run`, `mood demo` and `mood export`.
Cost: 0.6 to 1.1 s a clip once for the four audio encoders, then 3 to 10 s a training. Expected accuracy of the
cross-validation, 5 folds: qaed4 .739, mirex_like .507, nju_musicmood .534.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from experiments.fusion import model_of
from experiments.grid import FROZEN, STEADY, Grid, grid_splits, grid_trials, report_grid, run_grid
from research.command import run_command
from research.data.songs import InputConfig
from research.models.classifier import ModelConfig
from research.splits.folds import all_songs
from research.tracks import read_tracks
from research.training.config import TrainConfig
from research.training.machine import process_state
from research.trials import Trial, load_corpus, run_trial

NAME = "final"


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path
    """Track table written by `python -m data_prep CORPUS`."""
    out: Path | None = None
    """One run folder per fold, and model/; by default runs/final-CORPUS."""
    folds: int = 5
    """Artist-disjoint folds of the cross-validation."""
    inputs: InputConfig = InputConfig()
    model: ModelConfig = FROZEN
    train: TrainConfig = replace(STEADY, side_loss=1.0)
    """Must keep the last epoch: there are no songs to select one on."""


def main(config: Config) -> None:
    if config.train.select_by != "last":
        raise ValueError(f"select_by {config.train.select_by} needs validation songs; set train.select_by last")
    out = config.out or Path("runs") / f"{NAME}-{read_tracks(config.tracks).corpus.name}"
    songs = load_corpus(config.tracks, config.inputs, config.model)
    model = model_of("fusion", config.model, songs)
    grid = Grid(tracks=config.tracks, out=out, folds=config.folds, seeds=1, inputs=config.inputs)
    splits, models = grid_splits(grid, songs), {NAME: (model, config.train)}
    run_grid(grid, songs, splits, models)
    answers = [pd.read_parquet(trial.folder / "predictions.parquet") for trial in grid_trials(grid, splits, models)]
    held_out = pd.concat([frame[frame["split"] == "test"] for frame in answers], ignore_index=True)
    everything = Trial(
        name=NAME,
        model=model,
        train=config.train,
        split=all_songs(songs.tracks),
        n_folds=len(splits),
        folder=out / "model",
    )
    run_trial(songs, everything, held_out)
    report_grid(grid)
    if process_state().is_main_process:
        print(f"model of all {len(everything.split.train)} songs: mood predict song.mp3 --run {everything.folder}")


if __name__ == "__main__":
    run_command(main, Config, __doc__)
