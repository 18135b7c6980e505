"""The default model of `mood predict` and `mood demo`: the main experiment's fusion model on its first fold.

Run: make model, or accelerate launch experiments/default_model.py
Cost: about two minutes on two cores. `make fusion` reuses it and trains the rest.
"""

from dataclasses import dataclass
from pathlib import Path

from experiments import fusion
from research.cli import DEFAULT_RUN
from research.command import run_command
from research.splits.folds import make_splits
from research.trials import Trial, load_corpus, run_trial

FOLDS = 3
"""Of the embedded corpus in `make fusion`."""


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path = fusion.Config.tracks
    """Track table written by `python -m data_prep CORPUS`; by default of synthetic songs."""
    out: Path = DEFAULT_RUN
    """The run folder; a finished one is kept."""


def main(config: Config) -> None:
    job = fusion.Config(tracks=config.tracks, out=config.out.parent, folds=FOLDS)
    songs = load_corpus(job.tracks, job.inputs, job.model)
    split = make_splits(songs.tracks, job.protocol, job.folds, job.train.seed)[0]
    model = fusion.model_of("fusion", job.model, songs)
    run_trial(
        songs, Trial(name="fusion", model=model, train=job.train, split=split, n_folds=job.folds, folder=config.out)
    )


if __name__ == "__main__":
    run_command(main, Config, __doc__)
