"""Do audio and lyrics together beat either alone? (paper: main table)

Run: accelerate launch experiments/fusion.py --tracks data/mirex_like/tracks.parquet --out runs/mirex_like
Writes to reports/<name of --out>/: audio, lyrics and fusion with intervals, and the differences between them.
Cost: 2 minutes a fold of the embedded corpus on two cores, 5 of mirex_like. Expected accuracy on the embedded corpus,
--folds 3, seed 0: audio .779, lyrics .658, fusion .829 (majority .250). On mirex_like, seed 0 (majority .253), with
--model.audio.frozen musicnn-msd musicnn-jamendo jamendo-mood-cnn statistics: audio .433, lyrics .429, fusion .489; with
--train.side-loss 0 and --model.audio.weights set to ImageNet weights up to layer3: .443, .428, .463.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from experiments.compare import report
from research.command import run_command
from research.data.songs import InputConfig, Songs
from research.models.classifier import ModelConfig
from research.models.lyrics import MINILM, LyricsConfig
from research.splits.folds import leakage, make_splits
from research.training.config import TrainConfig
from research.training.machine import process_state
from research.trials import Trial, load_corpus, run_trial

Side = Literal["fusion", "audio", "lyrics"]


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path = Path("data/synthetic/tracks.parquet")
    """Track table written by `python -m data_prep CORPUS`."""
    out: Path = Path("runs/fusion")
    """One run folder per model, fold and seed; finished runs are kept, interrupted ones resume."""
    protocol: str = "artist"
    """How songs are split: artist (disjoint folds), official (the corpus' own), random (artists leak)."""
    folds: int = 5
    """Number of folds; each is tested once."""
    inputs: InputConfig = InputConfig()
    model: ModelConfig = ModelConfig(lyrics=LyricsConfig(model=MINILM, trainable_layers=0))
    """The fusion model; the single-modality models are the same without the other encoder."""
    train: TrainConfig = TrainConfig(side_loss=0.5)


def models(fusion: ModelConfig, songs: Songs) -> dict[str, ModelConfig]:
    """The fusion model and its two single-modality models; on a corpus with one modality, the model of that one."""
    sides = {"audio": replace(fusion, lyrics=None), "lyrics": replace(fusion, audio=None)}
    found = {"audio": songs.has_audio.any(), "lyrics": songs.has_lyrics.any()}
    here = {name: model for name, model in sides.items() if found[name]}
    return here | {"fusion": fusion} if len(here) == 2 else here


def model_of(side: Side, fusion: ModelConfig, songs: Songs) -> ModelConfig:
    """The model of one modality, or of both; on a corpus with one modality, that one stands for both.

    Raises:
        ValueError: the corpus has nothing of that side.
    """
    here = models(fusion, songs)
    if not here or (side != "fusion" and side not in here):
        raise ValueError(
            f"{songs.tracks.corpus.name} has {' and '.join(here) or 'neither audio nor lyrics'}, not {side}"
        )
    return here.get(side) or next(iter(here.values()))


def main(config: Config) -> None:
    songs = load_corpus(config.tracks, config.inputs, config.model)
    splits = make_splits(songs.tracks, config.protocol, config.folds, config.train.seed)
    compared = models(config.model, songs)
    is_main = process_state().is_main_process
    if is_main and "fusion" not in compared:
        print(f"{config.tracks} has only {', '.join(compared) or 'metadata'}: nothing to fuse")
    for split in splits:
        if is_main:
            print(leakage(songs.tracks, split, songs.digests).summary())
        for name, model in compared.items():
            folder = config.out / f"{name}-fold{split.fold}-seed{config.train.seed}"
            run_trial(
                songs,
                Trial(name=name, model=model, train=config.train, split=split, n_folds=len(splits), folder=folder),
            )
    if is_main:
        report([config.out], Path("reports") / config.out.name, tracks=config.tracks)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
