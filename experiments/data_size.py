"""How much do more songs help, and how would the curve continue? (paper: learning curve)

Run: python experiments/data_size.py --tracks data/qaed4/tracks.parquet --seeds 2 --out runs/data-size-qaed4
Trains on parts of the training songs and tests on the same test songs; artists are left out whole, except for one.
Writes to reports/<name of --out>/: the comparison, and data_size.pdf and .png.
Cost: 1 to 5 s a training, 3 minutes in all. Expected on qaed4, 5 folds, 2 seeds, accuracy: .620 from 63 songs, .665
from 126, .712 from 252, .742 from 504.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro

from experiments.fusion import Side, model_of
from experiments.grid import FROZEN, STEADY, Grid, grid_splits, report_grid, run_grid
from research.command import run_command
from research.models.classifier import ModelConfig
from research.reports.figures.size import data_size_curve
from research.reports.figures.style import save_figure
from research.reports.predictions import find_runs, read_runs
from research.reports.scores import score_models
from research.splits.folds import Split
from research.tracks import TrackTable
from research.training.config import TrainConfig
from research.training.machine import process_state
from research.trials import load_corpus


@dataclass(frozen=True, kw_only=True)
class Config:
    grid: tyro.conf.OmitArgPrefixes[Grid] = Grid(tracks=Path("data/qaed4/tracks.parquet"), out=Path("runs/data_size"))
    shares: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0)
    """Shares of the training songs."""
    model: ModelConfig = FROZEN
    side: Side = "fusion"
    """fusion: audio and lyrics, as far as the corpus has them; audio or lyrics: that modality alone."""
    train: TrainConfig = STEADY


def part_of(split: Split, tracks: TrackTable, share: float) -> Split:
    """The split with fewer training songs: artist by artist, in an order that is each fold's own, to the share exactly.

    A smaller part lies within every larger one; of the last artist it may have some songs only.
    """
    artists = np.array(tracks.artist_keys)[split.train]
    order = np.random.default_rng(split.fold).permutation(np.unique(artists))
    rank = {artist: place for place, artist in enumerate(order)}
    by_artist = np.argsort([rank[artist] for artist in artists], kind="stable")
    return replace(split, train=np.sort(split.train[by_artist[: round(share * len(artists))]]))


def main(config: Config) -> None:
    grid = config.grid
    songs = load_corpus(grid.tracks, grid.inputs, config.model)
    model, splits = model_of(config.side, config.model, songs), grid_splits(grid, songs)
    for share in config.shares:
        parts = [part_of(split, songs.tracks, share) for split in splits]
        run_grid(grid, songs, parts, {f"{share:.1%}": (model, config.train)})
    if process_state().is_main_process:
        report_grid(grid)
        scores = {score.name: score for score in score_models(read_runs(find_runs(grid.out)))}
        n_train = np.mean([len(split.train) for split in splits])
        points = [(share * n_train, scores[f"{share:.1%}"]) for share in config.shares]
        save_figure(data_size_curve(points), grid.reports, "data_size")


if __name__ == "__main__":
    run_command(main, Config, __doc__)
