"""Does fine-tuning the lyrics encoder pay, and how? (paper: fine-tuning table)

Run: python experiments/finetuning.py --tracks data/nju_musicmood/tracks.parquet --protocol official --seeds 3
     --out runs/finetuning-nju
Compared with the frozen encoder: one learning rate for all layers, a rate for each layer (ELECTRA, Clark et al. 2020,
arXiv:2003.10555), and this with gradual unfreezing from the top (ULMFiT, Howard & Ruder 2018, arXiv:1801.06146).
Cost: 11 minutes for each fine-tuning on one busy core. Expected on nju_musicmood, seed 0, macro-F1: one-rate .477,
frozen .488, layer-by-layer .519 (three seeds .517), rate-a-layer .523; measured by fusion.py with these settings, see
docs/results.md.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from experiments.grid import FROZEN, STEADY, Grid, grid_splits, report_grid, run_grid
from research.command import run_command
from research.models.classifier import ModelConfig
from research.models.lyrics import MINILM, LyricsConfig
from research.training.config import TrainConfig
from research.trials import load_corpus

REFERENCE = "frozen"
LAYER_DECAY = 0.8


@dataclass(frozen=True, kw_only=True)
class Config:
    grid: tyro.conf.OmitArgPrefixes[Grid] = Grid(
        tracks=Path("data/nju_musicmood/tracks.parquet"), out=Path("runs/finetuning"), protocol="official", seeds=3
    )
    model: ModelConfig = ModelConfig(audio=None, lyrics=LyricsConfig(model=MINILM, learning_rate=5e-5))
    """Model with the encoder that is fine-tuned."""
    train: TrainConfig = TrainConfig(epochs=8, select_by="loss")


def variants(model: ModelConfig, train: TrainConfig) -> dict[str, tuple[ModelConfig, TrainConfig]]:
    """Each fine-tuning method, by name."""
    words = model.lyrics
    still = replace(model, lyrics=replace(words, trainable_layers=0), dropout=FROZEN.dropout)
    by_layer = replace(model, lyrics=replace(words, layer_decay=LAYER_DECAY))
    return {
        REFERENCE: (still, STEADY),
        "one-rate": (model, train),
        "rate-a-layer": (by_layer, train),
        "layer-by-layer": (by_layer, replace(train, unfreeze_every=1)),
    }


def main(config: Config) -> None:
    grid = config.grid
    for name, (model, train) in variants(config.model, config.train).items():
        songs = load_corpus(grid.tracks, grid.inputs, model)
        run_grid(grid, songs, grid_splits(grid, songs), {name: (model, train)})
    report_grid(grid, REFERENCE)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
