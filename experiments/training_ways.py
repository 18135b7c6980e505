"""Does training on short windows in bf16 cost accuracy compared with whole pictures in fp32? (paper: training table)

Run: python experiments/training_ways.py --tracks data/qaed4/tracks.parquet --seeds 1 --out runs/training-ways-qaed4
`mood bench --only train_vs_slides` times these variants; here their accuracy is compared. A ResNet18 is trained from
scratch on the slides' picture of a song's whole spectrogram, in fp32, with the slides' recipe (SGD, learning rate cut
every 7 epochs); or on one 5 s window of its log-mel per epoch, in bf16, with ours (AdamW, warm-up and cosine,
SpecAugment, six windows a song for the answer); and the latter in fp32. All have the same songs, epochs and batches;
the best epoch is selected on validation songs.
Cost: 27 to 50, 5 to 7 and 9 to 19 minutes a training on one busy core, 5 hours in all. Measured on qaed4, one seed,
accuracy: windows-bf16 .646 [.610, .680], windows-fp32 .637 [.602, .672], pictures-fp32 .581 [.544, .616], majority
.250; windows-bf16 - pictures-fp32 +6.5 points [+2.8, +10.3], p .002.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import tyro

from experiments.grid import Grid, grid_splits, grid_trials, report_grid
from research.command import run_command
from research.data.pictures import PictureDataset, Pictures, load_pictures, picture_parts
from research.data.songs import Songs
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig
from research.models.picture import PictureClassifier, PictureConfig
from research.training.config import TrainConfig
from research.training.machine import process_state
from research.training.recipes import SLIDES
from research.trials import Trial, load_corpus, run_parts, run_trial

REFERENCE = "pictures-fp32"
SOUND = ModelConfig(audio=AudioConfig(network="resnet18", weights=None), lyrics=None)
OURS = TrainConfig(epochs=SLIDES.epochs, patience=SLIDES.patience, batch_size=SLIDES.batch_size)
WAYS: dict[str, tuple[ModelConfig | PictureConfig, TrainConfig]] = {
    REFERENCE: (PictureConfig(), replace(SLIDES, precision="fp32")),
    "windows-bf16": (SOUND, replace(OURS, precision="bf16")),
    "windows-fp32": (SOUND, replace(OURS, precision="fp32")),
}
"""The last tells what the precision does from what the input does; on a GPU its products are TF32."""


@dataclass(frozen=True, kw_only=True)
class Config:
    grid: tyro.conf.OmitArgPrefixes[Grid] = Grid(
        tracks=Path("data/qaed4/tracks.parquet"), out=Path("runs/training_ways"), seeds=1
    )


def run_ways(grid: Grid, songs: Songs, ways: Mapping[str, tuple[ModelConfig | PictureConfig, TrainConfig]]) -> None:
    """Train all ways on one fold with one seed before the next, so that an interrupted job has pairs to compare."""
    with process_state().main_process_first():
        pictures = load_pictures(songs.tracks, songs.store, songs.tracks.folder / "pictures")
    trials = grid_trials(grid, grid_splits(grid, songs), ways)
    for trial in sorted(trials, key=lambda trial: (trial.split.fold, trial.train.seed)):
        if isinstance(trial.model, PictureConfig):
            inputs = {"inputs": {"mel": asdict(songs.inputs.mel)}}
            run_parts(songs.tracks, trial, inputs, partial(_classifier_and_parts, songs, pictures, trial))
        else:
            run_trial(songs, trial)


def _classifier_and_parts(
    songs: Songs, pictures: Pictures, trial: Trial
) -> tuple[PictureClassifier, Mapping[str, PictureDataset]]:
    model = PictureClassifier(trial.model, len(songs.space))
    return model, picture_parts(songs.tracks, pictures, trial.split, trial.train.seed)


def main(config: Config) -> None:
    songs = load_corpus(config.grid.tracks, config.grid.inputs, SOUND)
    run_ways(config.grid, songs, WAYS)
    report_grid(config.grid, REFERENCE)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
