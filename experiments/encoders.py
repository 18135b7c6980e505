"""Which encoder of sound, which of words, tells moods best when only a small head is trained? (paper: encoder table)

Run: python experiments/encoders.py --tracks data/qaed4/tracks.parquet --seeds 2 --out runs/encoders-qaed4
Each encoder alone, and all sound encoders side by side. Encoders of transformers: --sound facebook/hubert-base-ls960.
Cost: 0.6 to 1.1 s a clip once for all four, then 3 to 5 s a training. Expected on qaed4, 5 folds, 2 seeds, macro-F1:
all-sound .734, musicnn-msd .731, musicnn-jamendo .704, jamendo-mood-cnn .688, statistics .653; joined by ensemble.py
.742.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import tyro

from experiments.grid import FROZEN, STEADY, TAGGERS, Grid, grid_splits, report_grid, run_grid
from research.command import run_command
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig
from research.tracks import read_tracks
from research.training.config import TrainConfig
from research.trials import load_corpus

ALL_SOUND = "all-sound"
POOLINGS = ("mean", "cls", "lines")


@dataclass(frozen=True, kw_only=True)
class Config:
    grid: tyro.conf.OmitArgPrefixes[Grid] = Grid(tracks=Path("data/qaed4/tracks.parquet"), out=Path("runs/encoders"))
    sound: tuple[str, ...] = TAGGERS
    """Encoders as in --model.audio.frozen of fusion.py; none for a corpus of words."""
    words: ModelConfig = field(default_factory=lambda: replace(FROZEN, audio=None))
    """The words' model, tried with each pooling."""
    train: TrainConfig = STEADY


def sound_models(names: tuple[str, ...]) -> dict[str, ModelConfig]:
    """A model of each encoder, and one of all."""
    kinds = {name: (name,) for name in names} | ({ALL_SOUND: names} if len(names) > 1 else {})
    return {
        name.replace("/", "--"): ModelConfig(audio=AudioConfig(frozen=frozen), lyrics=None)
        for name, frozen in kinds.items()
    }


def main(config: Config) -> None:
    frame = read_tracks(config.grid.tracks).frame
    models = sound_models(config.sound) if frame["audio"].notna().any() else {}
    if frame["lyrics"].notna().any():
        poolings = {f"words-{pooling}": replace(config.words.lyrics, pooling=pooling) for pooling in POOLINGS}
        models |= {name: replace(config.words, lyrics=lyrics) for name, lyrics in poolings.items()}
    for name, model in models.items():
        songs = load_corpus(config.grid.tracks, config.grid.inputs, model)
        run_grid(config.grid, songs, grid_splits(config.grid, songs), {name: (model, config.train)})
    report_grid(config.grid)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
