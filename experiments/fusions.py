"""Which fusion method is best, and does any beat the better modality alone? (paper: fusion table)

Run: python experiments/fusions.py --tracks data/mirex_like/tracks.parquet --seeds 2 --out runs/fusions-mirex
Methods: concat, gated, late (one loss on the mean of both answers), late-sides (half of the loss on the
modalities' own answers), experts (each modality trained alone, answers averaged).
Cost: 3 to 8 s a training, 14 minutes in all on a busy core. Expected on mirex_like, 5 folds, 2 seeds, accuracy: audio
.437, lyrics .442, experts .501, late-sides .487, gated .482, concat .480, late .473; experts - lyrics +5.9 points
[+1.9, +9.9]. With a slightly different front-end of one encoder the order changed: concat .497, experts .493.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from experiments.fusion import models as sides_of
from experiments.grid import FROZEN, STEADY, Grid, grid_splits, report_grid, run_grid
from research.command import run_command
from research.models.classifier import ModelConfig
from research.training.config import TrainConfig
from research.trials import load_corpus

JOINS = {
    "concat": ("concat", 0.0),
    "gated": ("gated", 0.0),
    "late": ("late", 0.0),
    "late-sides": ("late", 0.5),
    "experts": ("late", 1.0),
}
"""Fusion of ModelConfig, and the share of the loss on the modalities' own answers."""


@dataclass(frozen=True, kw_only=True)
class Config:
    grid: tyro.conf.OmitArgPrefixes[Grid] = Grid(
        tracks=Path("data/mirex_like/tracks.parquet"), out=Path("runs/fusions")
    )
    model: ModelConfig = FROZEN
    """The model whose fusion is varied."""
    train: TrainConfig = STEADY
    """All but side_loss, which JOINS sets."""


def main(config: Config) -> None:
    songs = load_corpus(config.grid.tracks, config.grid.inputs, config.model)
    sides = sides_of(config.model, songs)
    if "fusion" not in sides:
        raise ValueError(f"{config.grid.tracks} has only {' and '.join(sides) or 'metadata'}: nothing to fuse")
    models = {name: (sides[name], replace(config.train, side_loss=0.0)) for name in ("audio", "lyrics")}
    for name, (fusion, side_loss) in JOINS.items():
        models[name] = (replace(config.model, fusion=fusion), replace(config.train, side_loss=side_loss))
    run_grid(config.grid, songs, grid_splits(config.grid, songs), models)
    report_grid(config.grid)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
