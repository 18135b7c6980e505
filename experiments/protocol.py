"""How much do a random split and an epoch picked on test songs flatter? (paper: protocol table)

Run: python experiments/protocol.py --tracks data/qaed4/tracks.parquet --seeds 2 --out runs/protocol-qaed4
The same model with artists apart or at random, and the epoch picked on validation songs, on the test songs themselves,
or not at all: the last one is kept. Ends in reports/<name of --out>/: the comparison, and protocol.md with what each
liberty adds. Cost: 3 to 5 s a training, 5 minutes in all. Expected on qaed4, 5 folds, 2 seeds, points of accuracy added
to artists apart and epochs picked on validation songs: epoch picked on test songs 5.0 [+2.7, +7.3], artists on both
sides 3.4 [+1.2, +5.6], both 5.9 [+3.7, +8.2]; but the last epoch, which is no liberty, 2.6 [+0.7, +4.5].
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro

from experiments.fusion import Side, model_of
from experiments.grid import FROZEN, STEADY, Grid, report_grid, run_grid
from research.atomic import write_text
from research.command import run_command
from research.evaluation.statistics import percentile_interval
from research.models.classifier import ModelConfig
from research.reports.formats import markdown_table, points
from research.reports.predictions import find_runs, read_runs
from research.reports.scores import METRICS, ModelScore, score_models
from research.splits.folds import Split, make_splits
from research.training.config import TrainConfig
from research.training.machine import process_state
from research.trials import load_corpus

HONEST, LAST, TEST_PICKED = "validation-picked", "last-epoch", "test-picked"
PROTOCOLS = ("artist", "random")


@dataclass(frozen=True, kw_only=True)
class Config:
    grid: tyro.conf.OmitArgPrefixes[Grid] = Grid(tracks=Path("data/qaed4/tracks.parquet"), out=Path("runs/protocol"))
    """Its --protocol stays as it is: artist and random are what is compared."""
    model: ModelConfig = FROZEN
    side: Side = "fusion"
    """fusion: sound and words, as far as the corpus has them; audio or lyrics: that side of the model alone."""
    train: TrainConfig = replace(STEADY, select_by="macro_f1")
    """Epochs must be picked for the question to make sense."""


def picked_on_test(split: Split) -> Split:
    """The same songs trained and tested, but the test songs choose the epoch: NOT an honest split."""
    return replace(split, valid=split.test)


def write_liberties(scores: list[ModelScore], out: Path) -> str:
    """Write `protocol.md`: what each liberty adds to the honest score, over the same songs and resampled artists."""
    by_key = {(score.protocol, score.name): score for score in scores}
    honest, rows = by_key["artist", HONEST], []
    liberties = {
        "no liberty: the last epoch kept": ("artist", LAST),
        "artists on both sides": ("random", HONEST),
        "epoch picked on test songs": ("artist", TEST_PICKED),
        "both": ("random", TEST_PICKED),
    }
    for told, key in liberties.items():
        if not np.array_equal(by_key[key].track_ids, honest.track_ids):
            raise ValueError(
                f"{key[1]} ({key[0]}) was tested on other songs than the honest runs; finish all folds first"
            )
        cells = []
        for place, (name, metric) in enumerate(METRICS.items()):
            gain = by_key[key].metrics[name].estimate - honest.metrics[name].estimate
            draws = by_key[key].draws[place] - honest.draws[place]
            cells.append(points(metric.title, percentile_interval(gain, draws)))
        rows.append([told, *cells])
    header = ["liberty", *(f"{metric.title} added [95 %]" for metric in METRICS.values())]
    lines = [
        "# What liberties of protocol add",
        "",
        *markdown_table(header, rows),
        "",
        f"Against artists apart and epochs picked on validation songs; {len(honest.seeds)} seeds, {honest.n_folds} "
        f"folds, {len(honest.track_ids)} songs; intervals over resampled artists.",
    ]
    text = "\n".join(lines) + "\n"
    write_text(out / "protocol.md", text)
    return text


def main(config: Config) -> None:
    grid = config.grid
    if grid.protocol != "artist":
        raise ValueError(f"--protocol {grid.protocol} has no place here: artist and random are compared, leave it out")
    songs = load_corpus(grid.tracks, grid.inputs, config.model)
    model = model_of(config.side, config.model, songs)
    for protocol in PROTOCOLS:
        splits = make_splits(songs.tracks, protocol, grid.folds, seed=0)
        honest = {HONEST: (model, config.train), LAST: (model, replace(config.train, select_by="last"))}
        run_grid(grid, songs, splits, honest)
        run_grid(grid, songs, [picked_on_test(split) for split in splits], {TEST_PICKED: (model, config.train)})
    if process_state().is_main_process:
        report_grid(grid, HONEST)
        print(write_liberties(score_models(read_runs(find_runs(grid.out))), grid.reports))


if __name__ == "__main__":
    run_command(main, Config, __doc__)
