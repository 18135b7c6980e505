"""How good is a model that learns from all songs of a corpus, none kept apart for testing? (paper: none)

Run: make model CORPUS=qaed4 SOURCE=FOLDER
     python experiments/whole_corpus.py --tracks data/qaed4/tracks.parquet
The recipe that did best in the other experiments (frozen encoders, each modality trained as an expert of its own) is
cross-validated first, then trained on all songs. What the folds answered for their test songs calibrates that model and
stands in its model card as the accuracy to expect. The recipe was chosen on qaed4, mirex_like and nju_musicmood: there
that accuracy may be slightly optimistic, on your own songs it is not.
Writes to runs/whole-CORPUS/ a run per fold and model/, for `mood predict --run`, `mood demo` and `mood export`; to
reports/whole-CORPUS/ the report of the cross-validation.
Cost: 0.6 to 1.1 s a clip once for the four audio encoders, then 3 to 10 s a training. Expected accuracy of the
cross-validation, 5 folds: qaed4 .739, mirex_like .507, nju_musicmood .534.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from experiments.compare import report
from experiments.fusion import model_of
from experiments.grid import FROZEN, STEADY
from research.command import run_command
from research.data.songs import InputConfig
from research.models.classifier import ModelConfig
from research.splits.folds import all_songs, artist_folds, leakage
from research.tracks import read_tracks
from research.training.config import TrainConfig
from research.training.machine import process_state
from research.trials import Trial, load_corpus, run_trial

NAME = "recipe"


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path
    """Track table written by `python -m data_prep CORPUS`."""
    out: Path | None = None
    """One run folder per fold, and model/; by default runs/whole-CORPUS."""
    folds: int = 5
    """Artist-disjoint folds of the cross-validation."""
    inputs: InputConfig = InputConfig()
    model: ModelConfig = FROZEN
    train: TrainConfig = replace(STEADY, side_loss=1.0)
    """Must keep the last epoch: there are no songs to select one on."""


def main(config: Config) -> None:
    train = config.train
    if train.select_by != "last":
        raise ValueError(f"select_by {train.select_by} needs validation songs; set train.select_by last")
    out = config.out or Path("runs") / f"whole-{read_tracks(config.tracks).corpus.name}"
    songs = load_corpus(config.tracks, config.inputs, config.model)
    model, is_main = model_of("fusion", config.model, songs), process_state().is_main_process
    answers = []
    for split in artist_folds(songs.tracks, config.folds):
        if is_main:
            print(leakage(songs.tracks, split, songs.digests).summary())
        folder = out / f"{NAME}-fold{split.fold}-seed{train.seed}"
        run_trial(songs, Trial(name=NAME, model=model, train=train, split=split, n_folds=config.folds, folder=folder))
        answers.append(pd.read_parquet(folder / "predictions.parquet").query("split == 'test'"))
    split, folder = all_songs(songs.tracks), out / "model"
    whole = Trial(name=NAME, model=model, train=train, split=split, n_folds=config.folds, folder=folder)
    run_trial(songs, whole, held_out=pd.concat(answers, ignore_index=True))
    if is_main:
        report([out], Path("reports") / out.name, tracks=config.tracks)
        print(f"a model of all {len(split.train)} songs: mood predict song.mp3 --run {folder}")


if __name__ == "__main__":
    run_command(main, Config, __doc__)
