"""Does it pay to let the lyrics scale and shift the audio embedding?

Run: python experiments/film.py --tracks data/mirex_like/tracks.parquet --seeds 2 --out runs/film
Cost and expected numbers: written here after the first full run, so that the next reader can check theirs.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from experiments.grid import FROZEN, STEADY, Grid, grid_splits, report_grid, run_grid
from research.command import run_command
from research.models.classifier import ModelConfig
from research.training.config import TrainConfig
from research.trials import load_corpus

JOINS = ("late", "film")


@dataclass(frozen=True, kw_only=True)
class Config:
    grid: tyro.conf.OmitArgPrefixes[Grid] = Grid(tracks=Path("data/synthetic/tracks.parquet"), out=Path("runs/film"))
    model: ModelConfig = FROZEN
    """The model whose fusion is varied."""
    train: TrainConfig = STEADY


def main(config: Config) -> None:
    songs = load_corpus(config.grid.tracks, config.grid.inputs, config.model)
    models = {name: (replace(config.model, fusion=name), config.train) for name in JOINS}
    run_grid(config.grid, songs, grid_splits(config.grid, songs), models)
    report_grid(config.grid, reference="late")


if __name__ == "__main__":
    run_command(main, Config, __doc__)
