"""Late fusion at its simplest: the mean of the probabilities of the audio SVM and tf-idf.

Run after both: python baselines/late_mean.py --tracks data/mirex_like/tracks.parquet --out runs/mirex_like
Reads their run folders in --out. Has no settings, so it chooses none.
Expect: accuracy .449 on mirex_like (5 artist folds, seed 0), 4.5 points [0.6, 8.4] above lyrics-tfidf.
"""

from functools import partial

import numpy as np
import pandas as pd

from baselines.classical import Answer, Answers, Baseline, Config, run_baseline, run_path
from baselines.features_svm import SVM
from baselines.tfidf import TFIDF
from research.command import run_command
from research.runs import RunFolder
from research.splits.folds import Split
from research.tracks import TrackTable


def prepare(tracks: TrackTable, config: Config) -> Answer:
    ids = tracks.frame["track_id"].to_numpy()

    def answer(split: Split, seed: int) -> Answers:
        sides = [_probabilities(config, side.name, split.fold, seed) for side in (SVM, TFIDF)]
        mean = (sides[0] + sides[1]) / 2
        return Answers(mean.loc[ids[split.valid]].to_numpy(), mean.loc[ids[split.test]].to_numpy(), chosen={})

    return answer


def _probabilities(config: Config, name: str, fold: int, seed: int) -> pd.DataFrame:
    """What a finished run thinks probable, a row a song under its track_id.

    Raises:
        ValueError: there is no such run, or it is not finished.
    """
    folder = run_path(config.out, name, fold, seed)
    if not (folder.is_dir() and RunFolder.load(folder).finished):
        raise ValueError(f"{folder} is no finished run; run {name} with the same flags first")
    frame = pd.read_parquet(folder / "predictions.parquet")
    return pd.DataFrame(np.exp(np.stack(frame["logits"].to_numpy())), index=frame["track_id"])


LATE_MEAN = Baseline("late-mean", {"mean_of": (SVM.name, TFIDF.name)}, prepare)

if __name__ == "__main__":
    run_command(partial(run_baseline, LATE_MEAN), Config, __doc__)
