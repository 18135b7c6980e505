"""What liberties of protocol are said to add, on invented runs."""

import numpy as np
import pandas as pd

from experiments import protocol
from research.reports.formats import MINUS
from research.reports.predictions import find_runs, read_runs
from research.reports.scores import score_models
from research.runs import RunFolder


def test_a_liberty_that_helps_adds_and_one_that_hurts_takes_away(tmp_path):
    # Every artist has two songs of each mood and the same answers, so any resampled artists give the same scores.
    guesses = {  # accuracy, macro-F1
        ("artist", protocol.HONEST): [0, 1, 0, 1],  # 1/2, 1/2
        ("artist", protocol.LAST): [0, 0, 0, 0],  # 1/2, (2/3 + 0) / 2 = .333
        ("random", protocol.HONEST): [0, 0, 0, 1],  # 3/4, (4/5 + 2/3) / 2 = .733
        ("artist", protocol.TEST_PICKED): [0, 1, 0, 0],  # 1/4, (2/5 + 0) / 2 = .2
        ("random", protocol.TEST_PICKED): [0, 0, 1, 1],  # 1, 1
    }
    corpus = {"name": "toy", "synthetic": True, "citation": "none", "fingerprint": "ab12"}
    for (kind, name), of_artist in guesses.items():
        config = {"name": name, "protocol": kind, "fold": 0, "n_folds": 1, "seed": 0, "labels": ["a", "b"]}
        frame = pd.DataFrame({"track_id": [f"t{song}" for song in range(12)], "artist": [*"xxxxyyyyzzzz"]})
        frame = frame.assign(target=[0, 0, 1, 1] * 3, logits=[np.eye(2)[guess] for guess in of_artist * 3])
        parts = [frame.assign(split=part, fold=0, seed=0) for part in ("valid", "test")]
        RunFolder.open(tmp_path / f"{name}-{kind}", {**config, "corpus": corpus}).finish(pd.concat(parts), {})
    scores = score_models(read_runs(find_runs(tmp_path)))
    table = [line for line in protocol.write_liberties(scores, tmp_path).splitlines() if "points" in line]
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in table] == [
        [
            "no liberty: the last epoch kept",
            "+0.0 points accuracy [+0.0, +0.0]",
            f"{MINUS}16.7 points macro-F1 [{MINUS}16.7, {MINUS}16.7]",
        ],
        ["artists on both sides", "+25.0 points accuracy [+25.0, +25.0]", "+23.3 points macro-F1 [+23.3, +23.3]"],
        [
            "epoch picked on test songs",
            f"{MINUS}25.0 points accuracy [{MINUS}25.0, {MINUS}25.0]",
            f"{MINUS}30.0 points macro-F1 [{MINUS}30.0, {MINUS}30.0]",
        ],
        ["both", "+50.0 points accuracy [+50.0, +50.0]", "+50.0 points macro-F1 [+50.0, +50.0]"],
    ]
