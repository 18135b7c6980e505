"""Do sound and words together beat either side alone? (paper: main table)

Run: accelerate launch experiments/fusion.py --tracks data/mirex_like/tracks.parquet --out runs/mirex_like
Ends in reports/<name of --out>/: audio, lyrics and fusion with intervals, and the differences between them.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from experiments.compare import report
from research.data import InputConfig
from research.models.classifier import ModelConfig
from research.models.lyrics import MINILM, LyricsConfig
from research.splits import leakage, make_splits
from research.training import TrainConfig, make_accelerator
from research.trials import Trial, load_corpus, run_trial


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path = Path("data/synthetic/tracks.parquet")
    """Track table written by `python -m data_prep CORPUS`."""
    out: Path = Path("runs/fusion")
    """One run folder a model and fold; runs that are finished are kept, interrupted ones go on."""
    protocol: str = "artist"
    """How songs are split: artist (disjoint folds), official (the corpus' own), random (artists leak)."""
    folds: int = 5
    """Parts of the corpus; each is tested once."""
    inputs: InputConfig = InputConfig()
    model: ModelConfig = ModelConfig(lyrics=LyricsConfig(model=MINILM, trainable_layers=0))
    """The fusion model; the one-side models are the same without the other encoder."""
    train: TrainConfig = TrainConfig()


def models(fusion: ModelConfig) -> dict[str, ModelConfig]:
    return {"audio": replace(fusion, lyrics=None), "lyrics": replace(fusion, audio=None), "fusion": fusion}


def main(config: Config) -> None:
    songs = load_corpus(config.tracks, config.inputs, config.model.lyrics)
    splits = make_splits(songs.tracks, config.protocol, config.folds, config.train.seed)
    main_process = make_accelerator(config.train).is_main_process
    digests = songs.store.digests if songs.store else {}
    for split in splits:
        if main_process:
            print(leakage(songs.tracks, split, digests).summary())
        for name, model in models(config.model).items():
            folder = config.out / f"{name}-fold{split.fold}"
            run_trial(
                songs,
                Trial(name=name, model=model, train=config.train, split=split, n_folds=len(splits), folder=folder),
            )
    if main_process:
        report([config.out], Path("reports") / config.out.name)


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__, config=(tyro.conf.AvoidSubcommands,)))
