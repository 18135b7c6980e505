"""Do the songs of other corpora help? (paper: table of joined corpora)

Run: python -m data_prep joined --source data/qaed4 data/nju_musicmood data/mirex_like --out data/three
     --rename cheerful=happy aggressive=angry poignant=sad
     python experiments/more_corpora.py --tracks data/three/tracks.parquet --seeds 2
For each corpus, two models tested on the same songs: "own songs" learned from that corpus alone, "all corpora" from the
songs of all. No artist is on both sides of a split, whatever the corpus.
Writes to reports/<name of --out>/<corpus>/.
Cost: 3 to 5 s a training, 7 minutes in all with the encoders' embeddings at hand. Expected accuracy, 5 folds, 2 seeds:
audio of qaed4 .740 from its own songs and .704 from all (-3.6 points [-6.3, -1.1]), lyrics of nju_musicmood .530 and
.526. With qaed4 and nju_musicmood alone, where each has a modality of its own: .733 and .722, .544 and .550.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from experiments.compare import report
from experiments.grid import FROZEN, STEADY, Grid, grid_splits, run_grid
from research.command import run_command
from research.models.classifier import ModelConfig
from research.splits.folds import Split
from research.tracks import TrackTable
from research.training.config import TrainConfig
from research.training.machine import process_state
from research.trials import load_corpus

OWN, ALL = "own songs", "all corpora"


@dataclass(frozen=True, kw_only=True)
class Config:
    grid: tyro.conf.OmitArgPrefixes[Grid] = Grid(
        tracks=Path("data/joined/tracks.parquet"), out=Path("runs/more_corpora")
    )
    model: ModelConfig = FROZEN
    train: TrainConfig = replace(STEADY, side_loss=1.0)
    """By default each modality is trained alone: many songs have only one."""


def tested_on(source: str, split: Split, tracks: TrackTable) -> dict[str, Split]:
    """The split's songs of one corpus to test on; to train on, its own alone or those of all corpora.

    Validation songs, which select nothing here, stay those of all corpora.
    """
    here = (tracks.frame["source"] == source).to_numpy()
    tested = replace(split, test=split.test[here[split.test]])
    return {OWN: replace(tested, train=split.train[here[split.train]]), ALL: tested}


def main(config: Config) -> None:
    grid = config.grid
    songs = load_corpus(grid.tracks, grid.inputs, config.model)
    sources = songs.tracks.frame["source"].unique()
    if len(sources) < 2:
        raise ValueError(f"{grid.tracks} has songs of {sources[0]} alone; make a table by `python -m data_prep joined`")
    splits, is_main = grid_splits(grid, songs), process_state().is_main_process
    moods = songs.tracks.frame.groupby("source")["mood"].agg(set)
    for source in sources:
        if lacking := set(songs.tracks.corpus.labels) - moods[source]:
            if is_main:
                print(f"{source} has no song that is {', '.join(sorted(lacking))}: it trains the others' models alone")
            continue
        of_source = replace(grid, out=grid.out / source)
        for name in (OWN, ALL):
            parts = [tested_on(source, split, songs.tracks)[name] for split in splits]
            run_grid(of_source, songs, parts, {name: (config.model, config.train)})
        if is_main:
            report([of_source.out], grid.reports / source, OWN, grid.tracks, draw=grid.figures)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
