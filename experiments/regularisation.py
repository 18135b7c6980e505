"""What keeps a model from overfitting few songs? (paper: regularisation table)

Run: python experiments/regularisation.py --tracks data/qaed4/tracks.parquet --seeds 2 --out runs/regularisation-qaed4
Each change alone against the same training without it: label smoothing, dropout, weight decay, mixup, weight averaging,
modality dropout; with frozen encoders also half of a song's segments; with trainable networks masks and gain on the
spectrogram; with --altered-copies 2 also altered audio, in a third of all steps.
Cost: 3 to 6 s a training, 5 minutes in all. Expected on qaed4, 5 folds, 2 seeds, macro-F1: dropout .743 (best on
validation songs), pieces .747, average .744, weight-decay .744, plain .742, mixup .732, label-smoothing .731.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from experiments.fusion import Side, model_of
from experiments.grid import FROZEN, STEADY, Grid, grid_splits, report_grid, run_grid
from research.command import run_command
from research.data.augmentation import Augmentation
from research.models.classifier import ModelConfig
from research.training.config import TrainConfig
from research.trials import load_corpus

REFERENCE = "plain"
NOTHING = Augmentation(time_mask=0, mel_mask=0, drop_audio=0.0, drop_lyrics=0.0)


@dataclass(frozen=True, kw_only=True)
class Config:
    grid: tyro.conf.OmitArgPrefixes[Grid] = Grid(
        tracks=Path("data/qaed4/tracks.parquet"), out=Path("runs/regularisation")
    )
    model: ModelConfig = FROZEN
    side: Side = "fusion"
    """fusion: audio and lyrics, as far as the corpus has them; audio or lyrics: that modality alone."""
    train: TrainConfig = STEADY
    """What all trainings share."""


def variants(
    model: ModelConfig, train: TrainConfig, altered_copies: int = 0
) -> dict[str, tuple[ModelConfig, TrainConfig]]:
    """Each change by name, on top of a training with none."""
    bare_model = replace(model, dropout=0.0)
    bare = replace(train, label_smoothing=0.0, weight_decay=0.0, augmentation=NOTHING, mixup=0.0, average=0.0)
    changes = {
        REFERENCE: bare,
        "label-smoothing": replace(bare, label_smoothing=0.1),
        "weight-decay": replace(bare, weight_decay=1.0),
        "mixup": replace(bare, mixup=0.4),
        "average": replace(bare, average=0.99),
    }
    if model.audio is not None and model.lyrics is not None:
        changes["drop-sides"] = replace(bare, augmentation=replace(NOTHING, drop_audio=0.2, drop_lyrics=0.2))
    if model.audio is not None and model.audio.frozen:
        changes["pieces"] = replace(bare, augmentation=replace(NOTHING, pieces=0.5))
    if model.audio is not None and altered_copies:
        changes["altered"] = replace(bare, augmentation=replace(NOTHING, altered=1 / 3))
    if model.audio is not None and not model.audio.frozen:
        changes["masks"] = replace(bare, augmentation=replace(NOTHING, time_mask=40, mel_mask=16))
        changes["gain"] = replace(bare, augmentation=replace(NOTHING, gain_db=6.0))
    if model.lyrics is not None and not model.lyrics.frozen:
        changes["drop-words"] = replace(bare, augmentation=replace(NOTHING, drop_words=0.2))
    found = {name: (bare_model, change) for name, change in changes.items()}
    return found | {"dropout": (replace(model, dropout=0.5), bare)}


def main(config: Config) -> None:
    songs = load_corpus(config.grid.tracks, config.grid.inputs, config.model)
    model = model_of(config.side, config.model, songs)
    compared = variants(model, config.train, config.grid.inputs.altered_copies)
    run_grid(config.grid, songs, grid_splits(config.grid, songs), compared)
    report_grid(config.grid, REFERENCE)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
