"""Always the most frequent mood of the training songs: what every other model has to beat.

Run: python baselines/majority.py --tracks data/qaed4/tracks.parquet --out runs/qaed4
"""

from functools import partial

import numpy as np

from baselines.classical import Answer, Answers, Baseline, Config, mood_shares, run_baseline
from research.command import run_command
from research.splits.folds import Split
from research.tracks import TrackTable


def prepare(tracks: TrackTable, _config: Config) -> Answer:
    def answer(split: Split, _seed: int) -> Answers:
        both = mood_shares(tracks, np.concatenate([split.train, split.valid]))
        valid = np.tile(mood_shares(tracks, split.train), (len(split.valid), 1))
        return Answers(valid, np.tile(both, (len(split.test), 1)), chosen={})

    return answer


MAJORITY = Baseline("majority", {"answer": "share of each mood"}, prepare)

if __name__ == "__main__":
    run_command(partial(run_baseline, MAJORITY), Config, __doc__)
